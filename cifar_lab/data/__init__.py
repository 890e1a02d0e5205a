"""Datasets: `load(name)` gives a `Dataset` of three splits.

dataset = data.load("auto")
dataset.train.images, dataset.train.labels, dataset.class_names
"""

import os
from pathlib import Path

from cifar_lab.data.dataset import Dataset, Split

__all__ = ["NAMES", "Dataset", "Split", "is_here", "load"]

NAMES = ("cifar10", "sketches")


def load(name: str = "auto", *, held_out: str | Path | None = None, progress: bool = True) -> Dataset:
    """Load a dataset by its name.

    Args:
        name: `"cifar10"`, the photographs; `"sketches"`, drawings that need no network; or `"auto"`: what
            `CIFAR_LAB_DATASET` names, else CIFAR-10 when it is on disk or can be fetched in about two minutes, else
            the sketches. One printed line says which, and why.
        held_out: `"cifar10"` only: a text file with the positions of the training images that make the validation
            split, one a line; 5,000 chosen by chance when not given.
        progress: show progress bars.

    Raises:
        ValueError: no dataset has that name, or it can't be had; the sentence says what to do.
    """
    if held_out is not None and name != "cifar10":
        raise ValueError(f"Only the dataset cifar10 has images to hold out by position, not {name!r}.")
    if name == "auto":
        return _auto(progress)
    if name == "cifar10":
        from cifar_lab.data import cifar10

        return cifar10.load(held_out=held_out, progress=progress)
    if name == "sketches":
        from cifar_lab.data import sketches

        return sketches.load()
    raise ValueError(f"There is no dataset {name!r}. Choose one of: auto, {', '.join(NAMES)}.")


def is_here(name: str) -> bool:
    """Whether a dataset can be loaded without fetching anything.

    Raises:
        DataError: `CIFAR_LAB_DATA` names a place without CIFAR-10.
    """
    from cifar_lab.data import cifar10

    return name != "cifar10" or cifar10.locate() is not None


def _auto(progress: bool) -> Dataset:
    from cifar_lab.data import cifar10

    if wanted := os.environ.get("CIFAR_LAB_DATASET"):
        if wanted not in NAMES:
            raise ValueError(f"CIFAR_LAB_DATASET is {wanted!r}. Set it to one of: {', '.join(NAMES)}.")
        print(f"Dataset: {wanted} (as CIFAR_LAB_DATASET says).")
        return load(wanted, progress=progress)
    why = "it is on this machine"
    if cifar10.locate() is None:
        try:
            cifar10.fetch_quickly(progress=progress)
            why = "just fetched"
        except cifar10.DownloadError as error:
            print(f"Dataset: sketches, since CIFAR-10 can't be fetched quickly now ({error}).")
            print("For the real photographs run: cifar-lab data cifar10")
            return load("sketches")
    print(f"Dataset: cifar10 ({why}).")
    return load("cifar10", progress=progress)
