"""Average softmax probabilities over several views of an image, and apply the temperature."""

import numpy as np


def average_views(probabilities: np.ndarray, weights: tuple[float, ...] | None = None) -> np.ndarray:
    """Average the predictions for several views of each image, in logits (test-time augmentation).

    Args:
        probabilities: `(n, views, classes)` float, 0-1; each row sums to 1.
        weights: weight of each view, summing to 1; equal by default.

    Returns:
        `(n, classes)` of the same dtype; each row sums to 1.
    """
    if probabilities.shape[1] == 1:
        return probabilities[:, 0]
    smallest = np.finfo(probabilities.dtype).tiny  # a probability of 0 has no logarithm
    logits = np.average(np.log(np.maximum(probabilities, smallest)), axis=1, weights=weights)
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (scaled / scaled.sum(axis=1, keepdims=True)).astype(probabilities.dtype)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Soften (above 1) or sharpen (below 1) probabilities, as dividing the logits by `temperature` does.

    The softmax at temperature T follows from that at 1 as p^(1/T), normalised to sum to 1 (Guo et al., "On
    Calibration of Modern Neural Networks", 2017).

    Args:
        probabilities: `(n, classes)` float, 0-1; each row sums to 1.
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
