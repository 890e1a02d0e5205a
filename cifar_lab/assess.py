"""Measuring a trained network on the test split of a dataset, whatever form the network is in."""

from cifar_lab import card, evaluation, runs
from cifar_lab.classifier import Classifier
from cifar_lab.data.dataset import Dataset
from cifar_lab.evaluation import Evaluation


def dataset_name(subject: str) -> str:
    """The name of the dataset that a classifier or run was trained on; `auto` when its card does not say.

    Raises:
        ValueError: there is neither a run nor a classifier of that name.
    """
    found = _find(subject)
    facts = found.card if isinstance(found, runs.Run) else found.content.get("trained", {})
    return facts.get("dataset", {}).get("name", "auto")


def evaluate_named(subject: str, dataset: Dataset) -> Evaluation:
    """Evaluate a classifier or a finished run, by name or folder, on the test split.

    A run's card keeps the result under `metrics.test`.

    Raises:
        ValueError: there is neither a run nor a classifier of that name, or its classes are not the dataset's.
    """
    found = _find(subject)
    if isinstance(found, runs.Run):
        return evaluate_run(found, dataset)
    return evaluate_classifier(Classifier.load(found.folder), dataset)


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


def evaluate_classifier(classifier: Classifier, dataset: Dataset) -> Evaluation:
    """Evaluate a classifier's calibrated scores on the test split."""
    _same_classes(classifier.class_names, dataset)
    probabilities = classifier.probabilities(dataset.test.images)
    return evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)


def _same_classes(class_names, dataset: Dataset) -> None:
    if tuple(class_names) != tuple(dataset.class_names):
        raise ValueError(
            f"It knows {', '.join(class_names)}; the dataset {dataset.name} has {', '.join(dataset.class_names)}."
        )
