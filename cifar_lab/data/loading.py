"""Datasets: `load(name)` gives a `Dataset` of three splits.

dataset = data.load("auto")
dataset.train.images, dataset.train.labels, dataset.class_names
"""

import os
from pathlib import Path

from cifar_lab.data.dataset import Dataset

NAMES = ("cifar10", "sketches", "digits")
_PART = ("classes", "train", "validation", "test", "seed")  # what a card may ask of `Dataset.subset`


def load(name: str | Path = "auto", *, held_out: str | Path | None = None, progress: bool = True, **options) -> Dataset:
    """Load a dataset by its name, or your own pictures by their folder.

    Args:
        name: `"cifar10"`, the photographs; `"sketches"`, drawings that need no network; `"digits"`, handwriting:
            MNIST when it is on disk, else scikit-learn's; `"auto"`: what `CIFAR_LAB_DATASET` names, else CIFAR-10 when
            it is on disk or can be fetched in about two minutes, else the sketches (one printed line says which, and
            why); or the path of a folder with a subfolder a class, or of a CSV file of paths and labels. A folder that
            is called like a dataset is `"./cifar10"`.
        held_out: `"cifar10"` only: a text file with the positions of the training images that make the validation
            split, one a line; 5,000 chosen by chance when not given.
        progress: show progress bars.
        **options: for a folder only: `size`, `balance`, `augment`, `copies`, `seed`, `validation`, `test` and
            `keep_alike`, as in `cifar_lab.data.folder.loading.load_folder`.

    Raises:
        ValueError: no dataset has that name, or it can't be had; the sentence says what to do.
    """
    if held_out is not None and name != "cifar10":
        raise ValueError(f"Only the dataset cifar10 has images to hold out by position, not {str(name)!r}.")
    if is_folder(name):
        from cifar_lab.data.folder import loading

        return loading.load_folder(name, progress=progress, **options)
    if options:
        raise ValueError(f"Only a folder of your own is loaded with {', '.join(options)}, not the dataset {name!r}.")
    if name == "auto":
        return _auto(progress)
    if name == "cifar10":
        from cifar_lab.data import cifar10

        return cifar10.load_cifar10(held_out=held_out, progress=progress)
    if name == "sketches":
        from cifar_lab.data import sketches

        return sketches.load_sketches()
    if name == "digits":
        from cifar_lab.data import digits

        return digits.load_digits()
    raise ValueError(
        f"There is no dataset {name!r}. Choose one of: auto, {', '.join(NAMES)}; or give the path of a folder with a "
        "subfolder a class."
    )


def is_folder(name: str | Path) -> bool:
    """Whether a name means a folder or CSV file of the reader's own, there or not, rather than a dataset."""
    if isinstance(name, Path):
        return True
    if name in ("auto", *NAMES):
        return False
    return any(mark in name for mark in "/\\~.") or Path(name).is_dir()


def is_here(dataset: str | dict) -> bool:
    """Whether a dataset can be loaded without fetching anything.

    Args:
        dataset: its name, or what a card says of it.

    Raises:
        DataError: `CIFAR_LAB_DATA` names a place without CIFAR-10.
    """
    from cifar_lab.data import cifar10
    from cifar_lab.data.folder import known_folders

    facts = {"name": dataset} if isinstance(dataset, str) else dataset
    if whole := (facts.get("options") or {}).get("of"):
        return is_here(whole)
    if facts.get("options"):
        return known_folders.recall(facts) is not None
    return facts.get("name") != "cifar10" or cifar10.locate_cifar10() is not None


def load_again(
    facts: dict,
    place: str | Path | None = None,
    *,
    held_out: str | Path | None = None,
    progress: bool = True,
    say: bool = True,
) -> Dataset:
    """Load the dataset that a run or a classifier was trained on, or another one in its place.

    Args:
        facts: what its card says of the dataset.
        place: a dataset's name or a folder to load instead; a folder is loaded as the one trained on was.
        held_out: as for `load`.
        progress: show progress bars.
        say: print what is left out of a folder in its place.

    Raises:
        ValueError: it was a folder of the reader's own, and that is gone or has changed; or as for `load`.
    """
    options = facts.get("options") or {}
    if "of" in options:
        whole = load_again(options["of"], place, held_out=held_out, progress=progress, say=say)
        dataset = whole.subset(**{name: wish for name, wish in options["subset"].items() if name in _PART})
        if place is None and _is_own(facts):
            _check_unchanged(dataset, facts)
        return dataset
    if place is not None:
        wishes = options | {"say": say} if is_folder(place) else {}
        return load(place, held_out=held_out, progress=progress, **wishes)
    if not options:
        return load(facts.get("name", "auto"), held_out=held_out, progress=progress)
    from cifar_lab.data.folder import known_folders

    where = known_folders.recall(facts)
    if where is None:
        raise ValueError(
            f"The pictures that it was trained on, {facts['name']!r}, are not where they were, or were on another "
            "machine. Say where they are: --dataset FOLDER"
        )
    dataset = load(where, progress=progress, say=False, **options)  # it was said when it was loaded first
    _check_unchanged(dataset, facts)
    return dataset


def _is_own(facts: dict) -> bool:
    """Whether a dataset, or what it is a part of, is a folder of the reader's own."""
    options = facts.get("options") or {}
    return _is_own(options["of"]) if "of" in options else bool(options)


def _check_unchanged(dataset: Dataset, facts: dict) -> None:
    # What a part was taken of states no fingerprint: there, it is the part that is compared.
    if "fingerprint" in facts and dataset.fingerprint() != facts["fingerprint"]:
        raise ValueError(
            f"The pictures in {facts['name']!r} have changed since it was trained: its test split is not the same any "
            "more. Train again; or measure on what is there now with --dataset FOLDER"
        )


def _auto(progress: bool) -> Dataset:
    from cifar_lab.data import cifar10

    if wanted := os.environ.get("CIFAR_LAB_DATASET"):
        if wanted not in NAMES and not is_folder(wanted):
            raise ValueError(
                f"CIFAR_LAB_DATASET is {wanted!r}. Set it to one of: {', '.join(NAMES)}, or to a folder of pictures."
            )
        print(f"Dataset: {wanted} (as CIFAR_LAB_DATASET says).")
        return load(wanted, progress=progress)
    why = "it is on this machine"
    if cifar10.locate_cifar10() is None:
        try:
            cifar10.fetch_cifar10_if_quick(progress=progress)
            why = "just fetched"
        except cifar10.DownloadError as error:
            print(f"Dataset: sketches, since CIFAR-10 can't be fetched quickly now ({error}).")
            print("For the real photographs run: cifar-lab data cifar10")
            return load("sketches")
    print(f"Dataset: cifar10 ({why}).")
    return load("cifar10", progress=progress)
