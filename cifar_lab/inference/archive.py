"""Classifier archives (.cifarlab): a zip of a model card and the files that it states, to share a classifier.

Archives are untrusted input. Only entries with known names are read, in memory and up to size limits; nothing is
extracted to a path that the archive contains.
"""

import hashlib
import json
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

from cifar_lab.core import files

EXTENSION = ".cifarlab"
CARD = "card.json"
FILES = ("model.keras", "model.skops", "model.tflite", "test_predictions.npz")  # allow-list
MAX_BYTES = 2**30  # limit for the archive, and for its decompressed content
_MAX_ENTRIES, _MAX_DIRECTORY = 16, 2**16  # limits for the central directory: entries, bytes
_DATE = (1980, 1, 1, 0, 0, 0)  # constant, so that the same classifier gives the same bytes
_END = struct.Struct("<4s4H2LH")  # end of central directory: signature, disks, entries, size, offset, comment length
_END_64 = 20  # bytes of the ZIP64 locator, which precedes it in archives above 4 GiB
# The exceptions that zipfile raises for damaged files.
_ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, OverflowError, RuntimeError, ValueError, struct.error)


class ArchiveError(ValueError):
    """An archive cannot be written or read; the message says why, and what to do."""


def write_archive(path: Path, card: dict, contents: Iterable[tuple[str, bytes]], *, replace: bool = False) -> None:
    """Write an archive atomically.

    Args:
        path: path of the archive, with the extension .cifarlab.
        card: content of the model card.
        contents: name and content of each file that the card states.
        replace: overwrite an existing file.

    Raises:
        ArchiveError: the path has another extension or exists, the content exceeds `MAX_BYTES`, or a file is not one
            of `FILES`.
    """
    if path.suffix != EXTENSION:
        raise ArchiveError(f"The file extension of a packed classifier must be {EXTENSION}, got {path.name!r}.")
    if path.exists() and not replace:
        raise ArchiveError(f"{path} exists already. Choose another name, or replace it (--replace).")
    text = json.dumps(card, indent=2, ensure_ascii=False).encode("utf-8")
    files.write_whole(path, lambda unfinished: _fill(unfinished, chain([(CARD, text)], contents)))


def _fill(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    total = 0
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents:
            if name not in (CARD, *FILES):
                raise ArchiveError(f"The card states {_printable(name)}, which is not a file of a classifier.")
            total += len(content)
            if total > MAX_BYTES:
                raise ArchiveError(
                    f"A classifier of more than {MAX_BYTES >> 20} MiB cannot be packed: copy its folder instead."
                )
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)


def read_member(path: Path, name: str, *, limit: int = MAX_BYTES) -> bytes:
    """Read one file of an archive.

    Args:
        path: path of the archive.
        name: name of the file in it.
        limit: maximum size in bytes.

    Raises:
        ArchiveError: there is no such file, it is too large, or the archive is invalid.
        OSError: the archive cannot be opened.
    """
    with _open_archive(path) as (archive, entries):
        if name not in entries:
            raise ArchiveError(f"{path} holds no {name}.")
        if entries[name].file_size > limit:
            raise ArchiveError(
                f"{name} in {path} has {entries[name].file_size:,} bytes, more than the limit of {limit:,}."
            )
        return archive.read(entries[name])


def verify_archive(path: Path, stated: dict[str, str]) -> None:
    """Verify that an archive holds its card, exactly the files that the card states, and their SHA-256.

    Args:
        path: path of the archive.
        stated: SHA-256 of each file by name, from the card.

    Raises:
        ArchiveError: a file is missing, unexpected, changed, or unknown to this version.
    """
    with _open_archive(path) as (archive, entries):
        for names, problem in (
            (stated.keys() - set(FILES), "states files that this version does not know:"),
            (stated.keys() - entries.keys(), "lacks"),
            (entries.keys() - stated.keys() - {CARD}, "holds files that its card does not state:"),
        ):
            if names:
                listed = ", ".join(sorted(map(_printable, names))[:3])
                raise ArchiveError(f"{path} {problem} {listed}. Ask for a new copy.")
        for name, sha256 in stated.items():
            with archive.open(entries[name]) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise ArchiveError(
                        f"{name} in {path} is not the file its card states (its SHA-256 differs): it was changed or "
                        "damaged. Ask for a new copy."
                    )


@contextmanager
def _open_archive(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """Open an archive after checking its limits; yield it and its entries by name."""
    _check_end(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _entries(path, archive.infolist())
    except ArchiveError:
        raise
    except _ZIP_ERRORS as error:
        raise ArchiveError(f"{path} is damaged ({error}). Ask for a new copy.") from error


def _check_end(path: Path) -> None:
    """Check the end record of a zip, so that zipfile never reads a directory of millions of entries."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ArchiveError(f"{path} has {size >> 20} MiB; the limit is {MAX_BYTES >> 20} MiB.")
    with open(path, "rb") as file:
        start = file.read(4)
        file.seek(max(0, size - _END.size - _END_64))
        tail = file.read()
    if start != b"PK\3\4":
        raise ArchiveError(
            f"{path} is not a classifier: pass a folder with a card.json, or a {EXTENSION} file made by cifar-lab pack."
        )
    end = tail[-_END.size :]
    signature, *_, entries, directory, _, comment = _END.unpack(end) if len(end) == _END.size else [b""] * 8
    if signature != b"PK\5\6" or comment:
        raise ArchiveError(f"{path} is cut off: its end is missing. Download it again, or ask for a new copy.")
    if entries > _MAX_ENTRIES or directory > _MAX_DIRECTORY or tail.startswith(b"PK\6\7"):
        raise ArchiveError(f"{path} holds too many files: the limit is {_MAX_ENTRIES}.")


def _entries(path: Path, found: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    entries = {entry.filename: entry for entry in found}
    if len(entries) < len(found):
        raise ArchiveError(f"{path} holds two files with the same name. Ask for a new copy.")
    if sum(entry.file_size for entry in found) > MAX_BYTES:
        raise ArchiveError(f"{path} would unpack to more than {MAX_BYTES >> 20} MiB.")
    if any(entry.flag_bits & 1 for entry in found):
        raise ArchiveError(f"{path} is encrypted. Ask for a copy without a password.")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in found):
        raise ArchiveError(f"{path} has a compression that cifar-lab pack does not use. Ask for a new copy.")
    return entries


def _printable(name: str) -> str:
    """Return an untrusted name in a form that is safe to print in a terminal."""
    return name if name.isprintable() and len(name) <= 60 else repr(name[:60])
