"""Pictures that are in a folder more than once: the same pixels again, or nearly the same picture.

Each picture is compared with those that stay: the first of several copies stays, and the others are its twins. So
whatever stays in one class is different, and pictures of different classes that look alike come to light.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cifar_lab.core.progress import progress_bar
from cifar_lab.data.folder.fingerprints import mirrored

# Of the pairs among 3,000 test images of CIFAR-10, 1 in 4.5 million is as alike as this, and none of the sketches.
# Copies saved once more, made smaller, brighter or noisy, or mirrored are; one that was moved by 3 % may not be.
ALIKE = 0.97
_ROWS, _COLUMNS = 500, 8_192  # pictures compared at once: their likenesses are 16 MB


@dataclass
class Twins:
    """What was found among n pictures.

    Attributes:
        of: `(n,)` int64: the position of the picture that this one repeats, or -1.
        group: `(n,)` int64: equal for pictures that must not be divided; a picture's own position when it is alone.
        disputed: pairs of positions that look alike and belong to different classes.
    """

    of: np.ndarray
    group: np.ndarray
    disputed: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def none(cls, count: int) -> "Twins":
        """Before anything was found."""
        return cls(np.full(count, -1), np.arange(count))


def find_identical(pixels: Sequence[str], labels: np.ndarray) -> tuple[dict[int, int], dict[int, int]]:
    """Find equal pictures.

    Args:
        pixels: a digest of each picture's pixels, those that are to stay rather than others first.
        labels: `(n,)` int64.

    Returns:
        `(copies, conflicts)`: for each position that repeats another that position, and for each position whose
            picture is in another class too, a position there.
    """
    positions = defaultdict(list)
    for position, digest in enumerate(pixels):
        positions[digest].append(position)
    copies, conflicts = {}, {}
    for members in filter(lambda members: len(members) > 1, positions.values()):
        if len({labels[member] for member in members}) == 1:
            copies |= dict.fromkeys(members[1:], members[0])
        else:
            for member in members:
                conflicts[member] = next(other for other in members if labels[other] != labels[member])
    return copies, conflicts


def find_near_duplicates(
    prints: np.ndarray, labels: np.ndarray, splits: np.ndarray, *, keep: bool = False, progress: bool = True
) -> Twins:
    """Find pictures that look nearly the same, or like another's mirror image.

    Every picture is compared with all that stay before it: the time grows with the square of their number.

    Args:
        prints: `(n, 192)` float32 of `duplicates.fingerprints`, those that are to stay rather than others first.
        labels: `(n,)` int64.
        splits: `(n,)` int64: the split that a picture was given, the same number for all when it was none.
        keep: let all stay, and only say which must not be divided.
        progress: show a progress bar.
    """
    found = Twins.none(len(prints))
    stay = np.zeros(len(prints), bool)
    starts = range(0, len(prints), _ROWS)
    for first in progress_bar(starts, shown=progress, desc="comparing", unit_scale=_ROWS, unit="picture"):
        last = min(first + _ROWS, len(prints))
        hits = _hits(prints, first, last, np.flatnonzero(stay[:first]))
        for position in range(first, last):
            others = hits[position]
            others = others[stay[others]]
            other_class, other_split = labels[others] != labels[position], splits[others] != splits[position]
            repeated = others[other_split] if keep else others[other_split | ~other_class]
            if len(repeated):
                found.of[position] = repeated[0]
                continue
            stay[position] = True
            for group in np.unique(found.group[others]) if len(others) else ():
                found.group[found.group == group] = position
            found.disputed += [(int(other), position) for other in others[other_class][:1]]
    return found


def _hits(prints: np.ndarray, first: int, last: int, stay: np.ndarray) -> dict[int, np.ndarray]:
    """For each position from `first` to before `last` those before it that look alike, among `stay` or in the block."""
    block = prints[first:last]
    views = (block, mirrored(block))
    pairs = [np.zeros((2, 0), np.int64)]
    for start in range(0, len(stay), _COLUMNS):
        columns = stay[start : start + _COLUMNS]
        known = prints[columns].T
        for likeness in (view @ known for view in views):
            if likeness.max() >= ALIKE:  # seldom; looking for where takes much longer
                rows, hit = np.nonzero(likeness >= ALIKE)
                pairs.append((rows + first, columns[hit]))
    for view in views:
        rows, hit = np.nonzero(np.tril(view @ block.T, -1) >= ALIKE)
        pairs.append((rows + first, hit + first))
    rows, others = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    order = np.argsort(rows, kind="stable")
    cuts = np.searchsorted(rows[order], np.arange(first, last + 1))
    return {first + i: others[order[cuts[i] : cuts[i + 1]]] for i in range(last - first)}
