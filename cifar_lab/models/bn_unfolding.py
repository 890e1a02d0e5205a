"""A fast network that goes on learning: `cifar_lab.models.airbench.fold_batch_norm` undone.

A finished run's network is folded: its normalisations have moved into the convolutions. That answers quickly, and
trains badly. Here they come out again, and the network still says the same.
"""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import airbench

_AT_ONCE = 250


def unfold_batch_norm(folded: keras.Model, images: np.ndarray, *, precision: str = "float32") -> keras.Model:
    """A network to train on, with the same answers as a folded one.

    Three things that folding took away are chosen anew. The length of a kernel: normalisation takes it out again, but
    it decides how far a step turns the kernel; it becomes that of a fresh network's, which the recipe's steps are made
    for. And what normalising subtracts and adds: the filter's mean over `images`, both times, so that in training, when
    the means are those of a batch, the network also says nearly what it said.

    Args:
        folded: from `cifar_lab.models.airbench.fold_batch_norm`.
        images: `(n, size, size, 3)` uint8, 0-255, such as it was trained on.
        precision: as for `cifar_lab.models.airbench.build_airbench`.

    Returns:
        A model as from `cifar_lab.models.airbench.build_airbench`. Its first layer stays as it is.
    """
    convolutions = [layer for layer in folded.layers if layer.name.endswith("_conv")]
    activation = keras.activations.serialize(folded.get_layer("whiten").activation)
    widths = tuple(layer.filters for layer in convolutions[::2])
    class_count, size = folded.output_shape[1], folded.input_shape[1]
    model = airbench.build_airbench(class_count, size, widths=widths, activation=activation, precision=precision)
    first, scale = model.get_layer("whiten"), airbench.DEVIATION[:, None]
    kernel, bias = (np.asarray(weights, np.float64) for weights in folded.get_layer("whiten").get_weights())
    kernel = kernel * scale
    first.set_weights([kernel, bias + np.einsum("hwio,i->o", kernel, airbench.MEAN / airbench.DEVIATION)])
    first.trainable = False
    means = _means_before_activations(folded, convolutions, images)
    for layer, mean in zip(convolutions, means, strict=True):
        kernel, bias = layer.get_weights()
        fresh = model.get_layer(layer.name)
        norm = model.get_layer(layer.name.removesuffix("_conv") + "_norm")
        longer = np.linalg.norm(fresh.get_weights()[0]) / np.linalg.norm(kernel)
        fresh.set_weights([longer * kernel])
        # beta, moving mean, moving variance. What comes out is kernel * x + bias again, since
        # (longer * kernel * x - longer * (mean - bias)) / longer + mean is that.
        norm.set_weights([mean, longer * (mean - bias), np.full(len(bias), longer**2, np.float32)])
    model.get_layer("logits").set_weights([folded.get_layer("logits").get_weights()[0] * airbench.LOGIT_SCALE])
    return model


def _means_before_activations(folded: keras.Model, convolutions: list, images: np.ndarray) -> list[np.ndarray]:
    """The mean that enters each activation, over all images and places: `(filters,)` for each convolution."""
    entering = [folded.get_layer(layer.name.removesuffix("_conv") + "_activation").input for layer in convolutions]
    inner = keras.Model(folded.inputs[0], entering)
    sums = [np.zeros(layer.filters) for layer in convolutions]
    for first in range(0, len(images), _AT_ONCE):
        shown = images[first : first + _AT_ONCE]
        for total, values in zip(sums, inner.predict_on_batch(shown), strict=True):
            total += values.mean(axis=(1, 2), dtype=np.float64).sum(axis=0)
    return [total / len(images) for total in sums]
