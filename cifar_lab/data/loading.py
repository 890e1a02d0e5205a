"""Load a dataset by name, by folder, or as a run or classifier recorded it.

dataset = data.load("auto")
dataset.train.images, dataset.train.labels, dataset.class_names
"""

import os
from pathlib import Path

from cifar_lab.data.dataset import Dataset

NAMES = ("cifar10", "sketches", "digits")
_SUBSET_OPTIONS = ("classes", "train", "validation", "test", "seed")  # the arguments of `Dataset.subset`


def load(name: str | Path = "auto", *, held_out: str | Path | None = None, progress: bool = True, **options) -> Dataset:
    """Load a dataset by its name, or a folder of your own pictures by its path.

    Args:
        name: one of

            - `"cifar10"`: the photographs;
            - `"sketches"`: built-in drawings, which need no download;
            - `"digits"`: MNIST if it is on disk, else scikit-learn's digits;
            - `"auto"`: the dataset named by `CIFAR_LAB_DATASET`; else CIFAR-10 if it is on disk or can be downloaded
              in about two minutes; else the sketches. One printed line says which, and why;
            - the path of a folder with one subfolder per class, or of a CSV file of paths and labels. A folder with
              the name of a dataset is given as `"./cifar10"`.
        held_out: `"cifar10"` only: a text file with the positions of the training images to use as the validation
            split, one per line; by default 5,000 at random.
        progress: show progress bars.
        **options: for a folder only: `size`, `balance`, `augment`, `copies`, `seed`, `validation`, `test` and
            `keep_alike`, as in `cifar_lab.data.folder.loading.load_folder`.

    Raises:
        ValueError: there is no dataset of that name, or it cannot be loaded; the message says what to do.
    """
    if held_out is not None and name != "cifar10":
        raise ValueError(f"held_out is for the dataset cifar10 only, not for {str(name)!r}.")
    if is_folder(name):
        from cifar_lab.data.folder import loading

        return loading.load_folder(name, progress=progress, **options)
    if options:
        raise ValueError(f"{', '.join(options)} can only be set for a folder of pictures, not for {name!r}.")
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
        f"There is no dataset {name!r}. Choose one of: auto, {', '.join(NAMES)}; or give the path of a folder with one "
        "subfolder per class."
    )


def is_folder(name: str | Path) -> bool:
    """Return whether a name is the path of a folder or CSV file, existing or not, rather than a dataset."""
    if isinstance(name, Path):
        return True
    if name in ("auto", *NAMES):
        return False
    return any(mark in name for mark in "/\\~.") or Path(name).is_dir()


def is_here(dataset: str | dict) -> bool:
    """Return whether a dataset can be loaded without downloading anything.

    Args:
        dataset: its name, or its description on a card.

    Raises:
        DataError: there is no CIFAR-10 at the place named by `CIFAR_LAB_DATA`.
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
    """Load the dataset that a run or classifier was trained on, or a replacement.

    Args:
        facts: the description of the dataset on its card.
        place: the name or folder of a replacement; a folder is loaded with the options of the original.
        held_out: as for `load`.
        progress: show progress bars.
        say: print how many files of a replacement folder are left out.

    Raises:
        ValueError: it was a folder of pictures that is gone or has changed; or as for `load`.
    """
    options = facts.get("options") or {}
    if "of" in options:
        whole = load_again(options["of"], place, held_out=held_out, progress=progress, say=say)
        dataset = whole.subset(**{name: value for name, value in options["subset"].items() if name in _SUBSET_OPTIONS})
        if place is None and _is_own(facts):
            _check_unchanged(dataset, facts)
        return dataset
    if place is not None:
        folder_options = options | {"say": say} if is_folder(place) else {}
        return load(place, held_out=held_out, progress=progress, **folder_options)
    if not options:
        return load(facts.get("name", "auto"), held_out=held_out, progress=progress)
    from cifar_lab.data.folder import known_folders

    where = known_folders.recall(facts)
    if where is None:
        raise ValueError(
            f"The training pictures, {facts['name']!r}, have been moved or are on another machine. "
            "Give their folder: --dataset FOLDER"
        )
    dataset = load(where, progress=progress, say=False, **options)
    _check_unchanged(dataset, facts)
    return dataset


def _is_own(facts: dict) -> bool:
    """Return whether a dataset, or the one it is a subset of, is a folder of pictures."""
    options = facts.get("options") or {}
    return _is_own(options["of"]) if "of" in options else bool(options)


def _check_unchanged(dataset: Dataset, facts: dict) -> None:
    # The facts of the whole dataset behind a subset hold no fingerprint; there, the subset is compared.
    if "fingerprint" in facts and dataset.fingerprint() != facts["fingerprint"]:
        raise ValueError(
            f"The pictures in {facts['name']!r} have changed since training, and so has the test split. "
            "Train again, or evaluate on the current pictures with --dataset FOLDER"
        )


def _auto(progress: bool) -> Dataset:
    from cifar_lab.data import cifar10

    if name := os.environ.get("CIFAR_LAB_DATASET"):
        if name not in NAMES and not is_folder(name):
            raise ValueError(
                f"CIFAR_LAB_DATASET is {name!r}. Set it to one of: {', '.join(NAMES)}, or to a folder of pictures."
            )
        print(f"Dataset: {name} (from CIFAR_LAB_DATASET).")
        return load(name, progress=progress)
    why = "it is on this machine"
    if cifar10.locate_cifar10() is None:
        try:
            cifar10.fetch_cifar10_if_quick(progress=progress)
            why = "just downloaded"
        except cifar10.DownloadError as error:
            print(f"Dataset: sketches, since CIFAR-10 cannot be downloaded quickly now ({error}).")
            print("To download the photographs, run: cifar-lab data cifar10")
            return load("sketches")
    print(f"Dataset: cifar10 ({why}).")
    return load("cifar10", progress=progress)
