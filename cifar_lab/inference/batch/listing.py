"""Which pictures: a folder, walked in an order that is always the same, or a list with one path a line.

Paths are bytes here, as the system has them: a name may hold a line break, or bytes that are no UTF-8.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from cifar_lab.core.progress import progress_bar
from cifar_lab.images import formats

_BLOCK = 2**16  # bytes of a list that are read at once
_LONGEST = 32_768  # bytes: more than any system allows a path


class FileListing:
    """The paths that a source names, listed anew each time it is walked over (a stream can be walked over once)."""

    def __init__(self, source: str | Path | BinaryIO, *, leave_out: Iterable[Path] = (), progress: bool = False):
        """Look at the source, without reading it.

        Args:
            source: a folder, a file with one path a line, or such a file opened for reading bytes.
            leave_out: files and folders that are no pictures, although they may lie in the folder.
            progress: show how many were found.

        Raises:
            ValueError: there is no such folder or file, or it is a picture itself.
        """
        self._source, self._progress = source, progress
        self._leave_out = frozenset(os.fsencode(os.path.realpath(path)) for path in leave_out)
        self.name = getattr(source, "name", "the list") if hasattr(source, "read") else str(source)
        if hasattr(source, "read") or os.path.isdir(source):
            return
        if not os.path.exists(source):
            raise ValueError(f"{self.name} does not exist. Give a folder, or a text file with one path a line.")
        if Path(source).suffix.lower() in formats.ENDINGS:
            raise ValueError(f"{self.name} is a picture, not a list of paths. One picture: cifar-lab predict.")

    def __iter__(self) -> Iterator[bytes]:
        return iter(progress_bar(self._paths(), unit=" file", desc="Listing", shown=self._progress))

    def _paths(self) -> Iterator[bytes]:
        if hasattr(self._source, "read"):
            yield from read_list(self._source, self.name)
        elif os.path.isdir(self._source):
            yield from walk(os.fsencode(self._source), self._leave_out)
        else:
            with open(self._source, "rb") as stream:
                yield from read_list(stream, self.name)


def walk(folder: bytes, leave_out: frozenset[bytes] = frozenset()) -> Iterator[bytes]:
    """The files beneath a folder: its own by name, then those of each folder in it.

    Links to folders are not followed, so that a circle of links ends; like folders that cannot be read, they come as
    paths themselves, so that nobody takes what is behind them for done.

    Args:
        folder: where to begin.
        leave_out: real paths that are passed over.

    Raises:
        OSError: `folder` itself cannot be read.
    """
    waiting = [folder]
    while waiting:
        current = waiting.pop()
        try:
            with os.scandir(current) as entries:
                found = sorted((entry for entry in entries if not entry.name.startswith(b".")), key=lambda e: e.name)
        except OSError:
            if current == folder:
                raise
            yield current
            continue
        real = os.path.realpath(current)
        found = [entry for entry in found if os.path.join(real, entry.name) not in leave_out]
        folders = [entry.path for entry in found if _is_folder(entry)]
        waiting += reversed(folders)
        own = frozenset(folders)
        yield from (entry.path for entry in found if entry.path not in own)


def _is_folder(entry: os.DirEntry) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def read_list(stream: BinaryIO, name: str) -> Iterator[bytes]:
    """The paths of a list: one a line, or with a NUL behind each, as `find -print0` writes them. Empty lines are none.

    Args:
        stream: a file opened for reading bytes.
        name: what it is called in an error.

    Raises:
        ValueError: this is no list of paths.
    """
    first = stream.read(_BLOCK).removeprefix(b"\xef\xbb\xbf")  # the mark that Windows puts before a text
    separator = b"\0" if b"\0" in first else b"\n"
    for number, line in enumerate(split(chain([first], blocks(stream)), separator), 1):
        path = line.removesuffix(b"\r") if separator == b"\n" else line
        if len(path) > _LONGEST or b"\0" in path:
            raise ValueError(f"Line {number} of {name} is no path. Give a text file with one path a line, or a folder.")
        if path:
            yield path


def blocks(stream: BinaryIO) -> Iterator[bytes]:
    """What is left in a file, a little at a time."""
    return iter(lambda: stream.read(_BLOCK), b"")


def split(blocks: Iterable[bytes], separator: bytes) -> Iterator[bytes]:
    """The pieces between separators; one that grows far beyond any path ends it, whole or not."""
    rest = b""
    for block in blocks:
        *pieces, rest = (rest + block).split(separator)
        yield from pieces
        if len(rest) > _LONGEST + _BLOCK:
            break
    if rest:
        yield rest
