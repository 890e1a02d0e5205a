"""Stored predictions for the test images, so that classifiers and runs can be compared later.

The file has probabilities and labels, no images. It lies next to the model card or run record that states its SHA-256.
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
        raise ValueError(f"The {kind} {name} has no stored test predictions. Make them with: cifar-lab {command}")
    content = _read_verified(found) if is_run else found.read_verified(PREDICTIONS)
    test = (found.record if is_run else found.content)["metrics"]["test"]
    names = found.record["dataset"]["class_names"] if is_run else found.class_names
    return Predictions(name, tuple(names), *_arrays(content, found.folder / PREDICTIONS), image_facts_of(test))


def _read_verified(run: Run) -> bytes:
    path = run.folder / PREDICTIONS
    content = path.read_bytes() if path.is_file() else b""
    if files.sha256_of(content) != run.record["metrics"]["test"]["predictions"]["sha256"]:
        raise ValueError(f"{path} is not the file its run record states. Do: cifar-lab evaluate {run.folder.name}")
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


def image_facts_of(found: dict) -> dict:
    """Return the same facts from a recorded test result or dataset; those that are not recorded are `None`."""
    facts = {key: found.get(key) for key in ("dataset", "origin", "fingerprint", "test_fingerprint", "test_count")}
    return facts | {
        "dataset": found.get("dataset") or found.get("name"),
        "test_count": found.get("test_count") or found.get("sizes", {}).get("test"),
    }


def same_images(facts_a: dict, facts_b: dict) -> bool:
    """Return whether two results are about the same test images, judging by their `image_facts`.

    Older records have no `test_fingerprint`. Then the fingerprint of the whole dataset decides, or, less reliably, its
    name, its origin and the number of test images.
    """
    if facts_a.get("test_fingerprint") and facts_b.get("test_fingerprint"):
        return facts_a["test_fingerprint"] == facts_b["test_fingerprint"]
    if facts_a.get("fingerprint") and facts_a["fingerprint"] == facts_b.get("fingerprint"):
        return True
    counts = {facts["test_count"] for facts in (facts_a, facts_b) if facts.get("test_count")}
    named = all(facts_a.get(key) and facts_a[key] == facts_b.get(key) for key in ("dataset", "origin"))
    return named and len(counts) < 2


def check_same_images(a: Predictions, b: Predictions) -> None:
    """Check that two sets of predictions can be compared.

    Raises:
        ValueError: their classes or test images differ.
    """
    if a.class_names != b.class_names:
        raise ValueError(f"{a.name} and {b.name} cannot be compared: they have different classes.")
    if not (np.array_equal(a.labels, b.labels) and same_images(a.images, b.images)):
        used = [f"{one.name}: {len(one.labels):,} of {one.images.get('dataset', '?')}" for one in (a, b)]
        raise ValueError(
            f"They were evaluated on different test images ({', '.join(used)}). Evaluate both on the same dataset."
        )
