"""Keras, imported quietly: `from cifar_lab.backend import keras`.

Keras works on TensorFlow here; `KERAS_BACKEND=torch` or `jax` in the environment runs the same code on another.
"""

from cifar_lab.native import stderr_hidden

with stderr_hidden():
    import keras

__all__ = ["keras"]
