"""Basic metrics: confidence interval of an accuracy, cross-entropy, most confident mistakes."""

import numpy as np
from scipy import stats


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Compute the Wilson confidence interval (1927) of an accuracy, given `correct` predictions out of `total`.

    Returns:
        `(low, high)`, each 0-1.

    Raises:
        ValueError: `total` is below 1, or `correct` is not between 0 and `total`.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"correct must be between 0 and total, and total at least 1, got {correct} of {total}.")
    interval = stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean cross-entropy in nats: the mean of -log(probability of the true class).

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` integers.
    """
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, count: int = 10) -> np.ndarray:
    """Find the wrong predictions with the highest scores.

    Args:
        probabilities: `(n, k)` float, 0-1, each row summing to 1.
        labels: `(n,)` integers, 0 to k - 1.
        count: maximum number of mistakes.

    Returns:
        Indices of up to `count` wrong predictions, int64, highest score first.

    Raises:
        ValueError: the arrays do not match or are not probabilities and labels.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:count]


def check_probabilities(probabilities, labels) -> tuple[np.ndarray, np.ndarray]:
    """Validate probabilities and labels, and return both as arrays.

    Raises:
        ValueError: the arrays do not match or are not probabilities and labels.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or len(labels) == 0:
        raise ValueError(
            f"probabilities must have shape (n, classes) and labels (n,) with n above 0, got {probabilities.shape} "
            f"and {labels.shape}."
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError("Each row of probabilities must be non-negative and sum to 1. Is the softmax missing?")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(f"labels must be integers from 0 to {probabilities.shape[1] - 1}.")
    return probabilities, labels
