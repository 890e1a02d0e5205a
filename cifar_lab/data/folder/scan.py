"""Scan a folder of pictures: list, decode and compare its files, and find those that can't be used."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab import images
from cifar_lab.core import files
from cifar_lab.data.folder import fingerprints, near_duplicates
from cifar_lab.data.folder.image_cache import Part, decode_files, read_images
from cifar_lab.data.folder.listing import FolderListing, list_folder
from cifar_lab.data.folder.near_duplicates import Twins
from cifar_lab.data.folder.problems import Problem

# Of two copies in different splits, the one for evaluation is kept and the one for training is dropped.
SPLIT_ORDER = ("test", "validation", "train", "")


@dataclass(frozen=True)
class FolderScan:
    """The result of scanning a folder. Positions index the listing's entries.

    Attributes:
        listing: the files of the folder.
        size: height and width of the decoded images in pixels.
        parts: the decoded files.
        used: `(n,)` int64: the positions of the usable files, in ascending order.
        group: `(entries,)` int64: equal for pictures that must be in the same split.
        problems: the files that are left out, with the reason.
        disputed: pairs of positions that look alike but belong to different classes; they are used.
    """

    listing: FolderListing
    size: int
    parts: list[Part]
    used: np.ndarray
    group: np.ndarray
    problems: tuple[Problem, ...]
    disputed: list[tuple[int, int]]

    @property
    def labels(self) -> np.ndarray:
        """The class of every entry, `(entries,)` int64."""
        return np.array([entry.label for entry in self.listing.entries], np.int64)

    @property
    def digests(self) -> list[str]:
        """The SHA-256 of the pixels of every entry; "" for unusable ones."""
        return [outcome.pixels for part in self.parts for outcome in part.outcomes]

    @property
    def misnamed(self) -> list[int]:
        """The positions of the used files whose format does not match the file extension."""
        sentences = [outcome.sentence for part in self.parts for outcome in part.outcomes]
        return [position for position in self.used.tolist() if sentences[position]]


def scan_folder(path: str | Path, *, size: int = 32, keep_alike: bool = False, progress: bool = True) -> FolderScan:
    """List, decode and compare all pictures of a folder, reusing the results in the cache.

    Args:
        path: a folder with one subfolder per class, or a CSV file of paths and labels.
        size: height and width of the images in pixels, 8 to `images.MAX_INPUT`.
        keep_alike: use near-duplicates too.
        progress: show progress bars.

    Raises:
        FolderError: the folder does not exist or has fewer than two classes, or the disk is full.
        ValueError: `size` is out of range.
    """
    if not isinstance(size, int) or not fingerprints.SIDE <= size <= images.MAX_INPUT:
        raise ValueError(f"size must be a whole number from {fingerprints.SIDE} to {images.MAX_INPUT}, not {size!r}.")
    listing = list_folder(path, progress=progress)
    parts = decode_files(listing, size, progress=progress)
    outcomes = [outcome for part in parts for outcome in part.outcomes]
    damaged = [
        Problem(entry.path, outcome.reason, outcome.sentence)
        for entry, outcome in zip(listing.entries, outcomes, strict=True)
        if outcome.reason
    ]
    order = _preference_order(listing, [not outcome.reason for outcome in outcomes])
    labels = np.array([listing.entries[position].label for position in order], np.int64)
    copies, conflicts = near_duplicates.find_identical([outcomes[position].pixels for position in order], labels)
    repeated = [*_repeats(listing, order, "copy", copies), *_repeats(listing, order, "conflict", conflicts)]
    order = np.delete(order, [*copies, *conflicts])
    found = _near_duplicates(listing, size, parts, order, keep_alike, progress)
    repeated += _repeats(listing, order, "alike", {i: int(other) for i, other in enumerate(found.of) if other >= 0})
    group = np.arange(len(listing.entries))
    group[order] = order[found.group]
    return FolderScan(
        listing=listing,
        size=size,
        parts=parts,
        used=np.sort(order[found.of < 0]),
        group=group,
        problems=tuple(sorted([*listing.problems, *damaged, *repeated])),
        disputed=[(int(order[one]), int(order[other])) for one, other in found.disputed],
    )


def _preference_order(listing: FolderListing, decoded: list[bool]) -> np.ndarray:
    """Return the positions of the decoded entries, in the order of preference for keeping them (`SPLIT_ORDER`)."""
    entries = listing.entries
    positions = [position for position in range(len(entries)) if decoded[position]]
    positions.sort(key=lambda position: (SPLIT_ORDER.index(entries[position].split), entries[position].path))
    return np.array(positions, np.int64)


def _repeats(listing: FolderListing, order: np.ndarray, reason: str, repeats: dict[int, int]) -> list[Problem]:
    """Make a problem of every picture that repeats another; `repeats` maps indices into `order`."""
    path = {position: listing.entries[order[position]].path for position in {*repeats, *repeats.values()}}
    return [Problem(path[position], reason, "", path[other]) for position, other in repeats.items()]


def _near_duplicates(
    listing: FolderListing, size: int, parts: list[Part], order: np.ndarray, keep: bool, progress: bool
) -> Twins:
    """Find the near-duplicates among the entries at `order`, or read them from the cache."""
    labels = np.array([listing.entries[position].label for position in order], np.int64)
    splits = np.array([SPLIT_ORDER.index(listing.entries[position].split) for position in order], np.int64)
    digests = [outcome.pixels for part in parts for outcome in part.outcomes]
    facts = [near_duplicates.ALIKE, keep, labels.tolist(), splits.tolist(), [digests[position] for position in order]]
    key = files.sha256_of(repr(facts).encode())
    file = parts[0].file.with_name("alike.npz")
    if cached := _read_cached(file, key, len(order)):
        return cached
    prints = np.zeros((len(order), 3 * fingerprints.SIDE**2), np.float32)
    for places, found in read_images(parts, order, size):
        prints[places] = fingerprints.fingerprints(found)
    result = near_duplicates.find_near_duplicates(prints, labels, splits, keep=keep, progress=progress)
    disputed = np.array(result.disputed, np.int64).reshape(-1, 2)
    arrays = {"key": np.array(key), "of": result.of, "group": result.group, "disputed": disputed}
    files.write_whole(file, lambda unfinished: np.savez_compressed(unfinished, **arrays))
    return result


def _read_cached(file: Path, key: str, count: int) -> Twins | None:
    try:
        with np.load(file, allow_pickle=False) as cached:
            of, group, disputed = (cached[name].astype(np.int64) for name in ("of", "group", "disputed"))
            fits = str(cached["key"]) == key and of.shape == group.shape == (count,) and disputed.shape[1:] == (2,)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    in_range = fits and all(((array >= -1) & (array < count)).all() for array in (of, group, disputed))
    return Twins(of, group, [tuple(pair) for pair in disputed.tolist()]) if in_range else None
