"""Datasets: CIFAR-10, built-in sketches, digits, and folders of pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"loading": ["NAMES", "is_folder", "is_here", "load", "load_again"], "dataset": ["Dataset", "Split"]},
)
