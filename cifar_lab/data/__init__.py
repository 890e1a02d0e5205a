"""Datasets: CIFAR-10, the built-in sketches, digits and folders of pictures."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "dataset": ["Dataset", "Split"],
        "folder.balancing": ["augment_copies"],
        "folder.checks": ["check_folder"],
        "folder.example": ["make_pets_folder"],
        "folder.fingerprints": ["most_similar"],
        "folder.listing": ["list_folder"],
        "folder.scan": ["scan_folder"],
        "loading": ["NAMES", "is_folder", "is_here", "load", "load_again"],
    },
)
