"""The numbers that everything else is made of: intervals, cross-entropy, and the mistakes themselves."""

import numpy as np
from scipy import stats


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval in which the true accuracy lies, for `correct` right answers of `total` (Wilson, 1927).

    Returns:
        `(low, high)`, each 0-1.

    Raises:
        ValueError: there are no answers, or more right ones than answers.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"{correct} right of {total} is no result.")
    interval = stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of minus the logarithm of the probability given to the right class, in nats.

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` whole numbers.
    """
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


def worst_mistakes(probabilities: np.ndarray, labels: np.ndarray, count: int = 10) -> np.ndarray:
    """Where a classifier is wrong and surest of it.

    Args:
        probabilities: `(n, k)` float, 0-1, every row adding up to 1.
        labels: `(n,)` whole numbers, 0 to k - 1.
        count: how many at most.

    Returns:
        The positions of up to `count` wrong answers, int64, the one with the highest score first.

    Raises:
        ValueError: the arrays don't fit each other, or are no probabilities and labels.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:count]


def check_probabilities(probabilities, labels) -> tuple[np.ndarray, np.ndarray]:
    """Pass probabilities and labels on as arrays, if that is what they are and they fit each other.

    Raises:
        ValueError: they don't; the sentence says what is wrong.
    """
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or len(labels) == 0:
        raise ValueError(
            f"probabilities must be (n, classes) and labels (n,) with n above 0, not {probabilities.shape} and "
            f"{labels.shape}."
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError("Every row of probabilities must add up to 1, without negative ones. Is the softmax missing?")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(f"labels must be whole numbers from 0 to {probabilities.shape[1] - 1}.")
    return probabilities, labels
