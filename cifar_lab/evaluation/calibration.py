"""Calibration: whether of the answers given with 80 % about 80 % are right, and what helps when they are not."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from cifar_lab.core.probabilities import apply_temperature
from cifar_lab.evaluation.metrics import check_probabilities, cross_entropy


@dataclass(frozen=True, eq=False)
class Reliability:
    """What a reliability diagram shows; one entry for each bin that holds an answer, from low to high scores.

    Attributes:
        scores: the mean score of a bin's answers, 0-1.
        shares: the share of them that is right, 0-1.
        counts: how many they are, int64.
    """

    scores: np.ndarray
    shares: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error: the mean distance of score and share, weighted by the bins' answers."""
        return float(np.average(np.abs(self.shares - self.scores), weights=self.counts))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> Reliability:
    """Sort answers by their score into bins of equal width, and compare in each the mean score with the accuracy.

    Args:
        probabilities: `(n, k)` float, 0-1, every row adding up to 1.
        labels: `(n,)` whole numbers, 0 to k - 1.
        bins: how many between 0 and 1, at least 1.

    Raises:
        ValueError: the arrays don't fit each other or are no probabilities and labels, or `bins` is below 1.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    if bins < 1:
        raise ValueError(f"bins must be at least 1, but it is {bins}.")
    scores = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    filled = counts > 0
    sums = (np.bincount(bin_of, weights=values, minlength=bins)[filled] for values in (scores, right))
    return Reliability(*(total / counts[filled] for total in sums), counts[filled])


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """The expected calibration error (Guo et al., 2017): how far scores are from the share of right answers.

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` whole numbers.
        bins: how many bins between 0 and 1; see `reliability`.

    Returns:
        The mean distance, weighted by the images in a bin, 0-1. 0 means that of the answers given with 80 %, 80 % are
        right.
    """
    return reliability(probabilities, labels, bins).error


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes scores honest: the one with the least cross-entropy (Guo et al., 2017).

    A few dozen answers that are all right would ask for scores of 1 throughout. So the logarithm of the temperature is
    held near 0 by a normal prior of deviation 1: it counts as much as one answer more, and nothing among thousands.

    Args:
        probabilities: `(n, k)` float, 0-1, on images that were not trained on.
        labels: `(n,)` whole numbers.

    Returns:
        What to divide the logits by, 0.05 to 20; above 1 when the network is too sure of itself.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    wide = probabilities.astype(np.float64)

    def loss(log_temperature: float) -> float:
        prior = log_temperature**2 / (2 * len(labels))
        return cross_entropy(apply_temperature(wide, float(np.exp(log_temperature))), labels) + prior

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))
