"""A folder of pictures, looked through: which of its files can be learnt from, and what is wrong with the others."""

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

# Of two copies in different splits the one that measures stays, and the one that would have been learnt from goes.
SPLIT_ORDER = ("test", "validation", "train", "")


@dataclass(frozen=True)
class FolderScan:
    """What a folder holds. Positions are those of the listing's entries.

    Attributes:
        listing: its files.
        size: height and width of the decoded images in pixels.
        parts: the decoded files.
        used: `(n,)` int64: the positions of the files that can be learnt from, in rising order.
        group: `(entries,)` int64: equal for pictures that must come into the same split.
        problems: the files that are left out, with the reason.
        disputed: pairs of positions that look alike and belong to different classes; they are used.
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
        """What the pixels of every entry come down to; "" where there are none."""
        return [outcome.pixels for part in self.parts for outcome in part.outcomes]

    @property
    def misnamed(self) -> list[int]:
        """The positions of files that are used, and of another format than their endings say."""
        sentences = [outcome.sentence for part in self.parts for outcome in part.outcomes]
        return [position for position in self.used.tolist() if sentences[position]]


def scan_folder(path: str | Path, *, size: int = 32, keep_alike: bool = False, progress: bool = True) -> FolderScan:
    """List, decode and compare all pictures of a folder; what was done before is taken from the cache.

    Args:
        path: a folder with a subfolder a class, or a CSV file of paths and labels.
        size: height and width of the images in pixels, 8 to `images.MAX_INPUT`.
        keep_alike: use pictures that look nearly the same all the same.
        progress: show progress bars.

    Raises:
        FolderError: there is no such folder, it has not two classes, or the disk has not enough room.
        ValueError: the size can't be.
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
    order = _in_order(listing, [not outcome.reason for outcome in outcomes])
    labels = np.array([listing.entries[position].label for position in order], np.int64)
    copies, conflicts = near_duplicates.find_identical([outcomes[position].pixels for position in order], labels)
    repeated = [*_told(listing, order, "copy", copies), *_told(listing, order, "conflict", conflicts)]
    order = np.delete(order, [*copies, *conflicts])
    found = _alike(listing, size, parts, order, keep_alike, progress)
    repeated += _told(listing, order, "alike", {i: int(other) for i, other in enumerate(found.of) if other >= 0})
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


def _in_order(listing: FolderListing, decoded: list[bool]) -> np.ndarray:
    """The positions of the decoded entries; of several copies the first here stays, see `SPLIT_ORDER`."""
    entries = listing.entries
    positions = [position for position in range(len(entries)) if decoded[position]]
    positions.sort(key=lambda position: (SPLIT_ORDER.index(entries[position].split), entries[position].path))
    return np.array(positions, np.int64)


def _told(listing: FolderListing, order: np.ndarray, reason: str, repeats: dict[int, int]) -> list[Problem]:
    """A problem for every picture that repeats another; both are given as positions in `order`."""
    path = {position: listing.entries[order[position]].path for position in {*repeats, *repeats.values()}}
    return [Problem(path[position], reason, "", path[other]) for position, other in repeats.items()]


def _alike(
    listing: FolderListing, size: int, parts: list[Part], order: np.ndarray, keep: bool, progress: bool
) -> Twins:
    """What `twins.alike` finds among the entries at `order`, from the cache if they were compared before."""
    labels = np.array([listing.entries[position].label for position in order], np.int64)
    splits = np.array([SPLIT_ORDER.index(listing.entries[position].split) for position in order], np.int64)
    digests = [outcome.pixels for part in parts for outcome in part.outcomes]
    facts = [near_duplicates.ALIKE, keep, labels.tolist(), splits.tolist(), [digests[position] for position in order]]
    key = files.sha256_of(repr(facts).encode())
    file = parts[0].file.with_name("alike.npz")
    if kept := _read_twins(file, key, len(order)):
        return kept
    prints = np.zeros((len(order), 3 * fingerprints.SIDE**2), np.float32)
    for places, found in read_images(parts, order, size):
        prints[places] = fingerprints.fingerprints(found)
    result = near_duplicates.find_near_duplicates(prints, labels, splits, keep=keep, progress=progress)
    disputed = np.array(result.disputed, np.int64).reshape(-1, 2)
    arrays = {"key": np.array(key), "of": result.of, "group": result.group, "disputed": disputed}
    files.write_whole(file, lambda unfinished: np.savez_compressed(unfinished, **arrays))
    return result


def _read_twins(file: Path, key: str, count: int) -> Twins | None:
    try:
        with np.load(file, allow_pickle=False) as kept:
            of, group, disputed = (kept[name].astype(np.int64) for name in ("of", "group", "disputed"))
            fits = str(kept["key"]) == key and of.shape == group.shape == (count,) and disputed.shape[1:] == (2,)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    inside = fits and all(((array >= -1) & (array < count)).all() for array in (of, group, disputed))
    return Twins(of, group, [tuple(pair) for pair in disputed.tolist()]) if inside else None
