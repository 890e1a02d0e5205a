"""Datasets in the place of those that `data.load` gives."""

from cifar_lab import data
from cifar_lab.data import loading


def replace_load(monkeypatch, load) -> None:
    """Have `data.load`, and `data.load_again` with it, call `load` for the time of a test."""
    monkeypatch.setattr(data, "load", load)
    monkeypatch.setattr(loading, "load", load)
