"""A fast network that goes on learning: `cifar_lab.models.airbench.fold` undone.

A finished run's network is folded: its normalisations have moved into the convolutions. That answers quickly, and
trains badly. Here they come out again, and the network still says the same.
"""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.models import airbench, transfer

_IMAGES = 2000  # so many tell a filter's mean over all places and images to a few thousandths
_AT_ONCE = 250


def network(start: str, dataset: Dataset, *, precision: str = "float32") -> keras.Model:
    """The network of a classifier or a run, unfolded.

    Args:
        start: a classifier in `data/models/`, or a finished run, by its name or folder: of a fast network.
        dataset: of the same classes and image size; its training images are looked at, not its labels.
        precision: as for `cifar_lab.models.airbench.network`.

    Raises:
        ValueError: there is no such classifier or run, its file is not the one its card states, or it is another
            network, or one for other images or classes.
    """
    folded = transfer.load(start)
    size, class_count = dataset.train.images.shape[1], len(dataset.class_names)
    if folded.name != "fast":
        raise ValueError(
            f"Only a fast network can go on learning as one, and that of {start!r} is called {folded.name!r}. "
            "For another: the recipe transfer."
        )
    if folded.input_shape[1:3] != (size, size) or folded.output_shape[1] != class_count:
        raise ValueError(
            f"The network of {start!r} knows {folded.output_shape[1]} classes of {folded.input_shape[1]} x "
            f"{folded.input_shape[1]} pixels, and {dataset.name} has {class_count} of {size} x {size}. For other "
            "classes: the recipe transfer."
        )
    return unfold(folded, dataset.train.images[:_IMAGES], precision=precision)


def unfold(folded: keras.Model, images: np.ndarray, *, precision: str = "float32") -> keras.Model:
    """A network to train on, with the same answers as a folded one.

    Three things that folding took away are chosen anew. The length of a kernel: normalisation takes it out again, but
    it decides how far a step turns the kernel; it becomes that of a fresh network's, which the recipe's steps are made
    for. And what normalising subtracts and adds: the filter's mean over `images`, both times, so that in training, when
    the means are those of a batch, the network also says nearly what it said.

    Args:
        folded: from `cifar_lab.models.airbench.fold`.
        images: `(n, size, size, 3)` uint8, 0-255, such as it was trained on.
        precision: as for `cifar_lab.models.airbench.network`.

    Returns:
        A model as from `cifar_lab.models.airbench.network`. Its first layer stays as it is.
    """
    convolutions = [layer for layer in folded.layers if layer.name.endswith("_conv")]
    activation = keras.activations.serialize(folded.get_layer("whiten").activation)
    widths = tuple(layer.filters for layer in convolutions[::2])
    class_count, size = folded.output_shape[1], folded.input_shape[1]
    model = airbench.network(class_count, size, widths=widths, activation=activation, precision=precision)
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


def go_half_way(model: keras.Model, start: str, dataset: Dataset) -> None:
    """Give a network the mean of its weights and of those that its training started from.

    On the way from the one to the other, networks are about as good as the ends or better, as long as the steps were
    not too large: what each of the two has learnt by heart, the other has not (Wortsman et al., "Robust fine-tuning of
    zero-shot models", 2022).

    Args:
        model: a fast network that was trained from there, with statistics that are its own.
        start: as for `network`.
        dataset: as for `network`.
    """
    images = dataset.train.images
    ends = [network(start, dataset), unfold(airbench.fold(model, images.shape[1]), images[:_IMAGES])]
    between = ends[0]  # kernels of both are about as long as fresh ones: each counts as much as the other
    weights = zip(*(end.get_weights() for end in ends), strict=True)
    between.set_weights([(first + last) / 2 for first, last in weights])
    settle(between, images)
    model.set_weights(between.get_weights())


def settle(model: keras.Model, images: np.ndarray, *, batch_size: int = 500) -> None:
    """Measure anew what a network's normalisations subtract and divide by: the mean over some batches of images.

    A mean of two networks needs that: its filters are neither's, and neither are their statistics (Izmailov et
    al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018).

    Args:
        model: with batch normalisation, or without, which stays as it is.
        images: `(n, size, size, 3)` uint8, 0-255; the first 5,000 are enough.
        batch_size: images at once.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    usual = [norm.momentum for norm in norms]
    for number, first in enumerate(range(0, min(len(images), 5000), batch_size) if norms else ()):
        for norm in norms:
            norm.momentum = number / (number + 1)  # which makes the mean of all batches so far
        model(images[first : first + batch_size], training=True)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
