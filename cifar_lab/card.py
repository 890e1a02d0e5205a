"""The model card: the JSON beside a classifier that says what it is, and which files belong to it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from cifar_lab import files, images, paths

CARD = "card.json"
NETWORK = "model.keras"  # to train on and to look into; a baseline has none
_PREFERRED = ("cifar10", "tutorial")  # shipped with the lab, the best one first
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Card:
    """A card that was read and found sound.

    Attributes:
        folder: the classifier's folder.
        content: all that the card says, as written by `cifar_lab.export`.
    """

    folder: Path
    content: dict

    @classmethod
    def load(cls, name: str | Path) -> "Card":
        """Read the card of a classifier, by its name in `data/models/` or by its folder.

        Raises:
            ValueError: there is no such classifier, or the card cannot be read or lacks something.
        """
        folder = find(name)
        try:
            content = json.loads((folder / CARD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ValueError(f"The model card {folder / CARD} cannot be read: {error}") from error
        if problem := _problem(content):
            raise ValueError(f"The model card {folder / CARD} {problem}. Export the classifier again.")
        return cls(folder, content)

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
    def has_network(self) -> bool:
        """Whether there is a Keras network to look into; a baseline, such as a random forest, has none."""
        return NETWORK in self.content["files"]

    def read_verified(self, file_name: str) -> bytes:
        """The content of one of the classifier's files, if it is the file that the card states.

        Raises:
            ValueError: the file is missing, or its SHA-256 is another.
        """
        path, stated = self.folder / file_name, self.content["files"].get(file_name)
        if stated is None:
            raise ValueError(f"the card names no {file_name}")
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ValueError(f"{path} is missing or cannot be read ({error.strerror})") from error
        if files.sha256_of(content) != stated["sha256"]:
            raise ValueError(f"{path} is not the file its card states (its SHA-256 differs): fetch or export it again")
        return content

    def write(self, **entries) -> "Card":
        """Put entries into the card on disk, in the place of those of the same name, and return the card with them."""
        content = self.content | entries
        files.write_json(self.folder / CARD, content)
        return Card(self.folder, content)


def find(name: str | Path) -> Path:
    """The folder of a classifier, by its name in the models folder or by its path.

    Raises:
        ValueError: there is none; the sentence lists those there are.
    """
    by_name = paths.models_folder() / name if isinstance(name, str) and _NAME.fullmatch(name) else None
    for folder in (by_name, Path(name)):
        if folder is not None and (folder / CARD).is_file():
            return folder
    there = ", ".join(available()) or "none yet (make one with: cifar-lab train, then cifar-lab export)"
    raise ValueError(f"There is no classifier {str(name)!r}. Classifiers here: {there}.")


def available() -> list[str]:
    """The names of the classifiers in the models folder, sorted."""
    return sorted(card.parent.name for card in paths.models_folder().glob(f"*/{CARD}"))


def default() -> str:
    """The classifier to use when none was named: the best shipped one, else the first there is.

    With no classifier at all it is `cifar10` too: loading it then says what to do.
    """
    there = available()
    return next((name for name in (*_PREFERRED, *there) if name in there), _PREFERRED[0])


def check_name(name: str) -> str:
    """Pass a name through that can be a folder's on every system.

    Raises:
        ValueError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} cannot be a classifier's name: use up to 64 letters, digits, '.', '_' and '-'.")
    return name


def _problem(content) -> str:
    """What is wrong with a card's content, to follow "The model card ..."; empty when it is sound."""
    if not isinstance(content, dict):
        return "is not a JSON object"
    names = content.get("class_names")
    if not isinstance(names, list) or len(names) < 2 or not all(isinstance(name, str) for name in names):
        return "names no classes"
    if not isinstance(content.get("name"), str):
        return "has no name"
    if not isinstance(content.get("input_size"), int) or not 8 <= content["input_size"] <= 1024:
        return "gives no input_size between 8 and 1024"
    if not _is_number(content.get("temperature")) or not content["temperature"] > 0:
        return "gives no temperature above 0"
    if not _is_number(content.get("known_threshold")) or not 0 <= content["known_threshold"] <= 1:
        return "gives no known_threshold between 0 and 1"
    framings = content.get("framings", ["centre"])
    if not isinstance(framings, list) or not framings or not set(framings) <= set(images.FRAMINGS):
        return f"asks for other framings than {', '.join(images.FRAMINGS)}"
    if not isinstance(content.get("mirror", False), bool):
        return "says neither true nor false for mirror"
    stated = content.get("files")
    if not isinstance(stated, dict) or not all(isinstance(f, dict) and "sha256" in f for f in stated.values()):
        return "states no files with their SHA-256"
    return ""


def _is_number(value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
