"""Find the duplicates and near-duplicates in a folder of pictures.

Of several copies the first is kept. Every picture is compared with all that are kept, so that those kept in one class
differ, and look-alikes in different classes are reported.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cifar_lab.core.progress import progress_bar
from cifar_lab.data.folder.fingerprints import mirrored

# Of the pairs among 3,000 test images of CIFAR-10, 1 in 4.5 million is at least this similar; of the sketches, none.
# Copies that were saved again, shrunk, made brighter or noisy, or mirrored are; one shifted by 3 % may not be.
ALIKE = 0.97
_ROWS, _COLUMNS = 500, 8_192  # pictures compared at once: 16 MB of float32 similarities


@dataclass
class Twins:
    """The near-duplicates among n pictures.

    Attributes:
        of: `(n,)` int64: the position of the picture that this one repeats, or -1.
        group: `(n,)` int64: equal for pictures that must be in the same split; its own position for a single picture.
        disputed: pairs of positions that look alike but belong to different classes.
    """

    of: np.ndarray
    group: np.ndarray
    disputed: list[tuple[int, int]] = field(default_factory=list)

    @classmethod
    def none(cls, count: int) -> "Twins":
        """Return the result for `count` pictures without near-duplicates."""
        return cls(np.full(count, -1), np.arange(count))


def find_identical(pixels: Sequence[str], labels: np.ndarray) -> tuple[dict[int, int], dict[int, int]]:
    """Find pictures with identical pixels.

    Args:
        pixels: a digest of each picture's pixels, in the order of preference for keeping them.
        labels: `(n,)` int64.

    Returns:
        `(copies, conflicts)`: two mappings of positions. `copies` maps a copy to the picture that it repeats;
            `conflicts` maps a picture that is in several classes to one in another class.
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
    """Find pictures that look nearly like another one or its mirror image.

    Every picture is compared with all kept pictures before it, so the time grows with the square of their number.

    Args:
        prints: `(n, 192)` float32 of `fingerprints.fingerprints`, in the order of preference for keeping them.
        labels: `(n,)` int64.
        splits: `(n,)` int64: the given split of each picture; the same number for all if there are no given splits.
        keep: keep near-duplicates within a split, and only group them; across given splits they are dropped anyway.
        progress: show a progress bar.
    """
    found = Twins.none(len(prints))
    kept = np.zeros(len(prints), bool)
    starts = range(0, len(prints), _ROWS)
    for first in progress_bar(starts, shown=progress, desc="comparing", unit_scale=_ROWS, unit="picture"):
        last = min(first + _ROWS, len(prints))
        hits = _hits(prints, first, last, np.flatnonzero(kept[:first]))
        for position in range(first, last):
            others = hits[position]
            others = others[kept[others]]
            other_class, other_split = labels[others] != labels[position], splits[others] != splits[position]
            repeated = others[other_split] if keep else others[other_split | ~other_class]
            if len(repeated):
                found.of[position] = repeated[0]
                continue
            kept[position] = True
            for group in np.unique(found.group[others]) if len(others) else ():
                found.group[found.group == group] = position
            found.disputed += [(int(other), position) for other in others[other_class][:1]]
    return found


def _hits(prints: np.ndarray, first: int, last: int, kept: np.ndarray) -> dict[int, np.ndarray]:
    """Return for each position in `range(first, last)` the similar earlier ones among `kept` and in this block."""
    block = prints[first:last]
    views = (block, mirrored(block))
    pairs = [np.zeros((2, 0), np.int64)]
    for start in range(0, len(kept), _COLUMNS):
        columns = kept[start : start + _COLUMNS]
        known = prints[columns].T
        for likeness in (view @ known for view in views):
            if likeness.max() >= ALIKE:  # rare; `nonzero` takes much longer than `max`
                rows, hit = np.nonzero(likeness >= ALIKE)
                pairs.append((rows + first, columns[hit]))
    for view in views:
        rows, hit = np.nonzero(np.tril(view @ block.T, -1) >= ALIKE)
        pairs.append((rows + first, hit + first))
    rows, others = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    order = np.argsort(rows, kind="stable")
    cuts = np.searchsorted(rows[order], np.arange(first, last + 1))
    return {first + i: others[order[cuts[i] : cuts[i + 1]]] for i in range(last - first)}
