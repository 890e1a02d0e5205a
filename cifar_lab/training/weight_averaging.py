"""Averages of weights, and the batch-norm statistics that go with them."""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.models import airbench, bn_unfolding
from cifar_lab.training.start import load_unfolded


def interpolate_half_way(model: keras.Model, start: str, dataset: Dataset) -> None:
    """Give a network the mean of its weights and of those that its training started from.

    On the way from the one to the other, networks are about as good as the ends or better, as long as the steps were
    not too large: what each of the two has learnt by heart, the other has not (Wortsman et al., "Robust fine-tuning of
    zero-shot models", 2022).

    Args:
        model: a fast network that was trained from there, with statistics that are its own.
        start: as for `training.start.unfolded`.
        dataset: as for `training.start.unfolded`.
    """
    images = dataset.train.images
    ends = [
        load_unfolded(start, dataset),
        bn_unfolding.unfold_batch_norm(airbench.fold_batch_norm(model, images.shape[1]), images[:2000]),
    ]
    between = ends[0]  # kernels of both are about as long as fresh ones: each counts as much as the other
    weights = zip(*(end.get_weights() for end in ends), strict=True)
    between.set_weights([(first + last) / 2 for first, last in weights])
    update_batch_norm(between, images)
    model.set_weights(between.get_weights())


def update_batch_norm(model: keras.Model, images: np.ndarray, *, batch_size: int = 500) -> None:
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
