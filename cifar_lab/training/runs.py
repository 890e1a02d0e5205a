"""Run cards: what a training run leaves behind in `runs/`, and how to find it again.

A run is of a network (`model.keras`) or of a baseline, a scikit-learn pipeline (`model.skops`); their cards are alike.
"""

import hashlib
import json
import os
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from cifar_lab.core import files, paths
from cifar_lab.core.progress import bar
from cifar_lab.training.recipe import Recipe

CARD, START, MODEL, PIPELINE = "card.json", "start.json", "model.keras", "model.skops"
_AT_ONCE = 500  # images between two moves of the progress bar


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: where it lies; holds `card.json` and `model.keras`, the network of the best epoch, or `model.skops`.
        card: the run card: recipe, dataset, metrics, history, minutes, machine, versions. `open_run` sees to it that
            what every run card has is there.
    """

    folder: Path
    card: dict

    @property
    def history(self) -> list[dict]:
        """One dictionary an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy."""
        return self.card["history"]

    @property
    def is_baseline(self) -> bool:
        """Whether it is a scikit-learn pipeline, and no network."""
        return self.card.get("model_file") == PIPELINE

    @property
    def model_path(self) -> Path:
        """The file of the network or pipeline."""
        return self.folder / (PIPELINE if self.is_baseline else MODEL)

    def load_model(self):
        """The trained Keras network or scikit-learn pipeline, after checking that its file is the one of the card.

        Raises:
            ValueError: the file is missing or its SHA-256 is another.
        """
        path = self.model_path
        content = path.read_bytes() if path.is_file() else b""
        if files.sha256_of(content) != self.card["model_sha256"]:
            what = "pipeline" if self.is_baseline else "network"
            raise ValueError(f"{path} is not the {what} that its run card describes. Train it again.")
        if self.is_baseline:
            from cifar_lab.inference import pipelines

            return pipelines.read(content)
        from cifar_lab.core.keras_backend import keras  # here, so that listing runs costs no TensorFlow

        return keras.saving.load_model(path, compile=False, safe_mode=True)

    def probabilities(self, images: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """What the run's network or pipeline says of images, before calibration.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.
            progress: show a progress bar.

        Returns:
            `(n, classes)` float, 0-1, every row adding up to 1.

        Raises:
            ValueError: its file is missing or its SHA-256 is another.
        """
        model = self.load_model()
        answer = model.predict_proba if self.is_baseline else model.predict_on_batch
        count = _AT_ONCE if self.is_baseline else _at_once(model, images)
        starts = bar(range(0, len(images), count), desc=f"asking {self.folder.name}", shown=progress)
        return np.concatenate([answer(images[first : first + count]) for first in starts])

    def record(self, **metrics: dict) -> "Run":
        """Add metrics to the card on disk, such as `test={...}`, and return the run as its card is now."""
        card = read_card(self.folder / CARD)  # what others have added since is kept
        card["metrics"] |= metrics
        files.write_json(self.folder / CARD, card)
        return Run(self.folder, card)


def _at_once(model, images: np.ndarray) -> int:
    from cifar_lab.core.keras_backend import at_once

    return at_once(model, images, _AT_ONCE)


def open_run(run: str | Path) -> Run:
    """Open a finished run by its name in `runs/`, or by its folder.

    Raises:
        ValueError: there is no such run, it has not finished, or its card cannot be read.
    """
    folder = next((path for path in (Path(run), paths.runs_folder() / run) if path.is_dir()), None)
    if folder is None:
        newest = ", ".join(path.name for path in finished_folders()[-5:]) or "none yet"
        raise ValueError(f"There is no run {str(run)!r}. The newest finished runs: {newest}.")
    if not (folder / CARD).is_file():
        raise ValueError(f"The run {folder.name} has not finished. Go on with: cifar-lab train --resume")
    return Run(folder, read_card(folder / CARD))


def read_card(path: Path) -> dict:
    """Read one run card, and see whether all is there that others rely on.

    Raises:
        ValueError: it cannot be read or lacks something.
    """
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"The run card {path} cannot be read: {error}") from error
    if problem := _problem(card):
        raise ValueError(f"The run card {path} {problem}.")
    return card


def _problem(card) -> str:
    """What is wrong with a run card, to follow "The run card ..."; empty when it is sound."""
    if not isinstance(card, dict):
        return "is not a JSON object"
    parts = ("recipe", "dataset", "metrics", "versions")
    if missing := [part for part in parts if not isinstance(card.get(part), dict)]:
        return f"says nothing of its {' and '.join(missing)}"
    for part, name in (("recipe", "name"), ("dataset", "name"), ("dataset", "fingerprint")):
        if not isinstance(card[part].get(name), str):
            return f"gives no {name} of its {part}"
    if not isinstance(card["dataset"].get("class_names"), list):
        return "names no classes"
    for metrics in (card["metrics"].get("validation"), card["metrics"].get("test", {"accuracy": 0})):
        if not isinstance(metrics, dict) or not is_number(metrics.get("accuracy")):
            return "gives no accuracy"
    return "" if is_number(card.get("minutes")) else "gives no minutes"


def is_number(value) -> bool:
    """Whether a value from a JSON file is a number; `true` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def finished_folders() -> list[Path]:
    """The folders of all finished runs, oldest first."""
    cards = paths.runs_folder().glob(f"*/{CARD}")
    return [card.parent for card in sorted(cards, key=lambda card: card.stat().st_mtime)]


def start(recipe: Recipe, dataset_facts: dict) -> Path:
    """Make the folder of a new run, under a name that no other run has."""
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", f"{recipe.name}-{dataset_facts['name']}-seed{recipe.seed}")
    number = 1
    while True:
        folder = paths.runs_folder() / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)  # fails if it exists: two runs that start at once get two folders
            break
        except FileExistsError:
            number += 1
    files.write_json(folder / START, {"recipe": recipe.to_dict(), "dataset": dataset_facts})
    return folder


def find_unfinished(recipe: Recipe, dataset_facts: dict) -> Path | None:
    """The newest run of just this recipe on just this dataset that has no card yet, or `None`."""
    for path in _newest_first(START):
        try:
            begun = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not ours, or being deleted
            continue
        if _same(begun, recipe, dataset_facts) and not (path.parent / CARD).exists():
            return path.parent
    return None


def find_finished(recipe: Recipe, dataset_facts: dict, *, backend: str | None = None) -> Run | None:
    """The newest finished run of just this recipe, seed included, on just this dataset, or `None`.

    Args:
        recipe: all its fields must be the same.
        dataset_facts: by `dataset_facts`; the fingerprint decides.
        backend: only take a run that was trained with Keras on this, such as `"torch"`: minutes and the last digits of
            the weights differ from one to the other.
    """
    for path in _newest_first(CARD):
        try:
            card = read_card(path)
        except ValueError:
            continue
        if _same(card, recipe, dataset_facts) and backend in (None, card["versions"].get("backend")):
            return Run(path.parent, card)
    return None


def _newest_first(file_name: str) -> Iterator[Path]:
    found = paths.runs_folder().glob(f"*/{file_name}")
    return iter(sorted(found, key=lambda path: path.stat().st_mtime, reverse=True))


def _same(card: dict, recipe: Recipe, dataset_facts: dict) -> bool:
    """Whether a card, or the start of a run, is about this recipe and this dataset."""
    same_pictures = card["dataset"]["fingerprint"] == dataset_facts["fingerprint"]
    return same_pictures and full_recipe(card) == recipe.to_dict()


def full_recipe(card: dict) -> dict:
    """The recipe on a card with all the fields there are: what is younger than the card was off when it was written."""
    recipe = card["recipe"]
    return Recipe(name="").to_dict() | recipe if "epochs" in recipe else recipe  # a baseline's has other fields


def dataset_facts(dataset) -> dict:
    """What a run card says of a `cifar_lab.data.Dataset`: enough to know whether two runs saw the same."""
    sizes = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    options = {"options": dataset.options} if dataset.options else {}  # how a reader's own folder was loaded
    return {
        "name": dataset.name,
        "origin": dataset.origin,
        "class_names": list(dataset.class_names),
        "sizes": sizes,
        **options,
        "fingerprint": dataset.fingerprint(),
        "test_fingerprint": test_fingerprint(dataset),
    }


def test_fingerprint(dataset) -> str:
    """A SHA-256 over a dataset's test images and labels alone: others may share them, and train on something else."""
    digest = hashlib.sha256(str(dataset.test.images.shape).encode())
    digest.update(np.ascontiguousarray(dataset.test.images))
    digest.update(np.ascontiguousarray(dataset.test.labels, dtype="<i8"))
    return digest.hexdigest()


def machine() -> dict:
    """The machine in words, for a card: processor family, cores, system."""
    return {"processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system()}


def versions() -> dict:
    """The versions that a result depends on, by package."""
    packages = ("cifar-lab", "keras", "tensorflow", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a torch or jax user may have no tensorflow
            continue
    return found
