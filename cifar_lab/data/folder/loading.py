"""Your own pictures: a folder with a subfolder a class, or a CSV file of paths and labels, as a `Dataset`.

    dataset = data.load("pets", size=32, balance="up", seed=1)

Files that can't be learnt from are left out and named; see `cifar_lab.data.folder.checks`. Decoded pictures are kept in
`data/folders/`, so that the second time is quick, and a first one that was stopped goes on where it was.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar_lab.core import paths
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.data.folder import balancing, known_folders
from cifar_lab.data.folder.checks import report_on
from cifar_lab.data.folder.image_cache import read_images
from cifar_lab.data.folder.problems import shown
from cifar_lab.data.folder.scan import FolderScan, scan_folder
from cifar_lab.data.folder.splitting import split_folder

IN_MEMORY = 2**27  # bytes: a larger split stays on disk, and is read a batch at a time


def load_folder(
    path: str | Path,
    *,
    size: int = 32,
    balance: str = "none",
    augment: Sequence[str] = ("shift", "rotation", "zoom"),
    copies: int = 0,
    seed: int = 0,
    validation: float = 0.15,
    test: float = 0.15,
    keep_alike: bool = False,
    progress: bool = True,
    say: bool = True,
) -> Dataset:
    """Load a folder of pictures, and print how many of its files are left out, and why.

    Copies and near-duplicates never come into different splits. A split that is larger than `IN_MEMORY`, such as 50,000
    images of 32 x 32, stays on disk.

    Args:
        path: a folder with a subfolder a class; one with `train`, `test` and perhaps `validation` (or `val`), each with
            a subfolder a class; or a CSV file with the columns path, label and perhaps split.
        size: height and width of the images in pixels, 8 to `images.MAX_INPUT`.
        balance: `"none"`; `"down"`: as many train images of each class as the rarest has; `"up"`: changed copies until
            each class has as many as the most frequent.
        augment: how copies are changed: some of `balance.TRANSFORMS`.
        copies: changed copies of every train image, besides those for the balance.
        seed: another seed divides otherwise and makes other copies.
        validation: the share of every class that is validated on, unless the folder says it.
        test: the share that is tested on, unless the folder says it.
        keep_alike: use pictures that look nearly the same all the same; they come into one split.
        progress: show progress bars.
        say: print that line.

    Raises:
        FolderError: there is no such folder, it has not two classes, a class has too few pictures, or the disk is full.
        ValueError: an argument can't be.
    """
    balancing.validate_balancing(balance, augment, copies)
    survey = scan_folder(path, size=size, keep_alike=keep_alike, progress=progress)
    report = report_on(survey)
    if say:
        print(f"Dataset: {report.summary}")
    if say and report.problems:
        print(f"All of it, and what to do: cifar-lab data check {shown(str(path))}")
    divided = split_folder(survey, validation=validation, test=test, seed=seed)
    wanted = {"size": size, "balance": balance, "augment": list(augment), "copies": copies, "seed": seed}
    wanted |= {"validation": validation, "test": test, "keep_alike": keep_alike}
    plain, changed = balancing.balanced_positions(survey.labels[divided["train"]], balance, copies)
    train = divided["train"]
    dataset = Dataset(
        name=report.name,
        class_names=survey.listing.class_names,
        train=_split(survey, train[plain], train[changed], augment, seed),
        validation=_split(survey, divided["validation"]),
        test=_split(survey, divided["test"]),
        origin=f"{report.used:,} of {report.file_count:,} files of {report.name!r}, at {size} x {size}.",
        options=wanted,
    )
    known_folders.remember(dataset, Path(path))
    return dataset


def _split(
    survey: FolderScan, plain: np.ndarray, changed: np.ndarray | None = None, augment: Sequence[str] = (), seed: int = 0
) -> Split:
    """The images at the positions `plain`, and after them changed copies of those at `changed`."""
    positions = plain if changed is None else np.concatenate([plain, changed])
    images = _room((len(positions), survey.size, survey.size, 3))
    for where, found in read_images(survey.parts, positions, survey.size):
        images[where] = found
    balancing.augment_copies(images[len(plain) :], augment, seed)
    return Split(images, survey.labels[positions])


def _room(shape: tuple[int, ...]) -> np.ndarray:
    """An empty uint8 array; a large one in a file without a name, which is gone when nobody uses it any more."""
    if np.prod(shape) <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile(dir=paths.data_folder() / "folders") as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
