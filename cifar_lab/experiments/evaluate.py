"""Evaluate runs and classifiers on the test split.

The predictions for the test images are stored next to the run record or model card, so that two can be compared later
without predicting again:

    print(evaluate.compare("fast-mini-cifar10-seed0", "tutorial").verdict())
"""

from functools import partial

import numpy as np

from cifar_lab import evaluation
from cifar_lab.data.dataset import Dataset
from cifar_lab.evaluation import Difference, Evaluation
from cifar_lab.experiments import predictions, run_table
from cifar_lab.images import display
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training import runs
from cifar_lab.training.store import find_by_name


def trained_on(subject: str) -> dict:
    """Return what is recorded about the dataset that a classifier or run was trained on; empty if nothing is.

    Raises:
        ValueError: no run or classifier has that name.
    """
    found = find_by_name(subject)
    facts = found.record if isinstance(found, runs.Run) else found.content.get("trained", {})
    return facts.get("dataset", {})


def evaluate_named(subject: str, dataset: Dataset, *, keep: bool = False, progress: bool = False) -> Evaluation:
    """Evaluate a classifier or a finished run, by name or folder, on the test split.

    The result of a run is stored in its record under `metrics.test`.

    Args:
        subject: name or folder of a classifier or run.
        dataset: provides the test split.
        keep: for a classifier: also store the result in its card and its predictions next to it, for `evaluate_saved`.
        progress: show a progress bar.

    Raises:
        ValueError: no run or classifier has that name, or its classes differ from the dataset's.
    """
    found = find_by_name(subject)
    if isinstance(found, runs.Run):
        return evaluate_run(found, dataset, progress=progress)
    return evaluate_classifier(Classifier.load(found.folder), dataset, keep=keep, progress=progress)


def evaluate_saved(subject: str) -> tuple[Evaluation, str] | None:
    """Evaluate a classifier or run from its stored predictions, without the dataset.

    Returns:
        The result and a sentence about the images, or `None` if no predictions are stored.

    Raises:
        ValueError: no run or classifier has that name, or the file does not match its recorded SHA-256.
    """
    found = find_by_name(subject)
    if not predictions.has_predictions(found):
        return None
    stored = predictions.load_predictions(found)
    origin = stored.images.get("origin", "its dataset")
    about = f"Evaluated from stored predictions for {len(stored.labels):,} test images: {origin}"
    return evaluation.evaluate(stored.probabilities, stored.labels, stored.class_names), about


def saved_predictions(found: model_card.ModelCard | runs.Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the stored predictions of a classifier or run for the test images, and the true labels.

    Returns:
        `(probabilities, labels)`: `(n, classes)` float32, 0-1, calibrated for a classifier, and `(n,)` int64.

    Raises:
        ValueError: no predictions are stored, or the file does not match its recorded SHA-256.
    """
    stored = predictions.load_predictions(found)
    return stored.probabilities, stored.labels


def compare(subject_a: str, subject_b: str) -> Difference:
    """Compare two classifiers or runs, by name or folder, by their stored predictions for the same test images.

    Raises:
        ValueError: one of them does not exist or has no stored predictions, or the classes or test images differ.
    """
    a, b = predictions.load_predictions(subject_a), predictions.load_predictions(subject_b)
    if a.class_names != b.class_names:
        raise ValueError(f"{a.name} and {b.name} cannot be compared: they have different classes.")
    if not (np.array_equal(a.labels, b.labels) and predictions.same_images(a.images, b.images)):
        used = ", ".join(f"{one.name}: {len(one.labels):,} of {one.images['dataset'] or '?'}" for one in (a, b))
        raise ValueError(f"They were evaluated on different test images ({used}). Evaluate both on the same dataset.")
    return evaluation.compare_predictions(a.right, b.right)


def compare_over_seeds(run_a: str, run_b: str) -> Difference:
    """Compare two recipes by the test accuracies of all their runs that differ only in the seed.

    Args:
        run_a: name or folder of any finished run of the first recipe.
        run_b: the same for the second recipe.

    Raises:
        ValueError: a run does not exist, both have the same recipe, fewer than two seeds of a recipe were evaluated on
            the test split, or the test images differ.
    """
    found, _ = run_table.read_runs()
    groups = [run_table.seeds_of(runs.open_run(run), found) for run in (run_a, run_b)]
    if groups[0] == groups[1]:
        raise ValueError(f"{run_a} and {run_b} have the same recipe and dataset, and differ only in the seed.")
    tests = [[test for run in group if (test := run_table.test_result(run))] for group in groups]
    for name, group, evaluated in zip((run_a, run_b), groups, tests, strict=True):
        if len(evaluated) < 2:
            missing = ", ".join(run.folder.name for run in group if not run_table.test_result(run)) or "none"
            raise ValueError(
                f"The recipe of {name} needs at least two evaluated seeds, but {len(evaluated)} of {len(group)} are "
                f"evaluated. Train more with --seed, or run cifar-lab evaluate on these: {missing}."
            )
    first, *others = (predictions.image_facts_of(test) for group in tests for test in group)
    if not all(predictions.same_images(first, other) for other in others):
        raise ValueError(f"The runs of {run_a} and {run_b} were evaluated on different test images.")
    return evaluation.compare_seeds(*([test["accuracy"] for test in group] for group in tests))


def evaluate_run(run: runs.Run, dataset: Dataset, *, progress: bool = False) -> Evaluation:
    """Evaluate the network of a finished run on the test split.

    The result is stored in the run record under `metrics.test`, the predictions in a file next to it. The network of a
    baseline is not kept: its stored predictions are evaluated.

    Raises:
        ValueError: the classes differ from the dataset's, the run's file is damaged, or the run is a baseline that has
            no stored predictions for this test split.
    """
    _check_classes(run.record["dataset"]["class_names"], dataset)
    if run.is_baseline and predictions.has_predictions(run):
        return _evaluate_stored(run, dataset)
    probabilities = run.probabilities(dataset.test.images, progress=progress).astype(np.float32)  # as they are stored
    return record_test(run, probabilities, dataset)


def _evaluate_stored(run: runs.Run, dataset: Dataset) -> Evaluation:
    stored = predictions.load_predictions(run)
    if not predictions.same_images(stored.images, predictions.image_facts(dataset)):
        raise ValueError(f"The baseline {run.folder.name} was evaluated on other test images. Fit it on this dataset.")
    return evaluation.evaluate(stored.probabilities, stored.labels, stored.class_names)


def record_test(run: runs.Run, probabilities: np.ndarray, dataset: Dataset) -> Evaluation:
    """Evaluate a run's predictions for the test split, and store both with the run, as `evaluate_run` does.

    Args:
        run: a finished run.
        probabilities: `(n, classes)` float32, 0-1, for the n test images.
        dataset: provides the test split.
    """
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    saved = predictions.save_predictions(run.folder, probabilities, dataset)
    run.add_metrics(test=result.to_dict() | predictions.image_facts(dataset) | {"predictions": saved})
    return result


def evaluate_mirror(run: runs.Run, dataset: Dataset, *, progress: bool = False) -> Evaluation:
    """Evaluate a finished run on the test split with mirror test-time augmentation.

    The predictions for each image and its mirror image are averaged. The result is stored in the run record under
    `metrics.test_mirror`.
    """
    _check_classes(run.record["dataset"]["class_names"], dataset)
    predict = partial(run.probabilities, progress=progress)
    probabilities = evaluation.predict_with_views(predict, dataset.test.images, "mirror")
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    run.add_metrics(test_mirror=result.to_dict() | predictions.image_facts(dataset))
    return result


def evaluate_classifier(
    classifier: Classifier, dataset: Dataset, *, keep: bool = False, progress: bool = False
) -> Evaluation:
    """Evaluate the calibrated scores of a classifier on the test split; arguments and errors as in `evaluate_named`."""
    _check_classes(classifier.class_names, dataset)
    probabilities = classifier.probabilities(dataset.test.images, progress=progress)
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    if keep:
        _save(classifier.card, probabilities, dataset, result)
    return result


def _save(card: model_card.ModelCard, probabilities: np.ndarray, dataset: Dataset, result: Evaluation) -> None:
    """Write the predictions, then the model card with their SHA-256."""
    saved = {predictions.PREDICTIONS: predictions.save_predictions(card.folder, probabilities, dataset)}
    test = result.to_dict() | predictions.image_facts(dataset)
    card.write(files=card.content["files"] | saved, metrics=card.content.get("metrics", {}) | {"test": test})


def _check_classes(class_names, dataset: Dataset) -> None:
    if tuple(class_names) != tuple(dataset.class_names):
        raise ValueError(
            f"It knows the classes {display.join_names(class_names)}; "
            f"the dataset {dataset.name} has {display.join_names(dataset.class_names)}."
        )
