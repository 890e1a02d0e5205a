"""Ctrl-C in the middle of a training, at a place that is always the same."""

from contextlib import contextmanager

import pytest

from cifar_lab.training import loop


@contextmanager
def in_epoch(number: int):
    """Interrupt whatever trains inside, after the steps of its `number`-th epoch and before it is saved."""
    real, calls = loop.evaluate_in_batches, []

    def validate(*arguments):
        calls.append(1)
        if len(calls) == number:
            raise KeyboardInterrupt
        return real(*arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, "evaluate_in_batches", validate)
        yield
