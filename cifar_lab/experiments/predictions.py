"""What a classifier or a run said of the test images, kept beside its card, so that two can be compared later.

The file holds probabilities and labels, and no pictures. Its SHA-256 is on the card.
"""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab.core import files
from cifar_lab.data.dataset import Dataset
from cifar_lab.inference.model_card import ModelCard
from cifar_lab.training import runs
from cifar_lab.training.runs import Run
from cifar_lab.training.store import find_by_name

PREDICTIONS = "test_predictions.npz"


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a classifier or run said of the test images.

    Attributes:
        name: of the classifier or run.
        class_names: what label 0, 1, ... means.
        probabilities: `(n, classes)` float32, 0-1; calibrated if it is a classifier.
        labels: `(n,)` int64: what the images show.
        images: what its card says of the images: dataset, origin, fingerprints.
    """

    name: str
    class_names: tuple[str, ...]
    probabilities: np.ndarray
    labels: np.ndarray
    images: dict

    @property
    def right(self) -> np.ndarray:
        """Where the most probable class is the true one: `(n,)` bool."""
        return self.probabilities.argmax(axis=1) == self.labels


def has_predictions(found: ModelCard | Run) -> bool:
    """Whether its card speaks of kept answers."""
    if isinstance(found, Run):
        return "predictions" in found.record["metrics"].get("test", {})
    return PREDICTIONS in found.content["files"]


def load_predictions(subject: str | Path | ModelCard | Run) -> Predictions:
    """What a classifier or run said of the test images when it was evaluated.

    Args:
        subject: its name or folder, or itself.

    Raises:
        ValueError: there is no such thing, nothing was kept, or the file is not the one the card states.
    """
    found = find_by_name(subject) if isinstance(subject, str | Path) else subject
    is_run, name = isinstance(found, Run), found.folder.name
    if not has_predictions(found):
        kind, command = ("run", f"evaluate {name}") if is_run else ("classifier", f"evaluate {name} --keep")
        raise ValueError(f"What the {kind} {name} said of the test images is not kept. Do: cifar-lab {command}")
    content = _verified(found) if is_run else found.read_verified(PREDICTIONS)
    test = (found.record if is_run else found.content)["metrics"]["test"]
    names = found.record["dataset"]["class_names"] if is_run else found.class_names
    return Predictions(name, tuple(names), *_arrays(content, found.folder / PREDICTIONS), image_facts_of(test))


def _verified(run: Run) -> bytes:
    path = run.folder / PREDICTIONS
    content = path.read_bytes() if path.is_file() else b""
    if files.sha256_of(content) != run.record["metrics"]["test"]["predictions"]["sha256"]:
        raise ValueError(f"{path} is not the file its run card states. Do: cifar-lab evaluate {run.folder.name}")
    return content


def _arrays(content: bytes, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            probabilities, labels = kept["probabilities"], kept["labels"].astype(np.int64)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} holds no predictions: {error}. Evaluate it again.") from error
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),):
        raise ValueError(f"{path} holds {probabilities.shape} probabilities for {labels.shape} labels.")
    return probabilities, labels


def save_predictions(folder: Path, probabilities: np.ndarray, dataset: Dataset) -> dict:
    """Keep what was said of a dataset's test images.

    Args:
        folder: of the classifier or run.
        probabilities: `(n, classes)` float, 0-1.
        dataset: whose test images they are about.

    Returns:
        What the card has to state of the file: its SHA-256 and bytes.
    """
    path = folder / PREDICTIONS
    labels = dataset.test.labels.astype(np.uint8 if len(dataset.class_names) < 256 else np.int64)
    small = probabilities.astype(np.float32, copy=False)
    files.write_whole(path, lambda part: np.savez_compressed(part, probabilities=small, labels=labels))
    return {"sha256": files.sha256(path), "bytes": path.stat().st_size}


def image_facts(dataset: Dataset) -> dict:
    """What a card says of the images that a result is about."""
    facts = {"dataset": dataset.name, "origin": dataset.origin, "fingerprint": dataset.fingerprint()}
    return facts | {"test_fingerprint": runs.test_fingerprint(dataset), "test_count": len(dataset.test)}


def image_facts_of(found: dict) -> dict:
    """The same facts, as far as a card has them: from its test result, or from what it says of its dataset."""
    facts = {key: found.get(key) for key in ("dataset", "origin", "fingerprint", "test_fingerprint", "test_count")}
    return facts | {
        "dataset": found.get("dataset") or found.get("name"),
        "test_count": found.get("test_count") or found.get("sizes", {}).get("test"),
    }


def same_images(facts_a: dict, facts_b: dict) -> bool:
    """Whether two results are about the same test images, by what `image_facts` has of them.

    Older cards have no `test_fingerprint`. Then the fingerprint of the whole dataset says that they are the same, and
    the dataset's name, its origin and the number of the images say so less surely.
    """
    if facts_a.get("test_fingerprint") and facts_b.get("test_fingerprint"):
        return facts_a["test_fingerprint"] == facts_b["test_fingerprint"]
    if facts_a.get("fingerprint") and facts_a["fingerprint"] == facts_b.get("fingerprint"):
        return True
    counts = {facts["test_count"] for facts in (facts_a, facts_b) if facts.get("test_count")}
    named = all(facts_a.get(key) and facts_a[key] == facts_b.get(key) for key in ("dataset", "origin"))
    return named and len(counts) < 2


def check_same_images(a: Predictions, b: Predictions) -> None:
    """See whether two can be compared.

    Raises:
        ValueError: they know different classes, or answered about different images.
    """
    if a.class_names != b.class_names:
        raise ValueError(f"{a.name} and {b.name} know different classes: they cannot be compared.")
    if not (np.array_equal(a.labels, b.labels) and same_images(a.images, b.images)):
        about = [f"{one.name} about {len(one.labels):,} of {one.images.get('dataset', '?')}" for one in (a, b)]
        raise ValueError(
            f"They answered about different test images ({', '.join(about)}). Evaluate both on the same dataset first."
        )
