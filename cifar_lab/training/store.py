"""Classifiers and finished runs, found by one name."""

from pathlib import Path

from cifar_lab.inference.model_card import Card
from cifar_lab.training import runs
from cifar_lab.training.runs import Run


def find(subject: str | Path) -> Card | Run:
    """A classifier or a finished run, by its name or folder; a classifier where both have the name.

    Raises:
        ValueError: there is neither.
    """
    try:
        return Card.load(subject)
    except ValueError as no_classifier:
        try:
            return runs.open_run(subject)
        except ValueError as no_run:
            raise ValueError(f"{no_run} {no_classifier}") from None
