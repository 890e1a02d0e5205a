"""Dividing the pictures of a folder into splits: every class in proportion, and what belongs together in one piece.

Which split a picture comes into depends on its pixels and the seed: not on names, not on the order of a file system,
and little on the other pictures, so that a folder that grows keeps most of its division.
"""

from collections import Counter

import numpy as np

from cifar_lab.core import files
from cifar_lab.data.dataset import SPLITS
from cifar_lab.data.folder.listing import FolderError
from cifar_lab.data.folder.scan import FolderScan

_MOST_HELD_OUT = 0.5


def split_folder(survey: FolderScan, *, validation: float, test: float, seed: int) -> dict[str, np.ndarray]:
    """Divide the usable pictures of a folder; splits that it has already stay as they are.

    Args:
        survey: what is in the folder.
        validation: the share of every class that is validated on.
        test: the share that is tested on.
        seed: another seed divides otherwise.

    Returns:
        For each split the positions of its pictures, int64, in an order that the seed and the pixels alone decide.

    Raises:
        FolderError: a class has too few pictures to have one in every split.
        ValueError: the shares are not above 0, or make more than half of the pictures together.
    """
    if not (validation > 0 and test > 0 and validation + test <= _MOST_HELD_OUT):
        raise ValueError(
            f"validation and test must be above 0 and together at most {_MOST_HELD_OUT}, not {validation} and {test}."
        )
    order, labels = _by_chance(survey, seed), survey.labels
    split_of = np.array([entry.split for entry in survey.listing.entries], object)
    given = set(split_of[order]) - {""}
    shares = {split: share for split, share in (("test", test), ("validation", validation)) if split not in given}
    fixed: dict[int, str] = {}
    for label, name in enumerate(survey.listing.class_names):
        members = order[labels[order] == label]
        members = members[np.isin(split_of[members], ("", "train"))]
        _check_enough(survey, name, members, len(shares))
        _assign(survey.group[members].tolist(), shares, fixed)
        split_of[members] = [fixed[group] for group in survey.group[members].tolist()]
    return {split: order[split_of[order] == split] for split in SPLITS}


def _by_chance(survey: FolderScan, seed: int) -> np.ndarray:
    digests = survey.digests
    ranks = {position: files.sha256_of(f"{seed} {digests[position]}".encode()) for position in survey.used.tolist()}
    return np.array(sorted(ranks, key=ranks.__getitem__), np.int64)


def _check_enough(survey: FolderScan, name: str, members: np.ndarray, held_out: int) -> None:
    needed = held_out + 1
    if len(set(survey.group[members].tolist())) >= needed:
        return
    found = f"{len(members)} different pictures" if len(members) != 1 else "one picture"
    raise FolderError(
        f"The class {name!r} has {found} to learn from; at least {needed} are needed, and some hundreds are good. "
        f"Add pictures of it, or move its folder away. To see what was left out: cifar-lab data check FOLDER"
    )


def _assign(groups: list[int], shares: dict[str, float], fixed: dict[int, str]) -> None:
    """Give each group of one class a split in `fixed`, where groups that it shares with other classes may be already.

    Args:
        groups: the group of each picture of the class, in the order of chance.
        shares: the share of each split that is to be filled; what is left is trained on.
        fixed: the split of each group.
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
