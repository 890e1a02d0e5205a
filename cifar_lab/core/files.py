"""Atomic writing of files and folders, and SHA-256 digests."""

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
    """Write a file atomically: `write` fills a temporary file next to `path`, which then replaces it in one step.

    Readers of `path` see either the old file or the new one, never part of one, even if this process is killed.

    Args:
        path: where the file goes; its folder is created if needed.
        write: called with the path of the temporary file, which has the file extension of `path`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        write(unfinished)
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())  # otherwise a power cut can leave an empty file under the new name
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that replaces `folder` when the block ends, or is removed if the block raises."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as scratch:
        unfinished = Path(scratch) / folder.name
        unfinished.mkdir()
        yield unfinished
        _put_in_place(unfinished, folder, Path(scratch) / "replaced")


def _put_in_place(unfinished: Path, folder: Path, aside: Path) -> None:
    """Rename the finished folder into place, after moving an old one aside: folders cannot be replaced in one step."""
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
    """Write a JSON file atomically.

    Raises:
        ValueError: the content has NaN or infinity, which JSON does not support.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(path, lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()
