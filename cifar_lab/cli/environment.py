"""The findings of `cifar-lab check`: what is installed, what is missing, and the command that fixes it."""

import platform
import sys
from dataclasses import dataclass
from importlib import metadata

from cifar_lab.core import paths
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import mobilenet

_CORE = ("numpy", "pillow", "ai-edge-litert")
_LAB = ("tensorflow", "keras", "jupyterlab", "ipywidgets", "matplotlib", "scikit-learn")
_INSTALL = "python -m pip install -e '.[lab]' -c constraints.txt"


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        ok: nothing to fix.
        text: the finding in one sentence.
        fix: the command that fixes it, if it is not ok.
        needed: nothing works without it.
    """

    ok: bool
    text: str
    fix: str = ""
    needed: bool = False


def run() -> list[Finding]:
    """Check Python, packages, datasets and classifiers, without downloading or changing anything."""
    packages = [_packages("core", _CORE, needed=True), _packages("lab", _LAB)]
    return [_python(), *packages, *_datasets(), _mobilenet(), *_classifiers()]


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


def _datasets() -> list[Finding]:
    from cifar_lab.data import cifar10

    found = [Finding(True, "sketches: built in, always available")]
    try:
        folder = cifar10.locate_cifar10()
    except ValueError as error:
        return [*found, Finding(False, f"cifar10: {error}")]
    if folder:
        return [*found, Finding(True, f"cifar10: {folder}")]
    return [*found, Finding(False, f"cifar10: not on disk ({paths.data_folder()})", "cifar-lab data cifar10")]


def _mobilenet() -> Finding:
    """Report on the optional MobileNetV2 weights: ok if absent."""
    if mobilenet.weights_available():
        return Finding(True, f"mobilenet: the ImageNet weights are in {mobilenet.weights_path().parent}")
    return Finding(
        True, "mobilenet: optional, for 1,000 classes; cifar-lab imagenet --backbone mobilenet fetches 14.5 MB"
    )


def _classifiers() -> list[Finding]:
    findings = []
    for name in model_card.list_classifiers():
        try:
            Classifier.load(name)
            findings.append(Finding(True, f"classifier {name}"))
        except ValueError as error:
            findings.append(Finding(False, str(error), "git checkout data/models"))
    return findings or [Finding(False, "no classifier yet", "cifar-lab train, then cifar-lab export RUN --name NAME")]
