"""The `cifar-lab` command: the library from a terminal.

Each command imports what it needs when it runs: so `cifar-lab --help` is fast, and `cifar-lab predict` works without
TensorFlow.
"""

from cifar_lab.cli import (  # noqa: F401 (each file registers its commands)
    baseline,
    check,
    classify,
    compare,
    data,
    evaluate,
    export,
    imagenet,
    make,
    pack,
    predict,
    runs,
    search,
    train,
)
from cifar_lab.cli.group import main

__all__ = ["main"]
