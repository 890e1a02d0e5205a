"""The model card: a JSON file next to a classifier with its classes, input size, files, calibration, provenance."""

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from cifar_lab import images
from cifar_lab.core import files, paths
from cifar_lab.core.text import is_number
from cifar_lab.inference import archive

CARD = archive.CARD
FORMAT = 1
KERAS_FILE = "model.keras"  # for training and explaining
_NETWORKS = (".keras", ".h5", ".hdf5")
_PREFERRED = ("cifar10", "tutorial")  # bundled with the lab, best first
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ModelCard:
    """The model card of a classifier.

    Attributes:
        folder: folder of the classifier, or its archive (single file).
        content: content of the card, as written by `cifar_lab.training.export`.
        contents: files by name that are held in memory, from an archive or a pickle.
    """

    folder: Path
    content: dict
    contents: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, name: str | Path) -> "ModelCard":
        """Load and validate the card of a classifier.

        Args:
            name: name in `data/models/`, or path of a folder or archive.

        Raises:
            ValueError: there is no such classifier, its card is unreadable or invalid, or its archive is damaged or
                holds other files than the card states.
        """
        path = find_classifier(name)
        contents = archive.read_archive(path) if path.is_file() else {}
        try:
            text = contents.pop(CARD) if contents else (path / CARD).read_bytes()
            card = cls(path, json.loads(text.decode("utf-8")), contents)
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"The model card {path / CARD} cannot be read: {error}") from error
        if card.checked().is_packed and contents.keys() != card.content["files"].keys():
            raise ValueError(f"{path} does not hold exactly the files that its card states. Ask for a new copy.")
        for file in contents:
            card.read_verified(file)
        return card

    def checked(self) -> "ModelCard":
        """Validate the content, and return the card itself.

        Raises:
            ValueError: an entry is missing or invalid.
        """
        if problem := _problem(self.content):
            raise ValueError(f"The model card {self.folder / CARD} {problem}.")
        return self

    @property
    def name(self) -> str:
        """Name of the classifier."""
        return self.content["name"]

    @property
    def class_names(self) -> tuple[str, ...]:
        """Class names, in the order of the network's outputs."""
        return tuple(self.content["class_names"])

    @property
    def input_size(self) -> int:
        """Height and width of the network's input in pixels."""
        return self.content["input_size"]

    @property
    def temperature(self) -> float:
        """Divisor of the logits that calibrates the scores; 1 has no effect."""
        return self.content["temperature"]

    @property
    def calibrated(self) -> bool:
        """Whether temperature and rejection threshold were fitted; if not, scores are the network's raw output."""
        return self.content.get("calibrated", True) is not False

    @property
    def known_threshold(self) -> float:
        """Rejection threshold, 0-1: a score below it means "none of these" (out of distribution)."""
        return self.content["known_threshold"]

    @property
    def framings(self) -> tuple[str, ...]:
        """How pictures are cropped or resized to a square, see `images.to_input`; several are averaged."""
        return tuple(self.content.get("framings", ("centre",)))

    @property
    def has_none_output(self) -> bool:
        """Whether the network has one more output than classes: the probability of "none of these"."""
        return self.content.get("none_output", False)

    @property
    def output_count(self) -> int:
        """Number of probabilities that the network puts out: one per class, and perhaps that of "none of these"."""
        return len(self.class_names) + self.has_none_output

    @property
    def mirror(self) -> bool:
        """Whether predictions are averaged with those for the mirror image, if the framings give one view only."""
        return self.content.get("mirror", False)

    @property
    def summary(self) -> dict:
        """Facts for choosing among classifiers: class names, input size, whether scores are calibrated."""
        return {"class_names": self.class_names, "input_size": self.input_size, "calibrated": self.calibrated}

    @property
    def is_packed(self) -> bool:
        """Whether the classifier is an archive (single file), which is read-only."""
        return self.folder.is_file()

    def read_verified(self, file_name: str) -> bytes:
        """Read one of the classifier's files and verify its SHA-256.

        Raises:
            ValueError: the file is missing, or its SHA-256 is not the one that the card states.
        """
        path, stated = self.folder / file_name, self.content["files"].get(file_name)
        if stated is None:
            raise ValueError(f"the model card {self.folder / CARD} states no {file_name}")
        try:
            content = self.contents[file_name] if file_name in self.contents else path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path} is missing or cannot be read ({error.strerror})") from error
        if files.sha256_of(content) != stated["sha256"]:
            raise ValueError(f"{path} is not the file its card states (its SHA-256 differs): fetch or export it again")
        return content

    def write(self, **entries) -> "ModelCard":
        """Add or replace entries of the card on disk, and return the new card.

        Raises:
            ValueError: the classifier is an archive.
        """
        if self.is_packed:
            raise ValueError(f"{self.folder} is a read-only archive. Unpack it first: cifar-lab unpack {self.folder}")
        content = self.content | entries
        files.write_json(self.folder / CARD, content)
        return ModelCard(self.folder, content)


def find_classifier(name: str | Path) -> Path:
    """Find a classifier by its name in the models folder, or by the path of its folder or archive.

    Returns:
        The path of the folder or archive.

    Raises:
        ValueError: there is no such classifier; the message lists the available ones.
    """
    by_name = paths.models_folder() / name if isinstance(name, str) and _NAME.fullmatch(name) else None
    for folder in (by_name, Path(name)):
        if folder is not None and (folder / CARD).is_file():
            return folder
    if Path(name).suffix.lower() in _NETWORKS:
        raise ValueError(
            f"{name} is a Keras network, not a classifier. Convert it: "
            f"cifar-lab export {name} --name NAME --dataset DATASET"
        )
    if Path(name).is_file():
        return Path(name)
    available = ", ".join(list_classifiers()) or "none yet (make one with: cifar-lab train, then cifar-lab export)"
    raise ValueError(f"There is no classifier {str(name)!r}. Available classifiers: {available}.")


def list_classifiers() -> list[str]:
    """Return the names of the classifiers in the models folder, sorted."""
    return sorted(card.parent.name for card in paths.models_folder().glob(f"*/{CARD}"))


def default_classifier() -> str:
    """Return the name of the default classifier: the best bundled one, else the first in alphabetical order.

    If there is none at all, return `cifar10`: loading it raises an error that says what to do.
    """
    available = list_classifiers()
    return next((name for name in (*_PREFERRED, *available) if name in available), _PREFERRED[0])


def check_name(name: str) -> str:
    """Check that a classifier name is valid as a folder name on every system, and return it.

    Raises:
        ValueError: the name is invalid.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a classifier's name: use up to 64 letters, digits, '.', '_' and '-'.")
    return name


def check_new_name(name: str, *, replace: bool = False) -> Path:
    """Check that a new classifier can have a name, and return its folder; do so before work that takes long.

    Raises:
        ValueError: the name is invalid, or taken and not to be replaced.
    """
    folder = paths.models_folder() / check_name(name)
    if folder.exists() and not replace:
        raise ValueError(f"There is a classifier {name!r} already. Choose another name, or replace it (--replace).")
    return folder


def new_folder(name: str, *, replace: bool = False) -> AbstractContextManager[Path]:
    """Create the folder of a new classifier; a context manager that moves it into the models folder when it exits.

    Args:
        name: name of the classifier.
        replace: replace an existing classifier of that name.

    Raises:
        ValueError: the name is taken or invalid.
    """
    return files.whole_folder(check_new_name(name, replace=replace))


def _problem(content) -> str:
    """Return what is wrong with a card's content, to follow "The model card ..."; empty if it is valid."""
    if not isinstance(content, dict):
        return "is not a JSON object"
    if content.get("format", FORMAT) != FORMAT:
        return f"has format {str(content['format'])[:20]!r}; this version reads {FORMAT}: update the lab (git pull)"
    names = content.get("class_names")
    if not isinstance(names, list) or len(names) < 2 or not all(map(_is_text, names)):
        return "has no valid class_names"
    if not _is_text(content.get("name")):
        return "has no name"
    if not isinstance(content.get("input_size"), int) or not 8 <= content["input_size"] <= 1024:
        return "has no input_size between 8 and 1024"
    if not is_number(content.get("temperature")) or not content["temperature"] > 0:
        return "has no temperature above 0"
    if not is_number(content.get("known_threshold")) or not 0 <= content["known_threshold"] <= 1:
        return "has no known_threshold between 0 and 1"
    framings = content.get("framings", ["centre"])
    if not isinstance(framings, list) or not 1 <= len(framings) <= 8 or any(f not in images.FRAMINGS for f in framings):
        return f"has framings other than {', '.join(images.FRAMINGS)}"
    for entry in ("mirror", "none_output"):
        if not isinstance(content.get(entry, False), bool):
            return f"has a {entry} entry that is not true or false"
    stated = content.get("files")
    if not isinstance(stated, dict) or not all(
        isinstance(f, dict) and _is_text(f.get("sha256")) for f in stated.values()
    ):
        return "states no files with their SHA-256"
    return ""


def _is_text(value) -> bool:
    """Return whether `value` is a string without control characters, which could be terminal escape sequences."""
    return isinstance(value, str) and not any(unicodedata.category(character) == "Cc" for character in value)
