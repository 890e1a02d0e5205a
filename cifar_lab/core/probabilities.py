"""Softmax probabilities: several views of an image averaged, and the temperature applied."""

import numpy as np


def average_views(probabilities: np.ndarray, weights: tuple[float, ...] | None = None) -> np.ndarray:
    """One answer from several views of each picture: what the mean of their logits says.

    Args:
        probabilities: `(n, views, classes)` float, 0-1, every row adding up to 1.
        weights: how much each view counts, adding up to 1; all the same when not given.

    Returns:
        `(n, classes)` of the same dtype, every row adding up to 1.
    """
    if probabilities.shape[1] == 1:
        return probabilities[:, 0]
    smallest = np.finfo(probabilities.dtype).tiny  # a probability of 0 has no logarithm
    logits = np.average(np.log(np.maximum(probabilities, smallest)), axis=1, weights=weights)
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (scaled / scaled.sum(axis=1, keepdims=True)).astype(probabilities.dtype)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Soften (above 1) or sharpen (below 1) probabilities, as dividing the logits by `temperature` does.

    The softmax at temperature T follows from the softmax at 1 as p^(1/T), scaled to add up to 1 (Guo et al., "On
    Calibration of Modern Neural Networks", 2017).

    Args:
        probabilities: `(n, classes)` float, 0-1, every row adding up to 1.
        temperature: above 0; 1 changes nothing.

    Returns:
        The same shape and dtype.
    """
    if temperature == 1:
        return probabilities
    smallest = np.finfo(probabilities.dtype).tiny  # a probability of 0 has no logarithm
    logits = np.log(np.maximum(probabilities, smallest)) / temperature
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)
