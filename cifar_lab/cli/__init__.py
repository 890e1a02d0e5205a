"""The `cifar-lab` command: the library from a terminal.

Every command imports what it needs when it runs, so that `cifar-lab --help` answers at once and `cifar-lab predict`
works where TensorFlow is not installed.
"""

from cifar_lab.cli import (  # noqa: F401, I001  (each adds its commands, in this order)
    datasets,
    networks,
    baselines,
    making,
    pretrained,
    packing,
    search,
    experiments,
    pictures,
    bulk,
)
from cifar_lab.cli.group import main

__all__ = ["main"]
