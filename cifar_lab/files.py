"""Files that are whole or not there: writing that a kill cannot tear, and the SHA-256 that says which file it is."""

import hashlib
import json
import os
from collections.abc import Callable
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
