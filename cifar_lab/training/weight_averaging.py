"""Weight averaging, and batch-norm re-estimation for the averaged network."""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.models import airbench, bn_unfolding
from cifar_lab.training.start import load_unfolded


def interpolate_half_way(model: keras.Model, start: str, dataset: Dataset) -> None:
    """Set the weights of a network to the mean of its own and those that its training started from.

    As long as the learning rate was not too high, networks interpolated between the two are about as accurate as
    either or better, since each has memorised different images (Wortsman et al., "Robust fine-tuning of zero-shot
    models", 2022).

    Args:
        model: a fast network that was trained from `start`, with its own batch-norm statistics.
        start: as for `training.start.load_unfolded`.
        dataset: as for `training.start.load_unfolded`.
    """
    images = dataset.train.images
    ends = [
        load_unfolded(start, dataset),
        bn_unfolding.unfold_batch_norm(airbench.fold_batch_norm(model, images.shape[1]), images[:2000]),
    ]
    between = ends[0]  # the kernels of both have about the norm of new ones, so that both count equally
    weights = zip(*(end.get_weights() for end in ends), strict=True)
    between.set_weights([(first + last) / 2 for first, last in weights])
    update_batch_norm(between, images)
    model.set_weights(between.get_weights())


def update_batch_norm(model: keras.Model, images: np.ndarray, *, batch_size: int = 500) -> None:
    """Re-estimate the batch-norm statistics of a network: their mean over batches of images.

    After weight averaging the filters differ from those of either network, and so do their statistics (Izmailov et
    al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018).

    Args:
        model: changed in place; left unchanged if it has no batch normalisation.
        images: `(n, size, size, 3)` uint8, 0-255; only the first 5,000 are used.
        batch_size: images per batch.
    """
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    usual = [norm.momentum for norm in norms]
    for number, first in enumerate(range(0, min(len(images), 5000), batch_size) if norms else ()):
        for norm in norms:
            norm.momentum = number / (number + 1)  # gives the mean of all batches so far
        model(images[first : first + batch_size], training=True)
    for norm, momentum in zip(norms, usual, strict=True):
        norm.momentum = momentum
