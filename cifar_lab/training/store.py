"""Find classifiers and finished runs by name."""

from pathlib import Path

from cifar_lab.inference.model_card import ModelCard
from cifar_lab.training import runs
from cifar_lab.training.runs import Run


def find_by_name(subject: str | Path) -> ModelCard | Run:
    """Find a classifier or finished run by name or folder; the classifier if both have the name.

    Raises:
        ValueError: there is no such classifier or run.
    """
    try:
        return ModelCard.load(subject)
    except ValueError as no_classifier:
        try:
            return runs.open_run(subject)
        except ValueError as no_run:
            raise ValueError(f"{no_run} {no_classifier}") from None
