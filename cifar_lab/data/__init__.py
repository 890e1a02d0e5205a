"""Datasets: `load(name)` gives a `Dataset` of three splits."""

from cifar_lab.data.dataset import Dataset, Split

__all__ = ["Dataset", "Split"]
