"""Keras, imported quietly: `from cifar_lab.backend import keras`.

Keras works on TensorFlow here; `KERAS_BACKEND=torch` or `jax` in the environment runs the same code on another.
"""

import logging

from cifar_lab.native import stderr_hidden

with stderr_hidden():
    import keras

for name in ("tensorflow", "absl"):
    # Their hints are for programmers of TensorFlow; in a notebook they stand in red, between a learner and the lesson.
    logging.getLogger(name).setLevel(logging.ERROR)

__all__ = ["keras"]
