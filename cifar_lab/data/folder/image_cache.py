"""Decode the files of a listing in parallel into a cache on disk.

The files are decoded in parts of a few megabytes, and each part is written atomically: a killed run resumes with the
next part, and only one part is in memory at a time. A part is named by the SHA-256 of the paths, sizes and modification
times of its files: if a file changes, only its part is decoded again. Parts are verified when they are read back.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL

from cifar_lab import images
from cifar_lab.core import files, paths
from cifar_lab.core.locks import wait_for_lock
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.folder.entries import FolderError
from cifar_lab.data.folder.listing import Entry, FolderListing
from cifar_lab.data.folder.problems import REASONS
from cifar_lab.images import formats

_FORMAT = 2  # of the cache: increase it to decode everything again
_PART_FILES, _PART_BYTES = 500, 2**24
_OF_ERROR = {"no_file": "empty", "corrupt_image": "broken"}
_OURS = re.compile(r"[0-9a-f]{64}\.(npy|json)|\..*\.part\.(npy|json|npz)")
_TEMPORARY = "temporary.json"  # marks the cache of a folder in the temporary directory, and holds its path
_KIND_OF = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".gif": "GIF", ".bmp": "BMP"}


class Outcome(NamedTuple):
    """The result of decoding a file: the reason why it is unusable ("" if usable), a sentence, its pixels' SHA-256.

    The sentence describes the problem; for a usable file, the wrong file extension, if any.
    """

    reason: str
    sentence: str
    pixels: str


@dataclass(frozen=True)
class Part:
    """Consecutive decoded files of a listing, beginning at position `first`."""

    first: int
    outcomes: tuple[Outcome, ...]
    file: Path

    def images(self, size: int) -> np.ndarray:
        """Read the images of the part, `(n, size, size, 3)` uint8, 0-255; black for unusable files.

        Raises:
            ValueError: the cache file holds anything else.
        """
        found = np.load(self.file, allow_pickle=False)
        if found.shape != (len(self.outcomes), size, size, 3) or found.dtype != np.uint8:
            raise ValueError(f"{self.file} holds {found.shape} {found.dtype} instead of the decoded images. Delete it.")
        return found


def decode_files(listing: FolderListing, size: int, *, progress: bool = True) -> list[Part]:
    """Decode the files of a listing that are not in the cache.

    Args:
        listing: the files.
        size: height and width of the images in pixels, 8 to `images.MAX_INPUT`.
        progress: show a progress bar.

    Returns:
        The parts, in the order of the listing.

    Raises:
        FolderError: there is not enough disk space.
    """
    cache = _cache_folder(listing, size)
    cache.mkdir(parents=True, exist_ok=True)
    _remove_temporary(cache.parent)
    if listing.root.resolve().is_relative_to(Path(tempfile.gettempdir()).resolve()):
        (cache / _TEMPORARY).write_text(json.dumps({"place": str(listing.root.resolve())}), encoding="utf-8")
    parts = []
    with (
        wait_for_lock(cache / "lock", progress),
        ThreadPoolExecutor(os.cpu_count()) as pool,
        progress_bar(total=len(listing.entries), unit="file", desc="decoding", shown=progress) as files_bar,
    ):
        _check_room(cache, len(listing.entries) * size * size * 3)
        for first, entries in _portions(listing.entries, size):
            file = cache / f"{_key(entries, size)}.npy"
            outcomes = _read_outcomes(file, entries) or _decode_part(file, listing.root, entries, size, pool, files_bar)
            parts.append(Part(first, outcomes, file))
            files_bar.update(first + len(entries) - files_bar.n)  # counts a cached part as well
        _tidy(cache, {part.file.stem for part in parts})
    return parts


def read_images(parts: Sequence[Part], positions: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Read the images at some positions of a listing, part by part.

    Args:
        parts: the result of `decode_files`.
        positions: `(n,)` int64, of usable files, in any order.
        size: height and width of the images in pixels.

    Yields:
        `(places, images)`: indices into `positions`, `(m,)` int64, and the images there, `(m, size, size, 3)` uint8,
            0-255.
    """
    order = np.argsort(positions, kind="stable")
    ascending = positions[order]
    for part in parts:
        first, last = np.searchsorted(ascending, [part.first, part.first + len(part.outcomes)])
        if first < last:
            yield order[first:last], part.images(size)[ascending[first:last] - part.first]


def _cache_folder(listing: FolderListing, size: int) -> Path:
    place = files.sha256_of(os.fsencode(listing.root.resolve() / listing.name))[:12]
    name = re.sub(r"[^A-Za-z0-9]+", "-", listing.name).strip("-")[:40]
    return paths.data_folder() / "folders" / f"{name}-{place}-{size}"


def _check_room(cache: Path, needed: int) -> None:
    cached = sum(file.stat().st_size for file in cache.glob("*.npy"))
    free = shutil.disk_usage(cache).free
    if 2 * needed - cached > free:  # twice: the cache, and the splits made from it
        raise FolderError(
            f"The decoded pictures need {2 * needed / 1e9:.1f} GB in {cache.parent}, but only {free / 1e9:.1f} GB are "
            "free. Free some space there, or load with a smaller size."
        )


def _portions(entries: Sequence[Entry], size: int) -> Iterator[tuple[int, Sequence[Entry]]]:
    """Yield the entries in parts of one class and split, so that a new file does not change other classes' parts."""
    most = max(1, min(_PART_FILES, _PART_BYTES // (size * size * 3)))
    first = 0
    for last in range(1, len(entries) + 1):
        here = entries[first]
        if last == len(entries) or last - first == most or entries[last][1:3] != here[1:3]:
            yield first, entries[first:last]
            first = last


def _key(entries: Sequence[Entry], size: int) -> str:
    facts = [(entry.path, entry.size, entry.changed) for entry in entries]
    return files.sha256_of(json.dumps([_FORMAT, PIL.__version__, size, facts]).encode())


def _read_outcomes(file: Path, entries: Sequence[Entry]) -> tuple[Outcome, ...] | None:
    """Return the outcomes of a part in the cache, or `None` if it is missing or damaged."""
    try:
        stated = json.loads(file.with_suffix(".json").read_text(encoding="utf-8"))
        outcomes = tuple(Outcome(*map(str, row)) for row in stated["outcomes"])
        known = all(outcome.reason in REASONS or not outcome.reason for outcome in outcomes)
        if known and len(outcomes) == len(entries) and files.sha256(file) == stated["sha256"]:
            return outcomes
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return None


def _decode_part(file: Path, root: Path, entries: Sequence[Entry], size: int, pool, files_bar) -> tuple[Outcome, ...]:
    decoded = np.zeros((len(entries), size, size, 3), np.uint8)
    outcomes = []
    for outcome in pool.map(partial(_decode_one, root, size), entries, decoded):
        outcomes.append(outcome)
        files_bar.update()
    files.write_whole(file, lambda unfinished: np.save(unfinished, decoded, allow_pickle=False))
    files.write_json(file.with_suffix(".json"), {"sha256": files.sha256(file), "outcomes": outcomes})
    return tuple(outcomes)


def _decode_one(root: Path, size: int, entry: Entry, result: np.ndarray) -> Outcome:
    """Decode one file into `result`, `(size, size, 3)` uint8; runs in a thread, as Pillow releases the GIL."""
    try:
        with open(root / entry.path, "rb") as file:
            content = file.read(min(entry.size, images.MAX_BYTES) + 1)  # `read` allocates this much in any case
    except OSError as error:
        return Outcome("unreadable", f"{error.strerror}.", "")
    try:
        picture = images.open_picture(content)
        if min(picture.size) < size / 2:
            found = f"It has {picture.width} x {picture.height} pixels; {size} x {size} are wanted."
            return Outcome("too_small", found, "")
        result[:] = images.to_input(picture, size)
    except images.PictureError as error:
        return Outcome(_reason(error.code, content, entry.path), str(error), "")
    kind = formats.recognise(content)
    misnamed = kind != _KIND_OF.get(Path(entry.path).suffix.lower(), kind)
    return Outcome("", f"It is a {kind} file." if misnamed else "", files.sha256_of(result)[:32])


def _reason(code: str, content: bytes, path: str) -> str:
    if code != "unsupported_format":
        return _OF_ERROR.get(code, code)
    kind = formats.recognise(content)
    if kind == "HEIC" or path.lower().endswith((".heic", ".heif")):
        return "heic"
    return "unsupported" if kind else "no_picture"


def _tidy(cache: Path, keep: set[str]) -> None:
    """Remove the parts of deleted files, and the partial files of a killed run."""
    for path in cache.iterdir():
        if _OURS.fullmatch(path.name) and path.stem not in keep:
            path.unlink(missing_ok=True)


def _remove_temporary(caches: Path) -> None:
    """Remove the caches of deleted temporary folders; other folders may come back, e.g. on a USB stick."""
    for note in caches.glob(f"*/{_TEMPORARY}"):
        try:
            if Path(json.loads(note.read_text(encoding="utf-8"))["place"]).exists():
                continue
            for path in note.parent.iterdir():
                if _OURS.fullmatch(path.name) or path.name in ("lock", "alike.npz"):
                    path.unlink(missing_ok=True)
            note.unlink(missing_ok=True)
            note.parent.rmdir()
        except (OSError, ValueError, KeyError, TypeError):  # being removed by another process, or with foreign files
            continue
