"""Measuring a trained network on the test split of a dataset, whatever form the network is in.

What it said of each test image is kept beside its card, so that two can be compared later without asking them again:

    print(assess.compare("fast-mini-cifar10-seed0", "tutorial").verdict())
"""

from functools import partial

import numpy as np

from cifar_lab import evaluation
from cifar_lab.data.dataset import Dataset
from cifar_lab.evaluation import Difference, Evaluation
from cifar_lab.experiments import leaderboard, predictions
from cifar_lab.images import display
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training import runs
from cifar_lab.training.store import find_by_name


def trained_on(subject: str) -> dict:
    """What its card says of the dataset that a classifier or run was trained on; empty when it does not say.

    Raises:
        ValueError: there is neither a run nor a classifier of that name.
    """
    found = find_by_name(subject)
    facts = found.record if isinstance(found, runs.Run) else found.content.get("trained", {})
    return facts.get("dataset", {})


def evaluate_named(subject: str, dataset: Dataset, *, keep: bool = False, progress: bool = False) -> Evaluation:
    """Evaluate a classifier or a finished run, by name or folder, on the test split.

    A run's card keeps the result under `metrics.test`.

    Args:
        subject: a classifier's or a run's name or folder.
        dataset: its test split is used.
        keep: for a classifier: keep what it says of each test image beside its card, see `evaluate_saved`.
        progress: show a progress bar.

    Raises:
        ValueError: there is neither a run nor a classifier of that name, or its classes are not the dataset's.
    """
    found = find_by_name(subject)
    if isinstance(found, runs.Run):
        return evaluate_run(found, dataset, progress=progress)
    return evaluate_classifier(Classifier.load(found.folder), dataset, keep=keep, progress=progress)


def evaluate_saved(subject: str) -> tuple[Evaluation, str] | None:
    """Evaluate a classifier or a run on what it said of the test images when they were there: no dataset is needed.

    Returns:
        The result, and a sentence about the images; `None` when nothing was kept.

    Raises:
        ValueError: there is neither a run nor a classifier of that name, or its file is not the one its card states.
    """
    found = find_by_name(subject)
    if not predictions.has_predictions(found):
        return None
    kept = predictions.load_predictions(found)
    about = f"As it answered for the {len(kept.labels):,} test images of {kept.images.get('origin', 'its dataset')}"
    return evaluation.evaluate(kept.probabilities, kept.labels, kept.class_names), about


def saved_predictions(found: model_card.ModelCard | runs.Run) -> tuple[np.ndarray, np.ndarray]:
    """What a classifier or run said of the test images, and what they show.

    Returns:
        `(probabilities, labels)`: `(n, classes)` float32, 0-1, calibrated if it is a classifier, and `(n,)` int64.

    Raises:
        ValueError: nothing was kept, or the file is not the one the card states.
    """
    kept = predictions.load_predictions(found)
    return kept.probabilities, kept.labels


def compare(subject_a: str, subject_b: str) -> Difference:
    """Compare two classifiers or runs, by name or folder, on what they said of the same test images.

    Raises:
        ValueError: one of them does not exist or kept nothing, or they answered about different images.
    """
    a, b = predictions.load_predictions(subject_a), predictions.load_predictions(subject_b)
    predictions.check_same_images(a, b)
    return evaluation.compare_answers(a.right, b.right)


def compare_over_seeds(run_a: str, run_b: str) -> Difference:
    """Compare two recipes by all runs that differ from one of each only in the seed, by their test accuracies.

    Args:
        run_a: a finished run of the first recipe, by name or folder.
        run_b: of the second.

    Raises:
        ValueError: there is no such run, the two are of one recipe, fewer than two seeds of one were evaluated on its
            test split, or they were evaluated on different test images.
    """
    found, _ = leaderboard.read_runs()
    groups = [leaderboard.seeds_of(runs.open_run(run), found) for run in (run_a, run_b)]
    if groups[0] == groups[1]:
        raise ValueError(f"{run_a} and {run_b} are the same recipe on the same dataset: they differ in the seed alone.")
    tests = [[test for run in group if (test := leaderboard.test_result(run))] for group in groups]
    for name, group, evaluated in zip((run_a, run_b), groups, tests, strict=True):
        if len(evaluated) < 2:
            missing = ", ".join(run.folder.name for run in group if not leaderboard.test_result(run)) or "none"
            raise ValueError(
                f"At least two seeds of the recipe of {name} must have been evaluated, but {len(evaluated)} of "
                f"{len(group)} were. Train others with --seed; to be evaluated with cifar-lab evaluate: {missing}."
            )
    first, *others = (predictions.image_facts_of(test) for group in tests for test in group)
    if not all(predictions.same_images(first, other) for other in others):
        raise ValueError(f"The runs of {run_a} and {run_b} were evaluated on different test images.")
    return evaluation.compare_seeds(*([test["accuracy"] for test in group] for group in tests))


def evaluate_run(run: runs.Run, dataset: Dataset, *, progress: bool = False) -> Evaluation:
    """Evaluate a finished run's network or pipeline on the test split.

    The result goes into the run's card under `metrics.test`, and what it said of each image into a file beside it.
    """
    _same_classes(run.record["dataset"]["class_names"], dataset)
    probabilities = run.probabilities(dataset.test.images, progress=progress).astype(np.float32)  # as they are kept
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    kept = predictions.save_predictions(run.folder, probabilities, dataset)
    run.add_metrics(test=result.to_dict() | predictions.image_facts(dataset) | {"predictions": kept})
    return result


def evaluate_mirror(run: runs.Run, dataset: Dataset, *, progress: bool = False) -> Evaluation:
    """Evaluate a finished run's network on the test split, from each image and its mirror image together.

    The result goes into the run's card under `metrics.test_mirror`.
    """
    _same_classes(run.record["dataset"]["class_names"], dataset)
    predict = partial(run.probabilities, progress=progress)
    probabilities = evaluation.predict_with_views(predict, dataset.test.images, "mirror")
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    run.add_metrics(test_mirror=result.to_dict() | predictions.image_facts(dataset))
    return result


def evaluate_classifier(
    classifier: Classifier, dataset: Dataset, *, keep: bool = False, progress: bool = False
) -> Evaluation:
    """Evaluate a classifier's calibrated scores on the test split; arguments and errors as in `evaluate_named`."""
    _same_classes(classifier.class_names, dataset)
    probabilities = classifier.probabilities(dataset.test.images, progress=progress)
    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    if keep:
        _keep(classifier.card, probabilities, dataset, result)
    return result


def _keep(found: model_card.ModelCard, probabilities: np.ndarray, dataset: Dataset, result: Evaluation) -> None:
    """Write the predictions, then the card that states their SHA-256."""
    stated = {predictions.PREDICTIONS: predictions.save_predictions(found.folder, probabilities, dataset)}
    test = result.to_dict() | predictions.image_facts(dataset)
    found.write(files=found.content["files"] | stated, metrics=found.content.get("metrics", {}) | {"test": test})


def _same_classes(class_names, dataset: Dataset) -> None:
    if tuple(class_names) != tuple(dataset.class_names):
        raise ValueError(
            f"It knows {display.join_names(class_names)}; "
            f"the dataset {dataset.name} has {display.join_names(dataset.class_names)}."
        )
