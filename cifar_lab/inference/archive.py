"""Classifier archives (`.cifarlab`): a zip of a model card and the files that it states, to share a classifier.

Archives are untrusted: only known names are read, in memory and up to a limit, and no name is used as a path.
"""

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path

from cifar_lab.core import files

EXTENSION = ".cifarlab"
CARD = "card.json"
LIMITS = {CARD: 2**20, "model.keras": 2**29, "model.tflite": 2**29, "test_predictions.npz": 2**28}  # bytes by name


class ArchiveError(ValueError):
    """An archive cannot be written or read; the message says why, and what to do."""


def write_archive(path: Path, card: dict, contents: Mapping[str, bytes], *, replace: bool = False) -> None:
    """Write an archive atomically: the card, and the content of each file that it states by name.

    Raises:
        ArchiveError: the path has another extension or exists (unless `replace`), or a file is unknown or too large.
    """
    if path.suffix != EXTENSION:
        raise ArchiveError(f"The file extension of a packed classifier must be {EXTENSION}, got {path.name!r}.")
    if path.exists() and not replace:
        raise ArchiveError(f"{path} exists already. Choose another name, or replace it (--replace).")
    contents = {CARD: json.dumps(card, indent=2, ensure_ascii=False).encode("utf-8"), **contents}
    for name, content in contents.items():
        _check_file(path, name, len(content), LIMITS)

    def fill(unfinished: Path) -> None:
        with zipfile.ZipFile(unfinished, "w") as archive:
            for name, content in contents.items():
                entry = zipfile.ZipInfo(name)  # its date is constant: the same classifier gives the same bytes
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, content)

    files.write_whole(path, fill)


def read_archive(path: Path) -> dict[str, bytes]:
    """Read the card and all files of an archive, by name; their SHA-256 is not verified yet.

    Raises:
        ArchiveError: the archive is damaged, has no card, or a file in it is unknown, too large or encrypted.
    """
    contents = _read(path, LIMITS)
    if CARD not in contents:
        raise ArchiveError(f"{path} holds no {CARD}, so it is not a classifier.")
    return contents


def read_member(path: Path, name: str, *, limit: int = 2**30) -> bytes:
    """Read one file of up to `limit` bytes from any zip, such as a `.keras` file.

    Raises:
        ArchiveError: there is no such file, it is too large or encrypted, or the zip is damaged.
    """
    contents = _read(path, {name: limit}, only=name)
    if name not in contents:
        raise ArchiveError(f"{path} holds no {name}.")
    return contents[name]


def _read(path: Path, limits: Mapping[str, int], only: str | None = None) -> dict[str, bytes]:
    try:
        _check_end(path)
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if only in (None, entry.filename)]
            for entry in entries:
                _check_file(path, entry.filename, entry.file_size, limits)
                if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ArchiveError(f"{path} is encrypted or has an unsupported compression. Pack it again.")
            if len({entry.filename for entry in entries}) < len(entries):
                raise ArchiveError(f"{path} holds two files with the same name. Ask for a new copy.")
            # Given a size, zipfile decompresses no more than that, even if the declared size is wrong.
            return {entry.filename: archive.open(entry).read(entry.file_size + 1) for entry in entries}
    except ArchiveError:
        raise
    except Exception as error:  # zipfile raises many types for damaged files
        raise ArchiveError(f"{path} is damaged or cannot be read ({error}). Ask for a new copy.") from error


def _check_file(path: Path, name: str, size: int, limits: Mapping[str, int]) -> None:
    if name not in limits:
        raise ArchiveError(f"{path} cannot hold {name[:60]!r}: a classifier consists of {', '.join(limits)}.")
    if size > limits[name]:
        raise ArchiveError(f"{name} in {path} has {size:,} bytes; the limit is {limits[name]:,}.")


def _check_end(path: Path) -> None:
    """Check the start and end of a zip first, since zipfile would read a directory of any size into memory."""
    with open(path, "rb") as file:
        start, size = file.read(4), path.stat().st_size
        file.seek(max(0, size - 42))
        tail = file.read(42)  # a ZIP64 locator (20 bytes) if there is one, and the end record (22 bytes)
    if start != b"PK\3\4":
        raise ArchiveError(f"{path} is not a classifier: pass a folder, or a file made by cifar-lab pack.")
    directory = int.from_bytes(tail[-10:-6], "little")
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0" or tail.startswith(b"PK\6\7") or directory > 2**16:
        raise ArchiveError(f"{path} is cut off, or not made by cifar-lab pack. Ask for a new copy.")
