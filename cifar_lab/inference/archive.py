"""One file for a classifier: a plain zip of its card and of the files that the card states, to be mailed or kept.

Such a file comes from others, so nothing in it is believed. It is read in memory, entry by entry, by names that are
known beforehand; its sizes have limits, whatever it says of itself; nothing is unpacked to a path that it names.
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

ENDING = ".cifarlab"
CARD = "card.json"
FILES = ("model.keras", "model.skops", "model.tflite", "test_predictions.npz")  # and no others, whatever a card states
MAX_BYTES = 2**30  # of the file, and of all that it unpacks to
_MAX_ENTRIES, _MAX_DIRECTORY = 16, 2**16  # the list of entries at the end of the file, and its bytes
_DATE = (1980, 1, 1, 0, 0, 0)  # the same classifier gives the same bytes
_END = struct.Struct("<4s4H2LH")  # the last record of a zip: signature, disks, entries, the directory, comment
_END_64 = 20  # bytes of the record before it, if there is one for sizes above 4 GiB
# What zipfile makes of damaged files.
_TROUBLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, OverflowError, RuntimeError, ValueError, struct.error)


class ArchiveError(ValueError):
    """A file is no archive that can be read; the sentence says why, and what to do."""


def write_archive(path: Path, card: dict, contents: Iterable[tuple[str, bytes]], *, replace: bool = False) -> None:
    """Write an archive, whole or not at all.

    Args:
        path: where it goes.
        card: the content of the card.
        contents: the name of each file that it states, and what is in it.
        replace: put it in the place of a file that is there.

    Raises:
        ArchiveError: the path has another ending or is taken; or the archive would be larger than `read_member`
            accepts, or hold a file that is not one of `FILES`.
    """
    if path.suffix != ENDING:
        raise ArchiveError(f"A classifier's file ends in {ENDING}, not as {path.name!r} does.")
    if path.exists() and not replace:
        raise ArchiveError(f"There is a {path} already. Choose another name, or replace it (--replace).")
    text = json.dumps(card, indent=2, ensure_ascii=False).encode("utf-8")
    files.write_whole(path, lambda unfinished: _fill(unfinished, chain([(CARD, text)], contents)))


def _fill(path: Path, contents: Iterable[tuple[str, bytes]]) -> None:
    total = 0
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents:
            if name not in (CARD, *FILES):
                raise ArchiveError(f"The card states a {_shown(name)}, which does not belong to a classifier.")
            total += len(content)
            if total > MAX_BYTES:
                raise ArchiveError(f"It has more than {MAX_BYTES >> 20} MiB, too much for one file: copy its folder.")
            entry = zipfile.ZipInfo(name, _DATE)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(entry, content)


def read_member(path: Path, name: str, *, limit: int = MAX_BYTES) -> bytes:
    """The content of one file of an archive.

    Args:
        path: of the archive.
        name: of the file in it.
        limit: how many bytes it may have.

    Raises:
        ArchiveError: there is none of that name, it is too large, or the archive cannot be read.
        OSError: nor can the file itself.
    """
    with _opened(path) as (archive, entries):
        if name not in entries:
            raise ArchiveError(f"{path} holds no {name}.")
        if entries[name].file_size > limit:
            raise ArchiveError(f"{path} holds a {name} of {entries[name].file_size:,} bytes, more than {limit:,}.")
        return archive.read(entries[name])


def verify_archive(path: Path, stated: dict[str, str]) -> None:
    """See that an archive holds the card, the files that it states, and no others.

    Args:
        path: of the archive.
        stated: the SHA-256 of each file, by its name.

    Raises:
        ArchiveError: a file is missing, not the one that was stated, one too many, or of no kind that is known.
    """
    with _opened(path) as (archive, entries):
        for names, problem in (
            (stated.keys() - set(FILES), "states what this version of the lab does not know:"),
            (stated.keys() - entries.keys(), "lacks"),
            (entries.keys() - stated.keys() - {CARD}, "holds what its card does not state:"),
        ):
            if names:
                raise ArchiveError(f"{path} {problem} {', '.join(sorted(map(_shown, names))[:3])}. Ask for it again.")
        for name, sha256 in stated.items():
            with archive.open(entries[name]) as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                    raise ArchiveError(
                        f"The {name} in {path} is not the file its card states (its SHA-256 differs): somebody or "
                        "something has changed it. Ask for it again."
                    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """An archive and its entries by name, once its sizes are known to be within the limits."""
    _check_end(path)
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive, _entries(path, archive.infolist())
    except ArchiveError:
        raise
    except _TROUBLE as error:
        raise ArchiveError(f"{path} is damaged ({error}). Ask for it again.") from error


def _check_end(path: Path) -> None:
    """Look at the last record of a zip, before a list of millions of entries is read."""
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ArchiveError(f"{path} has {size >> 20} MiB; at most {MAX_BYTES >> 20} are read.")
    with open(path, "rb") as file:
        start = file.read(4)
        file.seek(max(0, size - _END.size - _END_64))
        tail = file.read()
    if start != b"PK\3\4":
        raise ArchiveError(
            f"{path} is no classifier: that is a folder with a card.json, or a {ENDING} file as cifar-lab pack makes."
        )
    end = tail[-_END.size :]
    signature, *_, entries, directory, _, comment = _END.unpack(end) if len(end) == _END.size else [b""] * 8
    if signature != b"PK\5\6" or comment:
        raise ArchiveError(f"{path} is cut off: its end is missing. Was it fetched whole? Ask for it again.")
    if entries > _MAX_ENTRIES or directory > _MAX_DIRECTORY or tail.startswith(b"PK\6\7"):
        raise ArchiveError(f"{path} holds too much: at most {_MAX_ENTRIES} files are read.")


def _entries(path: Path, found: list[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    entries = {entry.filename: entry for entry in found}
    if len(entries) < len(found):
        raise ArchiveError(f"{path} holds two files of one name. Ask for it again.")
    if sum(entry.file_size for entry in found) > MAX_BYTES:
        raise ArchiveError(f"{path} would unpack to more than {MAX_BYTES >> 20} MiB.")
    if any(entry.flag_bits & 1 for entry in found):
        raise ArchiveError(f"{path} is encrypted. Ask for it without a password.")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in found):
        raise ArchiveError(f"{path} is packed in another way than cifar-lab pack does. Ask for it again.")
    return entries


def _shown(name: str) -> str:
    """A name from outside, fit for a terminal."""
    return name if name.isprintable() and len(name) <= 60 else repr(name[:60])
