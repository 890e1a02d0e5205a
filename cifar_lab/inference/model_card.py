"""The model card: the JSON beside a classifier that says what it is, and which files belong to it."""

import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from cifar_lab import images
from cifar_lab.core import files, paths
from cifar_lab.inference import archive

CARD = archive.CARD
FORMAT = 1
KERAS_FILE = "model.keras"  # to train on and to look into; a baseline has none
_NETWORKS = (".keras", ".h5", ".hdf5")
_PREFERRED = ("cifar10", "tutorial")  # shipped with the lab, the best one first
_MAX_BYTES = 2**20  # of a card in a single file
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class ModelCard:
    """A card that was read and found sound.

    Attributes:
        folder: the classifier's folder, or its single file.
        content: all that the card says, as written by `cifar_lab.training.export`.
        carried: files that came along in memory, to where the folder may not be; by their names.
    """

    folder: Path
    content: dict
    carried: Mapping[str, bytes] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def load(cls, name: str | Path) -> "ModelCard":
        """Read the card of a classifier, by its name in `data/models/`, by its folder or by its single file.

        Raises:
            ValueError: there is no such classifier, the card cannot be read or lacks something, or a single file is
                damaged or holds other files than the card states.
        """
        place = find_classifier(name)
        try:
            text = (
                archive.read_member(place, CARD, limit=_MAX_BYTES) if place.is_file() else (place / CARD).read_bytes()
            )
            content = json.loads(text.decode("utf-8"))
        except archive.ArchiveError:
            raise
        except (OSError, ValueError, RecursionError) as error:
            raise ValueError(f"The model card {place / CARD} cannot be read: {error}") from error
        card = cls(place, content).checked()
        if card.is_packed:
            archive.verify_archive(place, {file: facts["sha256"] for file, facts in content["files"].items()})
        return card

    def checked(self) -> "ModelCard":
        """The card, if all is there that a classifier needs.

        Raises:
            ValueError: something is not.
        """
        if problem := _problem(self.content):
            raise ValueError(f"The model card {self.folder / CARD} {problem}.")
        return self

    @property
    def name(self) -> str:
        """The classifier's name."""
        return self.content["name"]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the network's outputs."""
        return tuple(self.content["class_names"])

    @property
    def input_size(self) -> int:
        """Height and width of the network's input in pixels."""
        return self.content["input_size"]

    @property
    def temperature(self) -> float:
        """What the logits are divided by, so that scores are honest; 1 changes nothing."""
        return self.content["temperature"]

    @property
    def calibrated(self) -> bool:
        """Whether temperature and threshold were fitted on images; else scores are the network's own."""
        return self.content.get("calibrated", True) is not False

    @property
    def known_threshold(self) -> float:
        """A score below this, 0-1, means "none of these"."""
        return self.content["known_threshold"]

    @property
    def framings(self) -> tuple[str, ...]:
        """How a picture that is not square is framed, see `images.to_input`; several are averaged."""
        return tuple(self.content.get("framings", ("centre",)))

    @property
    def mirror(self) -> bool:
        """Whether the mirror image is looked at too, where the framings give one view only; the two are averaged."""
        return self.content.get("mirror", False)

    @property
    def summary(self) -> dict:
        """What whoever chooses among classifiers has to know of it."""
        return {"class_names": self.class_names, "input_size": self.input_size, "calibrated": self.calibrated}

    @property
    def has_network(self) -> bool:
        """Whether there is a Keras network to look into; a baseline, such as a random forest, has none."""
        return KERAS_FILE in self.content["files"]

    @property
    def is_packed(self) -> bool:
        """Whether the classifier is a single file, which is read and never changed."""
        return self.folder.is_file()

    def read_verified(self, file_name: str) -> bytes:
        """The content of one of the classifier's files, if it is the file that the card states.

        Raises:
            ValueError: the file is missing, or its SHA-256 is another.
        """
        path, stated = self.folder / file_name, self.content["files"].get(file_name)
        if stated is None:
            raise ValueError(f"the card names no {file_name}")
        try:
            content = self._read(file_name)
        except OSError as error:
            raise ValueError(f"{path} is missing or cannot be read ({error.strerror})") from error
        if files.sha256_of(content) != stated["sha256"]:
            raise ValueError(f"{path} is not the file its card states (its SHA-256 differs): fetch or export it again")
        return content

    def _read(self, file_name: str) -> bytes:
        if file_name in self.carried:
            return self.carried[file_name]
        return archive.read_member(self.folder, file_name) if self.is_packed else (self.folder / file_name).read_bytes()

    def write(self, **entries) -> "ModelCard":
        """Put entries into the card on disk, in the place of those of the same name, and return the card with them.

        Raises:
            ValueError: the classifier is a single file.
        """
        if self.is_packed:
            raise ValueError(f"{self.folder} is not changed. Make a folder of it first: cifar-lab unpack {self.folder}")
        content = self.content | entries
        files.write_json(self.folder / CARD, content)
        return ModelCard(self.folder, content)


def find_classifier(name: str | Path) -> Path:
    """The folder of a classifier, by its name in the models folder or by its path; or the single file at the path.

    Raises:
        ValueError: there is none; the sentence lists those there are.
    """
    by_name = paths.models_folder() / name if isinstance(name, str) and _NAME.fullmatch(name) else None
    for folder in (by_name, Path(name)):
        if folder is not None and (folder / CARD).is_file():
            return folder
    if Path(name).suffix.lower() in _NETWORKS:
        raise ValueError(
            f"{name} is a network of Keras, not a classifier. Make one of it: "
            f"cifar-lab export {name} --name NAME --dataset DATASET"
        )
    if Path(name).is_file():
        return Path(name)
    there = ", ".join(list_classifiers()) or "none yet (make one with: cifar-lab train, then cifar-lab export)"
    raise ValueError(f"There is no classifier {str(name)!r}. Classifiers here: {there}.")


def list_classifiers() -> list[str]:
    """The names of the classifiers in the models folder, sorted."""
    return sorted(card.parent.name for card in paths.models_folder().glob(f"*/{CARD}"))


def default_classifier() -> str:
    """The classifier to use when none was named: the best shipped one, else the first there is.

    With no classifier at all it is `cifar10` too: loading it then says what to do.
    """
    there = list_classifiers()
    return next((name for name in (*_PREFERRED, *there) if name in there), _PREFERRED[0])


def check_name(name: str) -> str:
    """Pass a name through that can be a folder's on every system.

    Raises:
        ValueError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a classifier's name: use up to 64 letters, digits, '.', '_' and '-'.")
    return name


def new_folder(name: str, *, replace: bool = False) -> AbstractContextManager[Path]:
    """A folder to put a new classifier's files in; after the block it stands in the models folder, in one step.

    Args:
        name: what the classifier is called.
        replace: put it in the place of one that has that name.

    Raises:
        ValueError: the name is taken, or no name.
    """
    folder = paths.models_folder() / check_name(name)
    if folder.exists() and not replace:
        raise ValueError(f"There is a classifier {name!r} already. Choose another name, or replace it (--replace).")
    return files.whole_folder(folder)


def _problem(content) -> str:
    """What is wrong with a card's content, to follow "The model card ..."; empty when it is sound."""
    if not isinstance(content, dict):
        return "is not a JSON object"
    if content.get("format", FORMAT) != FORMAT:
        return f"has format {str(content['format'])[:20]!r}; this lab reads {FORMAT}: get its newest version (git pull)"
    names = content.get("class_names")
    if not isinstance(names, list) or len(names) < 2 or not all(map(_is_text, names)):
        return "names no classes"
    if not _is_text(content.get("name")):
        return "has no name"
    if not isinstance(content.get("input_size"), int) or not 8 <= content["input_size"] <= 1024:
        return "gives no input_size between 8 and 1024"
    if not _is_number(content.get("temperature")) or not content["temperature"] > 0:
        return "gives no temperature above 0"
    if not _is_number(content.get("known_threshold")) or not 0 <= content["known_threshold"] <= 1:
        return "gives no known_threshold between 0 and 1"
    framings = content.get("framings", ["centre"])
    if not isinstance(framings, list) or not 1 <= len(framings) <= 8 or any(f not in images.FRAMINGS for f in framings):
        return f"asks for other framings than {', '.join(images.FRAMINGS)}"
    if not isinstance(content.get("mirror", False), bool):
        return "says neither true nor false for mirror"
    stated = content.get("files")
    if not isinstance(stated, dict) or not all(
        isinstance(f, dict) and _is_text(f.get("sha256")) for f in stated.values()
    ):
        return "states no files with their SHA-256"
    return ""


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e9 < value < 1e9  # no NaN either


def _is_text(value) -> bool:
    """Whether it is a text that a terminal can show: a card that came by mail could hold commands to one."""
    return isinstance(value, str) and not any(unicodedata.category(sign) == "Cc" for sign in value)
