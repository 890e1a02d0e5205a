"""What is here and what is missing, for `cifar-lab check`: each finding with the line that mends it."""

import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from cifar_lab.core import paths
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import imagenet_weights

_CORE = ("numpy", "pillow", "ai-edge-litert")
_LAB = ("tensorflow", "keras", "jupyterlab", "ipywidgets", "matplotlib", "scikit-learn", "skops")
_INSTALL = "python -m pip install -e '.[lab]' -c constraints.txt"


@dataclass(frozen=True)
class Finding:
    """One line of the check.

    Attributes:
        ok: all is well.
        text: what was found, in one sentence.
        mend: the command that mends it, if it is not.
        needed: nothing works without it.
    """

    ok: bool
    text: str
    mend: str = ""
    needed: bool = False


def run() -> list[Finding]:
    """Look at Python, packages, pictures and classifiers; nothing is fetched and nothing changed."""
    packages = [_packages("core", _CORE, needed=True), _packages("lab", _LAB)]
    return [_python(), *packages, *_pictures(), _mobilenet(), *_classifiers()]


def _python() -> Finding:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return Finding(True, f"Python {version}")
    return Finding(False, f"Python {version}; the lab is tested with 3.11 to 3.13", "make lab PYTHON=python3.12", True)


def _packages(kind: str, names: tuple[str, ...], needed: bool = False) -> Finding:
    missing = [name for name in names if not _version(name)]
    if missing:
        return Finding(False, f"{kind}: {', '.join(missing)} not installed", _INSTALL, needed)
    return Finding(True, f"{kind}: " + ", ".join(f"{name} {_version(name)}" for name in names))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _pictures() -> list[Finding]:
    from cifar_lab.data import cifar10

    found = [Finding(True, "sketches: built in, always there")]
    try:
        place = cifar10.locate_cifar10()
    except ValueError as error:
        return [*found, Finding(False, f"cifar10: {error}")]
    if place:
        return [*found, Finding(True, f"cifar10: {place}")]
    return [*found, Finding(False, f"cifar10: not on disk ({paths.data_folder()})", "cifar-lab data cifar10")]


def _mobilenet() -> Finding:
    """Its weights are for whoever wants them: not to have them is nothing to mend."""
    place = imagenet_weights.weights_path()
    if imagenet_weights.weights_available():
        return Finding(True, f"mobilenet: ImageNet's weights are in {place.parent}")
    if place.exists():
        return Finding(False, f"mobilenet: {place} is not all there; delete it", "cifar-lab mobilenet")
    return Finding(True, "mobilenet: to have a thousand classes, cifar-lab mobilenet fetches 14.5 MB, once")


def _classifiers() -> list[Finding]:
    findings = []
    for name in model_card.list_classifiers():
        try:
            Classifier.load(name)
            findings.append(Finding(True, f"classifier {name}"))
        except ValueError as error:
            findings.append(Finding(False, str(error), "git checkout data/models"))
    return findings or [Finding(False, "no classifier yet", "cifar-lab train, then cifar-lab export RUN --name NAME")]
