"""Measuring a trained network on the test split of a dataset, whatever form the network is in."""

import io

import numpy as np

from cifar_lab import card, evaluation, files, runs
from cifar_lab.classifier import Classifier
from cifar_lab.data.dataset import Dataset
from cifar_lab.evaluation import Evaluation
from cifar_lab.progress import bar

PREDICTIONS = "test_predictions.npz"
_AT_ONCE = 256  # images between two moves of the progress bar


def dataset_name(subject: str) -> str:
    """The name of the dataset that a classifier or run was trained on; `auto` when its card does not say.

    Raises:
        ValueError: there is neither a run nor a classifier of that name.
    """
    found = _find(subject)
    facts = found.card if isinstance(found, runs.Run) else found.content.get("trained", {})
    return facts.get("dataset", {}).get("name", "auto")


def evaluate_named(subject: str, dataset: Dataset, *, keep: bool = False, progress: bool = False) -> Evaluation:
    """Evaluate a classifier or a finished run, by name or folder, on the test split.

    A run's card keeps the result under `metrics.test`.

    Args:
        subject: a classifier's or a run's name or folder.
        dataset: its test split is used.
        keep: for a classifier: keep what it says of each test image beside its card, see `evaluate_kept`.
        progress: show a progress bar.

    Raises:
        ValueError: there is neither a run nor a classifier of that name, or its classes are not the dataset's.
    """
    found = _find(subject)
    if isinstance(found, runs.Run):
        return evaluate_run(found, dataset)
    return evaluate_classifier(Classifier.load(found.folder), dataset, keep=keep, progress=progress)


def evaluate_kept(subject: str) -> tuple[Evaluation, str] | None:
    """Evaluate a classifier on what it said of the test images when it was made: no dataset is needed.

    Returns:
        The result, and a sentence about the images; `None` when nothing was kept, or `subject` is a run.

    Raises:
        ValueError: there is neither a run nor a classifier of that name, or its file is not the one its card states.
    """
    found = _find(subject)
    if isinstance(found, runs.Run) or PREDICTIONS not in found.content["files"]:
        return None
    probabilities, labels = kept_predictions(found)
    about = f"As it answered for the {len(labels):,} test images of {found.content['metrics']['test']['origin']}"
    return evaluation.evaluate(probabilities, labels, found.class_names), about


def kept_predictions(found: card.Card) -> tuple[np.ndarray, np.ndarray]:
    """What a classifier said of the test images, and what they show.

    Returns:
        `(probabilities, labels)`: `(n, classes)` float32, 0-1, calibrated, and `(n,)` int64.

    Raises:
        ValueError: nothing was kept, or the file is not the one the card states.
    """
    with np.load(io.BytesIO(found.read_verified(PREDICTIONS)), allow_pickle=False) as kept:
        return kept["probabilities"], kept["labels"].astype(np.int64)


def _find(subject: str) -> card.Card | runs.Run:
    try:
        folder = card.find(subject)
    except ValueError as no_classifier:
        try:
            return runs.open_run(subject)
        except ValueError as no_run:
            raise ValueError(f"{no_run} {no_classifier}") from None
    return card.Card.load(folder)


def evaluate_run(run: runs.Run, dataset: Dataset) -> Evaluation:
    """Evaluate a finished run's network on the test split, and write the result into its card."""
    _same_classes(run.card["dataset"]["class_names"], dataset)
    probabilities = run.load_model().predict(dataset.test.images, batch_size=500, verbose=0)
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    run.record(test=result.to_dict() | {"dataset": dataset.name, "fingerprint": dataset.fingerprint()})
    return result


def evaluate_classifier(
    classifier: Classifier, dataset: Dataset, *, keep: bool = False, progress: bool = False
) -> Evaluation:
    """Evaluate a classifier's calibrated scores on the test split; arguments and errors as in `evaluate_named`."""
    _same_classes(classifier.class_names, dataset)
    images, labels = dataset.test.images, dataset.test.labels
    parts = []
    with bar(total=len(images), unit="image", shown=progress) as images_bar:
        for first in range(0, len(images), _AT_ONCE):
            parts.append(classifier.probabilities(images[first : first + _AT_ONCE]))
            images_bar.update(len(parts[-1]))
    probabilities = np.concatenate(parts)
    result = evaluation.evaluate(probabilities, labels, dataset.class_names)
    if keep:
        _keep(classifier.card, probabilities, dataset, result)
    return result


def _keep(found: card.Card, probabilities: np.ndarray, dataset: Dataset, result: Evaluation) -> None:
    """Write the predictions, then the card that states their SHA-256."""
    path = found.folder / PREDICTIONS
    labels = dataset.test.labels.astype(np.uint8 if len(dataset.class_names) < 256 else np.int64)
    files.write_whole(path, lambda part: np.savez_compressed(part, probabilities=probabilities, labels=labels))
    stated = {PREDICTIONS: {"sha256": files.sha256(path), "bytes": path.stat().st_size}}
    test = result.to_dict() | {
        "dataset": dataset.name,
        "origin": dataset.origin,
        "fingerprint": dataset.fingerprint(),
    }
    found.write(files=found.content["files"] | stated, metrics=found.content.get("metrics", {}) | {"test": test})


def _same_classes(class_names, dataset: Dataset) -> None:
    if tuple(class_names) != tuple(dataset.class_names):
        raise ValueError(
            f"It knows {', '.join(class_names)}; the dataset {dataset.name} has {', '.join(dataset.class_names)}."
        )
