"""What the lister of folders and the reader of CSV files share: files with their class, limits, and the error."""

import unicodedata
from typing import NamedTuple

from cifar_lab.core.text import printable

MAX_FILES = 1_000_000
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}


class FolderError(ValueError):
    """A folder can't be used for training; the message says what was found and what to do."""


class Found(NamedTuple):
    """A file whose class has no number yet."""

    path: str
    class_name: str
    split: str
    size: int  # bytes
    changed: int  # nanoseconds


def class_name(text: str) -> str:
    """Normalise a class name to NFC (macOS stores accents as separate characters), printable and stripped."""
    return printable(unicodedata.normalize("NFC", text.strip()))
