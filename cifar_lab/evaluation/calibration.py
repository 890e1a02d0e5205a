"""Calibration: are about 80 % of the predictions with a score of 80 % correct? If not, temperature scaling helps."""

from dataclasses import dataclass

import numpy as np
from scipy import optimize

from cifar_lab.core.probabilities import apply_temperature
from cifar_lab.evaluation.metrics import check_probabilities, cross_entropy


@dataclass(frozen=True, eq=False)
class Reliability:
    """The data of a reliability diagram: one entry per non-empty bin, in order of increasing score.

    Attributes:
        scores: mean score of the predictions in the bin, 0-1.
        shares: accuracy of the predictions in the bin, 0-1.
        counts: number of predictions in the bin, int64.
    """

    scores: np.ndarray
    shares: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean of |accuracy - score| over the bins, weighted by their counts."""
        return float(np.average(np.abs(self.shares - self.scores), weights=self.counts))


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = 10) -> Reliability:
    """Group predictions by score into bins of equal width, and compute mean score and accuracy of each bin.

    Args:
        probabilities: `(n, k)` float, 0-1, each row summing to 1.
        labels: `(n,)` integers, 0 to k - 1.
        bins: number of bins between 0 and 1, at least 1.

    Raises:
        ValueError: the arrays do not match or are not probabilities and labels, or `bins` is below 1.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    if bins < 1:
        raise ValueError(f"bins must be at least 1, got {bins}.")
    scores = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    filled = counts > 0
    sums = (np.bincount(bin_of, weights=values, minlength=bins)[filled] for values in (scores, right))
    return Reliability(*(total / counts[filled] for total in sums), counts[filled])


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Compute the expected calibration error (Guo et al., 2017): the mean distance between score and accuracy.

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` integers.
        bins: number of bins between 0 and 1; see `reliability`.

    Returns:
        The mean distance over the bins, weighted by their counts, 0-1; 0 is perfectly calibrated.
    """
    return reliability(probabilities, labels, bins).error


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Find the temperature that calibrates the scores by minimising the cross-entropy (Guo et al., 2017).

    A few dozen predictions that are all correct would drive the scores to 1. A normal prior with standard deviation 1
    therefore keeps the logarithm of the temperature near 0; it weighs as much as one more image, so that it is
    negligible among thousands.

    Args:
        probabilities: `(n, k)` float, 0-1, for images that were not used for training.
        labels: `(n,)` integers.

    Returns:
        The divisor of the logits, 0.05 to 20; above 1 when the network is overconfident.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    wide = probabilities.astype(np.float64)

    def loss(log_temperature: float) -> float:
        prior = log_temperature**2 / (2 * len(labels))
        return cross_entropy(apply_temperature(wide, float(np.exp(log_temperature))), labels) + prior

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))
