"""Split the pictures of a folder into train, validation and test, stratified by class and without leaks.

Groups of look-alikes stay in one split. The split of a picture depends on its pixels and the seed: not on file names,
not on the order of the file system, and little on the other pictures, so that a growing folder keeps most of its split.
"""

from collections import Counter

import numpy as np

from cifar_lab.core import files
from cifar_lab.data.dataset import SPLITS
from cifar_lab.data.folder.entries import FolderError
from cifar_lab.data.folder.scan import FolderScan

_MOST_HELD_OUT = 0.5


def split_folder(scan: FolderScan, *, validation: float, test: float, seed: int) -> dict[str, np.ndarray]:
    """Split the usable pictures of a folder, keeping the splits that it comes with.

    Args:
        scan: the scanned folder.
        validation: the share of every class in the validation split.
        test: the share of every class in the test split.
        seed: fixes the split.

    Returns:
        For each split the positions of its pictures, int64, in an order that depends on the seed and the pixels only.

    Raises:
        FolderError: a class has too few pictures for one in every split.
        ValueError: a share is not above 0, or together they exceed one half.
    """
    if not (validation > 0 and test > 0 and validation + test <= _MOST_HELD_OUT):
        raise ValueError(
            f"validation and test must be above 0 and together at most {_MOST_HELD_OUT}, not {validation} and {test}."
        )
    order, labels = _shuffled(scan, seed), scan.labels
    split_of = np.array([entry.split for entry in scan.listing.entries], object)
    given = set(split_of[order]) - {""}
    shares = {split: share for split, share in (("test", test), ("validation", validation)) if split not in given}
    fixed: dict[int, str] = {}
    for label, name in enumerate(scan.listing.class_names):
        members = order[labels[order] == label]
        members = members[np.isin(split_of[members], ("", "train"))]
        _check_enough(scan, name, members, len(shares))
        _assign(scan.group[members].tolist(), shares, fixed)
        split_of[members] = [fixed[group] for group in scan.group[members].tolist()]
    return {split: order[split_of[order] == split] for split in SPLITS}


def _shuffled(scan: FolderScan, seed: int) -> np.ndarray:
    """Return the used positions in the order of a hash of seed and pixels."""
    digests = scan.digests
    ranks = {position: files.sha256_of(f"{seed} {digests[position]}".encode()) for position in scan.used.tolist()}
    return np.array(sorted(ranks, key=ranks.__getitem__), np.int64)


def _check_enough(scan: FolderScan, name: str, members: np.ndarray, held_out: int) -> None:
    needed = held_out + 1
    if len(set(scan.group[members].tolist())) >= needed:
        return
    found = f"{len(members)} different pictures" if len(members) != 1 else "one picture"
    raise FolderError(
        f"The class {name!r} has {found} to train on; at least {needed} are needed, and a few hundred are better. "
        f"Add pictures, or move its folder away. To see what was left out, run: cifar-lab data check FOLDER"
    )


def _assign(groups: list[int], shares: dict[str, float], fixed: dict[int, str]) -> None:
    """Assign a split to each group of one class, in `fixed`; groups shared with other classes may be there already.

    Args:
        groups: the group of each picture of the class, in random order.
        shares: the share of each split to fill; the rest goes to train.
        fixed: the split of each group, updated in place.
    """
    sizes = Counter(groups)
    free = [group for group in sizes if group not in fixed]
    for split, share in shares.items():
        room = max(1, int(share * len(groups))) - sum(sizes[group] for group in sizes if fixed.get(group) == split)
        for group in free:
            if group not in fixed and sizes[group] <= room:
                fixed[group] = split
                room -= sizes[group]
        left = [group for group in free if group not in fixed]
        if left and split not in {fixed.get(group) for group in sizes}:
            fixed[min(left, key=sizes.__getitem__)] = split
    for group in free:
        fixed.setdefault(group, "train")
