"""Files that are whole or not there: writing that a kill cannot tear, and the SHA-256 that says which file it is."""

import hashlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a file beside `path`, then put it in place in one step.

    Whoever reads `path` sees the old file or the new one, never half of it, even if this process is killed.

    Args:
        path: where the file goes; its folder is made if need be.
        write: called with the path of the unfinished file. It keeps the ending of `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(unfinished)
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())  # else a power cut can leave the new name with an empty file
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of `folder` when the block ends; if it raises, nothing is left of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / folder.name
        unfinished.mkdir()
        yield unfinished
        _put_in_place(unfinished, folder, Path(scratch) / "replaced")


def _put_in_place(unfinished: Path, folder: Path, aside: Path) -> None:
    """Rename the finished folder into place. An old one steps aside first: a folder can't be replaced in one step."""
    if folder.exists():
        os.replace(folder, aside)
    try:
        os.replace(unfinished, folder)
    except OSError:
        if aside.exists():
            os.replace(aside, folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def new_folder(parent: Path, name: str) -> Path:
    """Create a folder that did not exist: `name`, or `name-2`, `name-3` and so on; its parents are created too."""
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)  # fails if it exists: two processes that start at once get two folders
        except FileExistsError:
            continue
        return folder


def write_json(path: Path, content: dict) -> None:
    """Write a JSON file, whole or not at all; `NaN` and infinity are refused, since JSON has no word for them."""
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def sha256(path: Path) -> str:
    """The SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(content: bytes) -> str:
    """The SHA-256 of bytes in memory as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
