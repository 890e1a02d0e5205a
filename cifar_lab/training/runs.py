"""Runs: the folders that training writes to `runs/`, their records (`run.json`), and how to find them again.

A run trains a network, kept in `model.keras`, or fits a baseline, of which only the record and the test predictions are
kept.
"""

import json
import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from cifar_lab.core import files, paths
from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.text import is_number
from cifar_lab.training.recipe import Recipe

RECORD, START, MODEL = "run.json", "start.json", "model.keras"
_OLD_RECORD = "card.json"  # what version 0.1 called it
_BATCH = 500  # images


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: the run's folder, with `run.json` and, for a network, `model.keras` (the weights that `Recipe.keep`
            selects).
        record: recipe, dataset, metrics, history, minutes, machine, versions. `open_run` checks that the required
            entries are present.
    """

    folder: Path
    record: dict

    @property
    def history(self) -> list[dict]:
        """One dictionary per epoch: epoch, loss, accuracy, validation_loss, validation_accuracy."""
        return self.record["history"]

    @property
    def is_baseline(self) -> bool:
        """Whether the run fitted a scikit-learn pipeline rather than a network."""
        return "features" in self.record["recipe"]

    @property
    def model_path(self) -> Path:
        """The path of the network; a baseline has no such file."""
        return self.folder / MODEL

    def load_model(self):
        """Load the trained Keras network, and check its file against the record.

        Raises:
            ValueError: the run is a baseline, its file is missing, or the SHA-256 differs from the record.
        """
        if self.is_baseline:
            raise ValueError(
                f"The run {self.folder.name} is a baseline, of which only the figures and test predictions are kept: "
                "there is no network to load."
            )
        path = self.model_path
        content = path.read_bytes() if path.is_file() else b""
        if files.sha256_of(content) != self.record["model_sha256"]:
            raise ValueError(f"{path} is not the network that its record describes: train it again.")
        from cifar_lab.models.keras_loader import load_keras_file  # here: listing runs does not need TensorFlow

        return load_keras_file(content, f"The network of the run {self.folder.name}")

    def probabilities(self, images: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Predict with the run's network, before calibration.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.
            progress: show a progress bar.

        Returns:
            `(n, classes)` float, 0-1; each row sums to 1.

        Raises:
            ValueError: the run is a baseline, its file is missing, or the SHA-256 differs from the record.
        """
        model = self.load_model()
        from cifar_lab.core.keras_backend import batch_size_within_memory

        batch_size, description = batch_size_within_memory(model, images, _BATCH), f"predict with {self.folder.name}"
        return predict_in_batches(
            model.predict_on_batch, images, batch_size, description=description, progress=progress
        )

    def add_metrics(self, **metrics: dict) -> "Run":
        """Add metrics, such as `test={...}`, to the record on disk, and return the updated run."""
        path = record_path(self.folder)
        record = read_record(path)  # read again, to keep what was added in the meantime
        record["metrics"] |= metrics
        files.write_json(path, record)
        return Run(self.folder, record)


def record_path(folder: Path) -> Path:
    """Return the path of the record in a run's folder, whether or not it exists yet."""
    old = folder / _OLD_RECORD
    return old if old.is_file() else folder / RECORD


def record_paths(parent: Path) -> list[Path]:
    """Return the paths of the records of all finished runs in a folder, oldest first."""
    found = [*parent.glob(f"*/{RECORD}"), *parent.glob(f"*/{_OLD_RECORD}")]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def open_run(run: str | Path) -> Run:
    """Open a finished run by name (in `runs/`) or folder.

    Raises:
        ValueError: there is no such run, it has not finished, or its record cannot be read.
    """
    folder = next((path for path in (Path(run), paths.runs_folder() / run) if path.is_dir()), None)
    if folder is None:
        newest = ", ".join(path.name for path in finished_folders()[-5:]) or "none yet"
        raise ValueError(f"There is no run {str(run)!r}. The newest finished runs: {newest}.")
    path = record_path(folder)
    if not path.is_file():
        raise ValueError(f"The run {folder.name} has not finished. Continue it with: cifar-lab train --resume")
    return Run(folder, read_record(path))


def read_record(path: Path) -> dict:
    """Read a run record, and check that its required entries are present.

    Raises:
        ValueError: it cannot be read, or an entry is missing or invalid.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"The run record {path} cannot be read: {error}") from error
    if problem := _problem(record):
        raise ValueError(f"The run record {path} {problem}.")
    return record


def _problem(record) -> str:
    """Return what is wrong with a run record, to follow "The run record ..."; empty if it is valid."""
    if not isinstance(record, dict):
        return "is not a JSON object"
    parts = ("recipe", "dataset", "metrics", "versions")
    if missing := [part for part in parts if not isinstance(record.get(part), dict)]:
        return f"has no {' and no '.join(missing)}"
    for part, name in (("recipe", "name"), ("dataset", "name"), ("dataset", "fingerprint")):
        if not isinstance(record[part].get(name), str):
            return f"has no {part} {name}"
    if not isinstance(record["dataset"].get("class_names"), list):
        return "has no class names"
    for metrics in (record["metrics"].get("validation"), record["metrics"].get("test", {"accuracy": 0})):
        if not isinstance(metrics, dict) or not is_number(metrics.get("accuracy")):
            return "has no accuracy"
    return "" if is_number(record.get("minutes")) else "has no minutes"


def finished_folders() -> list[Path]:
    """Return the folders of all finished runs, oldest first."""
    return [path.parent for path in record_paths(paths.runs_folder())]


def start_run(recipe: Recipe, dataset_facts: dict) -> Path:
    """Create the folder of a new run, under a unique name."""
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", f"{recipe.name}-{dataset_facts['name']}-seed{recipe.seed}")
    folder = files.new_folder(paths.runs_folder(), stem)
    files.write_json(folder / START, {"recipe": recipe.to_dict(), "dataset": dataset_facts})
    return folder


def find_unfinished_run(recipe: Recipe, dataset_facts: dict) -> Path | None:
    """Return the folder of the newest unfinished run of this exact recipe on this exact dataset, or `None`."""
    begun = paths.runs_folder().glob(f"*/{START}")
    for path in sorted(begun, key=lambda path: path.stat().st_mtime, reverse=True):
        try:
            begun = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):  # not ours, or being deleted
            continue
        if _same(begun, recipe, dataset_facts) and not record_path(path.parent).exists():
            return path.parent
    return None


def find_finished_run(recipe: Recipe, dataset_facts: dict, *, backend: str | None = None) -> Run | None:
    """Return the newest finished run of this exact recipe, seed included, on this exact dataset, or `None`.

    Args:
        recipe: compared in all its fields.
        dataset_facts: from `describe_dataset`; compared by the fingerprint.
        backend: if given, consider only runs with this Keras backend, such as `"torch"`: minutes and the last digits of
            the weights differ between backends.
    """
    for path in reversed(record_paths(paths.runs_folder())):
        try:
            record = read_record(path)
        except ValueError:
            continue
        if _same(record, recipe, dataset_facts) and backend in (None, record["versions"].get("backend")):
            return Run(path.parent, record)
    return None


def _same(record: dict, recipe: Recipe, dataset_facts: dict) -> bool:
    """Return whether a record (finished or not) has this recipe and this dataset."""
    same_pictures = record["dataset"]["fingerprint"] == dataset_facts["fingerprint"]
    return same_pictures and full_recipe(record) == recipe.to_dict()


def full_recipe(record: dict) -> dict:
    """Return the recipe of a record with all current fields; those newer than the record get their defaults."""
    recipe = record["recipe"]
    return Recipe(name="").to_dict() | recipe if "epochs" in recipe else recipe  # a baseline has different fields


def describe_dataset(dataset) -> dict:
    """Describe a `cifar_lab.data.Dataset` for a run record, enough to tell whether two runs saw the same."""
    sizes = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    options = {"options": dataset.options} if dataset.options else {}  # how a user's own folder was loaded
    return {
        "name": dataset.name,
        "origin": dataset.origin,
        "class_names": list(dataset.class_names),
        "sizes": sizes,
        **options,
        "fingerprint": dataset.fingerprint(),
        "test_fingerprint": dataset.test_fingerprint(),
    }


def describe_machine() -> dict:
    """Describe the machine for a run record: processor family, cores, operating system."""
    return {"processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system()}


def package_versions() -> dict:
    """Return the versions of the packages that a result depends on."""
    packages = ("cifar-lab", "keras", "tensorflow", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # with torch or jax, tensorflow may be missing
            continue
    return found
