"""Load a folder of pictures with one subfolder per class, or a CSV file of paths and labels, as a `Dataset`.

    dataset = data.load("pets", size=32, balance="up", seed=1)

Unusable files are left out and reported; see `cifar_lab.data.folder.checks`. Decoded pictures are cached in
`data/folders/`, so that loading again is fast and an interrupted load resumes.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cifar_lab.core import paths
from cifar_lab.core.text import printable
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.data.folder import balancing, known_folders
from cifar_lab.data.folder.checks import report_on
from cifar_lab.data.folder.image_cache import read_images
from cifar_lab.data.folder.scan import FolderScan, scan_folder
from cifar_lab.data.folder.splitting import split_folder

IN_MEMORY = 2**27  # bytes: a larger split stays on disk as a memory map


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
    """Load a folder of pictures, and print how many files are left out, and why.

    Copies and near-duplicates are never in different splits. A split larger than `IN_MEMORY`, such as 50,000 images of
    32 x 32, stays on disk.

    Args:
        path: a folder with one subfolder per class; one with `train`, `test` and optionally `validation` (or `val`),
            each with one subfolder per class; or a CSV file with the columns path, label and optionally split.
        size: height and width of the images in pixels, 8 to `images.MAX_INPUT`.
        balance: `"none"`; `"down"`: as many train images of each class as the rarest has; `"up"`: add augmented copies
            until each class has as many train images as the most frequent.
        augment: the transforms of the copies, some of `balancing.TRANSFORMS`.
        copies: additional augmented copies of every train image.
        seed: fixes the split and the copies.
        validation: the share of every class in the validation split, unless the folder has one.
        test: the share of every class in the test split, unless the folder has one.
        keep_alike: use near-duplicates too, in the same split.
        progress: show progress bars.
        say: print how many files are left out.

    Raises:
        FolderError: the folder does not exist or has fewer than two classes, a class has too few pictures, or the disk
            is full.
        ValueError: an argument is invalid.
    """
    balancing.validate_balancing(balance, augment, copies)
    scan = scan_folder(path, size=size, keep_alike=keep_alike, progress=progress)
    report = report_on(scan)
    if say:
        print(f"Dataset: {report.summary}")
    if say and report.problems:
        print(f"For the full report, run: cifar-lab data check {printable(str(path))}")
    splits = split_folder(scan, validation=validation, test=test, seed=seed)
    options = {"size": size, "balance": balance, "augment": list(augment), "copies": copies, "seed": seed}
    options |= {"validation": validation, "test": test, "keep_alike": keep_alike}
    train = splits["train"]
    plain, changed = balancing.balanced_positions(scan.labels[train], balance, copies)
    dataset = Dataset(
        name=report.name,
        class_names=scan.listing.class_names,
        train=_split(scan, train[plain], train[changed], augment, seed),
        validation=_split(scan, splits["validation"]),
        test=_split(scan, splits["test"]),
        origin=f"{report.used:,} of {report.file_count:,} files of {report.name!r}, at {size} x {size}.",
        options=options,
    )
    known_folders.remember(dataset, Path(path))
    return dataset


def _split(
    scan: FolderScan, plain: np.ndarray, changed: np.ndarray | None = None, augment: Sequence[str] = (), seed: int = 0
) -> Split:
    """Return the images at the positions `plain`, followed by augmented copies of those at `changed`."""
    positions = plain if changed is None else np.concatenate([plain, changed])
    images = _empty((len(positions), scan.size, scan.size, 3))
    for where, found in read_images(scan.parts, positions, scan.size):
        images[where] = found
    balancing.augment_copies(images[len(plain) :], augment, seed)
    return Split(images, scan.labels[positions])


def _empty(shape: tuple[int, ...]) -> np.ndarray:
    """Return an empty uint8 array; a large one is mapped to an unnamed file that is freed with the array."""
    if np.prod(shape) <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile(dir=paths.data_folder() / "folders") as file:
        return np.memmap(file, np.uint8, "w+", shape=shape)
