"""Stored predictions for the test images, so that classifiers and runs can be compared later.

The file has probabilities and labels, no images. It lies next to the model card or run record that lists its SHA-256.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab.core import files
from cifar_lab.data.dataset import Dataset
from cifar_lab.inference.model_card import ModelCard
from cifar_lab.training.runs import Run
from cifar_lab.training.store import find_by_name

PREDICTIONS = "test_predictions.npz"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of a classifier or run for the test images.

    Attributes:
        name: name of the classifier or run.
        class_names: the class of label 0, 1, ...
        probabilities: `(n, classes)` float32, 0-1; calibrated for a classifier.
        labels: true labels, `(n,)` int64.
        images: facts about the images, see `image_facts`.
    """

    name: str
    class_names: tuple[str, ...]
    probabilities: np.ndarray
    labels: np.ndarray
    images: dict

    @property
    def right(self) -> np.ndarray:
        """Whether each prediction is correct: `(n,)` bool."""
        return self.probabilities.argmax(axis=1) == self.labels


def has_predictions(found: ModelCard | Run) -> bool:
    """Return whether a model card or run record lists stored predictions."""
    if isinstance(found, Run):
        return "predictions" in found.record["metrics"].get("test", {})
    return PREDICTIONS in found.content["files"]


def load_predictions(subject: str | Path | ModelCard | Run) -> Predictions:
    """Load the stored predictions of a classifier or run.

    Args:
        subject: the classifier's card or the run, or its name or folder.

    Raises:
        ValueError: it does not exist, has no stored predictions, or the file does not match its recorded SHA-256.
    """
    found = find_by_name(subject) if isinstance(subject, str | Path) else subject
    is_run, name = isinstance(found, Run), found.folder.name
    if not has_predictions(found):
        kind, command = ("run", f"evaluate {name}") if is_run else ("classifier", f"evaluate {name} --keep")
        raise ValueError(f"The {kind} {name} has no stored test predictions. Create them with: cifar-lab {command}")
    test = (found.record if is_run else found.content)["metrics"]["test"]
    class_names = found.record["dataset"]["class_names"] if is_run else found.class_names
    path = found.folder / PREDICTIONS
    content = _read_verified(path, test["predictions"]["sha256"]) if is_run else found.read_verified(PREDICTIONS)
    return Predictions(name, tuple(class_names), *_arrays(content, path), image_facts_of(test))


def _read_verified(path: Path, sha256: str) -> bytes:
    content = path.read_bytes() if path.is_file() else b""
    if files.sha256_of(content) != sha256:
        raise ValueError(f"{path} is not the file its run record lists. Do: cifar-lab evaluate {path.parent.name}")
    return content


def _arrays(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            probabilities, labels = arrays["probabilities"], arrays["labels"].astype(np.int64)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is not a file of predictions: {error}. Evaluate again.") from error
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),):
        raise ValueError(f"{path} has probabilities {probabilities.shape}, but labels {labels.shape}. Evaluate again.")
    return probabilities, labels


def save_predictions(folder: Path, probabilities: np.ndarray, dataset: Dataset) -> dict:
    """Store predictions for the test images of a dataset.

    Args:
        folder: folder of the classifier or run.
        probabilities: `(n, classes)` float, 0-1.
        dataset: provides the true test labels.

    Returns:
        The entry for the model card or run record: SHA-256 and size in bytes.
    """
    path = folder / PREDICTIONS
    labels = dataset.test.labels.astype(np.uint8 if len(dataset.class_names) < 256 else np.int64)
    probabilities = probabilities.astype(np.float32, copy=False)
    files.write_whole(path, lambda part: np.savez_compressed(part, probabilities=probabilities, labels=labels))
    return {"sha256": files.sha256(path), "bytes": path.stat().st_size}


def image_facts(dataset: Dataset) -> dict:
    """Return the facts that identify the test images of a result, for a model card or run record."""
    facts = {"dataset": dataset.name, "origin": dataset.origin, "fingerprint": dataset.fingerprint()}
    return facts | {"test_fingerprint": dataset.test_fingerprint(), "test_count": len(dataset.test)}


def image_facts_of(recorded: dict) -> dict:
    """Return the same facts from a recorded test result or dataset; those that are not recorded are `None`."""
    known = {"dataset": recorded.get("name"), "test_count": recorded.get("sizes", {}).get("test")} | recorded
    return {key: known.get(key) for key in ("dataset", "origin", "fingerprint", "test_fingerprint", "test_count")}


def same_images(a: dict, b: dict) -> bool:
    """Return whether two test results or datasets have the same test images, judging by their fingerprints.

    Older records have the fingerprint of the whole dataset only.
    """
    return any(a.get(key) and a[key] == b.get(key) for key in ("test_fingerprint", "fingerprint"))
