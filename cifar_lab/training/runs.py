"""Run records: what a training run leaves in `runs/`, and how to find it again.

A run is of a network (`model.keras`) or of a baseline, a scikit-learn pipeline (`model.skops`); their records are
alike.
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

RECORD, START, MODEL, PIPELINE = "run.json", "start.json", "model.keras", "model.skops"
_OLD_RECORD = "card.json"  # what version 0.1 called it
_BATCH = 500  # images


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: where it lies; holds `run.json` and `model.keras`, the network of the best epoch, or `model.skops`.
        record: recipe, dataset, metrics, history, minutes, machine, versions. `open_run` checks that what every
            record has is there.
    """

    folder: Path
    record: dict

    @property
    def history(self) -> list[dict]:
        """One dictionary an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy."""
        return self.record["history"]

    @property
    def is_baseline(self) -> bool:
        """Whether it is a scikit-learn pipeline, and no network."""
        return self.record.get("model_file") == PIPELINE

    @property
    def model_path(self) -> Path:
        """The file of the network or pipeline."""
        return self.folder / (PIPELINE if self.is_baseline else MODEL)

    def load_model(self):
        """The trained Keras network or scikit-learn pipeline, after checking that its file is the one that the record
        states.

        Raises:
            ValueError: the file is missing or its SHA-256 is another.
        """
        path = self.model_path
        content = path.read_bytes() if path.is_file() else b""
        if files.sha256_of(content) != self.record["model_sha256"]:
            what = "pipeline" if self.is_baseline else "network"
            raise ValueError(f"{path} is not the {what} that its record describes. Train it again.")
        if self.is_baseline:
            from cifar_lab.inference import pipelines

            return pipelines.load_pipeline(content)
        from cifar_lab.core.keras_backend import keras  # here, so that listing runs costs no TensorFlow

        return keras.saving.load_model(path, compile=False, safe_mode=True)

    def probabilities(self, images: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Predict with the run's network or pipeline, before calibration.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.
            progress: show a progress bar.

        Returns:
            `(n, classes)` float, 0-1, every row adding up to 1.

        Raises:
            ValueError: its file is missing or its SHA-256 is another.
        """
        model = self.load_model()
        if self.is_baseline:
            predict, batch_size = model.predict_proba, _BATCH
        else:
            from cifar_lab.core.keras_backend import batch_size_within_memory

            predict, batch_size = model.predict_on_batch, batch_size_within_memory(model, images, _BATCH)
        description = f"predict with {self.folder.name}"
        return predict_in_batches(predict, images, batch_size, description=description, progress=progress)

    def add_metrics(self, **metrics: dict) -> "Run":
        """Add metrics, such as `test={...}`, to the record on disk, and return the run with them."""
        path = record_path(self.folder)
        record = read_record(path)  # what others have added since is kept
        record["metrics"] |= metrics
        files.write_json(path, record)
        return Run(self.folder, record)


def record_path(folder: Path) -> Path:
    """The path of the record in a run's folder, whether or not it is there yet."""
    old = folder / _OLD_RECORD
    return old if old.is_file() else folder / RECORD


def record_paths(parent: Path) -> list[Path]:
    """The paths of the records of all finished runs in a folder, oldest first."""
    found = [*parent.glob(f"*/{RECORD}"), *parent.glob(f"*/{_OLD_RECORD}")]
    return sorted(found, key=lambda path: path.stat().st_mtime)


def open_run(run: str | Path) -> Run:
    """Open a finished run by its name in `runs/`, or by its folder.

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
    """Read one run record, and check that what others rely on is there.

    Raises:
        ValueError: it cannot be read or lacks something.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"The run record {path} cannot be read: {error}") from error
    if problem := _problem(record):
        raise ValueError(f"The run record {path} {problem}.")
    return record


def _problem(record) -> str:
    """What is wrong with a run record, to follow "The run record ..."; empty when nothing is."""
    if not isinstance(record, dict):
        return "is not a JSON object"
    parts = ("recipe", "dataset", "metrics", "versions")
    if missing := [part for part in parts if not isinstance(record.get(part), dict)]:
        return f"says nothing of its {' and '.join(missing)}"
    for part, name in (("recipe", "name"), ("dataset", "name"), ("dataset", "fingerprint")):
        if not isinstance(record[part].get(name), str):
            return f"gives no {name} of its {part}"
    if not isinstance(record["dataset"].get("class_names"), list):
        return "names no classes"
    for metrics in (record["metrics"].get("validation"), record["metrics"].get("test", {"accuracy": 0})):
        if not isinstance(metrics, dict) or not is_number(metrics.get("accuracy")):
            return "gives no accuracy"
    return "" if is_number(record.get("minutes")) else "gives no minutes"


def finished_folders() -> list[Path]:
    """The folders of all finished runs, oldest first."""
    return [path.parent for path in record_paths(paths.runs_folder())]


def start_run(recipe: Recipe, dataset_facts: dict) -> Path:
    """Make the folder of a new run, under a name that no other run has."""
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", f"{recipe.name}-{dataset_facts['name']}-seed{recipe.seed}")
    folder = files.new_folder(paths.runs_folder(), stem)
    files.write_json(folder / START, {"recipe": recipe.to_dict(), "dataset": dataset_facts})
    return folder


def find_unfinished_run(recipe: Recipe, dataset_facts: dict) -> Path | None:
    """The newest run of just this recipe on just this dataset that has no record yet, or `None`."""
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
    """The newest finished run of just this recipe, seed included, on just this dataset, or `None`.

    Args:
        recipe: all its fields must be the same.
        dataset_facts: by `describe_dataset`; the fingerprint decides.
        backend: only take a run that was trained with Keras on this, such as `"torch"`: minutes and the last digits of
            the weights differ from one to the other.
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
    """Whether a record, or the start of a run, is about this recipe and this dataset."""
    same_pictures = record["dataset"]["fingerprint"] == dataset_facts["fingerprint"]
    return same_pictures and full_recipe(record) == recipe.to_dict()


def full_recipe(record: dict) -> dict:
    """The recipe on a record with all the fields there are: fields newer than the record default to off."""
    recipe = record["recipe"]
    return Recipe(name="").to_dict() | recipe if "epochs" in recipe else recipe  # a baseline's has other fields


def describe_dataset(dataset) -> dict:
    """Describe a `cifar_lab.data.Dataset` for a run record: enough to know whether two runs saw the same images."""
    sizes = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    options = {"options": dataset.options} if dataset.options else {}  # how a reader's own folder was loaded
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
    """The machine in words, for a record: processor family, cores, system."""
    return {"processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system()}


def package_versions() -> dict:
    """The versions that a result depends on, by package."""
    packages = ("cifar-lab", "keras", "tensorflow", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a torch or jax user may have no tensorflow
            continue
    return found
