"""Undo batch-norm folding (`cifar_lab.models.airbench.fold_batch_norm`), so that training can resume.

A finished run stores the folded network, which predicts fast but trains badly, as it has no batch normalisation.
"""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import airbench

_BATCH = 250  # images per forward pass


def unfold_batch_norm(folded: keras.Model, images: np.ndarray, *, precision: str = "float32") -> keras.Model:
    """Build a trainable network with batch normalisation that makes the same predictions as a folded one.

    Folding loses three values per filter, which are chosen here:

    - The norm of the kernel. Normalisation cancels it, but it determines how far an optimiser step rotates the kernel.
      It is set to that of a newly initialised network, for which the recipe's learning rate is made.
    - The mean that is subtracted and the beta that is added. Both are set to the filter's mean over `images`, so that
      predictions stay nearly the same in training, too, when the batch's own mean is subtracted.

    Args:
        folded: model from `cifar_lab.models.airbench.fold_batch_norm`.
        images: `(n, size, size, 3)` uint8, 0-255, training images.
        precision: as in `cifar_lab.models.airbench.build_airbench`.

    Returns:
        A model as from `cifar_lab.models.airbench.build_airbench`, with the whitening layer frozen.
    """
    convolutions = [layer for layer in folded.layers if layer.name.endswith("_conv")]
    activation = keras.activations.serialize(folded.get_layer("whiten").activation)
    widths = tuple(layer.filters for layer in convolutions[::2])
    class_count, size = folded.output_shape[1], folded.input_shape[1]
    model = airbench.build_airbench(class_count, size, widths=widths, activation=activation, precision=precision)
    first = model.get_layer("whiten")
    kernel, bias = (np.asarray(weights, np.float64) for weights in folded.get_layer("whiten").get_weights())
    kernel = kernel * airbench.DEVIATION[:, None]
    first.set_weights([kernel, bias + np.einsum("hwio,i->o", kernel, airbench.MEAN / airbench.DEVIATION)])
    first.trainable = False
    means = _means_before_activations(folded, convolutions, images)
    for layer, mean in zip(convolutions, means, strict=True):
        kernel, bias = layer.get_weights()
        fresh = model.get_layer(layer.name)
        norm = model.get_layer(layer.name.removesuffix("_conv") + "_norm")
        scale = np.linalg.norm(fresh.get_weights()[0]) / np.linalg.norm(kernel)
        fresh.set_weights([scale * kernel])
        # beta, moving mean, moving variance. The output is kernel * x + bias again:
        # (scale * kernel * x - scale * (mean - bias)) / scale + mean = kernel * x + bias.
        norm.set_weights([mean, scale * (mean - bias), np.full(len(bias), scale**2, np.float32)])
    model.get_layer("logits").set_weights([folded.get_layer("logits").get_weights()[0] * airbench.LOGIT_SCALE])
    return model


def _means_before_activations(folded: keras.Model, convolutions: list, images: np.ndarray) -> list[np.ndarray]:
    """Return the mean input of each activation over images and positions, `(filters,)` per convolution."""
    inputs = [folded.get_layer(layer.name.removesuffix("_conv") + "_activation").input for layer in convolutions]
    inner = keras.Model(folded.inputs[0], inputs)
    sums = [np.zeros(layer.filters) for layer in convolutions]
    for first in range(0, len(images), _BATCH):
        outputs = inner.predict_on_batch(images[first : first + _BATCH])
        for total, values in zip(sums, outputs, strict=True):
            total += values.mean(axis=(1, 2), dtype=np.float64).sum(axis=0)
    return [total / len(images) for total in sums]
