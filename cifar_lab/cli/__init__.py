"""The `cifar-lab` command: the library from a terminal.

Every command imports what it needs when it runs, so that `cifar-lab --help` answers at once and `cifar-lab predict`
works where TensorFlow is not installed.
"""

from cifar_lab.cli import (  # noqa: F401 (each file adds its commands)
    baseline,
    check,
    classify,
    compare,
    data,
    evaluate,
    export,
    make,
    mobilenet,
    pack,
    predict,
    runs,
    search,
    train,
)
from cifar_lab.cli.group import main

__all__ = ["main"]
