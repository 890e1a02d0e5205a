"""Compare two classifiers or two recipes: is the difference statistically significant?

    difference = evaluation.compare_predictions(right_a, right_b)  # two networks on the same images
    difference = evaluation.compare_seeds(accuracies_a, accuracies_b)  # two recipes, several seeds each
    print(difference.verdict("mine", "yours"))

`compare_predictions` is about two trained networks: would the better one also win on other images? `compare_seeds` is
about two recipes: would the better one also win if both were trained again?
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SIGNIFICANCE = 0.05  # consistent with the 95 % intervals


@dataclass(frozen=True)
class Difference:
    """Two accuracies and the significance of their difference.

    Attributes:
        accuracy_a, accuracy_b: the two accuracies, 0-1; for seeds, their means.
        interval: 95 % interval of `accuracy_a - accuracy_b`, each end from -1 to 1.
        p_value: probability of a difference at least this large if there is none, 0-1.
        test: name of the test that gave the p-value.
        count_a, count_b: number of images that only this one classifies correctly; for seeds, its number of seeds.
    """

    accuracy_a: float
    accuracy_b: float
    interval: tuple[float, float]
    p_value: float
    test: str
    count_a: int
    count_b: int

    @property
    def value(self) -> float:
        """`accuracy_a - accuracy_b`, -1 to 1."""
        return self.accuracy_a - self.accuracy_b

    @property
    def better(self) -> str:
        """`"a"` or `"b"`, or empty if the test or the interval does not rule out that both are equal."""
        if self.p_value >= _SIGNIFICANCE or self.interval[0] <= 0 <= self.interval[1]:
            return ""
        return "a" if self.value > 0 else "b"

    def verdict(self, name_a: str = "A", name_b: str = "B") -> str:
        """Return the result as one sentence."""
        larger, sign, ends = (name_a, 1, self.interval) if self.value >= 0 else (name_b, -1, self.interval[::-1])
        # + 0 prevents "-0.0"
        points, low, high = (f"{round(100 * sign * share, 1) + 0:.1f}" for share in (self.value, *ends))
        p_value = "p < 0.0001" if self.p_value < 0.0001 else f"p = {self.p_value:.2g}"
        between = f"(95 % interval {low} to {high}), {self.test} {p_value}"
        if self.better:
            return f"{larger} is better: {points} points {between}."
        lead = f"{larger} is {points} points ahead" if self.value else "both are equally accurate"
        return f"The difference could be chance: {lead} {between}."

    def to_dict(self) -> dict:
        """Return all values as a dictionary for JSON."""
        return vars(self) | {"interval": list(self.interval), "difference": self.value, "better": self.better}


def compare_predictions(right_a: np.ndarray, right_b: np.ndarray) -> Difference:
    """Compare two classifiers on the same images with McNemar's test and a bootstrap interval.

    Args:
        right_a: `(n,)` bool: whether the first classifier is correct on each image.
        right_b: `(n,)` bool: the same for the second.

    Raises:
        ValueError: the arrays differ in length or are empty.
    """
    p_value, interval = mcnemar(right_a, right_b), bootstrap_interval(right_a, right_b)
    accuracies = float(np.mean(right_a)), float(np.mean(right_b))
    return Difference(*accuracies, interval, p_value, "McNemar", *_disagreements(right_a, right_b))


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """Run McNemar's exact test (1947): are two classifiers equally accurate?

    Only images that exactly one of the two classifies correctly carry information; under the null hypothesis each of
    them is a fair coin toss. Arguments and errors are those of `compare_predictions`.

    Returns:
        The exact two-sided p-value, 0-1.
    """
    from scipy import stats

    only_a, only_b = _disagreements(right_a, right_b)
    return float(stats.binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def _disagreements(right_a: np.ndarray, right_b: np.ndarray) -> tuple[int, int]:
    """Count the images that only the first classifier gets right, and those that only the second does."""
    if np.shape(right_a) != np.shape(right_b):
        counts = f"{len(right_a)} and {len(right_b)} predictions"
        raise ValueError(f"Both classifiers must be evaluated on the same images, but there are {counts}.")
    if len(right_a) == 0:
        raise ValueError("A comparison needs at least one image.")
    return int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))


def bootstrap_interval(
    right_a: np.ndarray, right_b: np.ndarray, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """Compute a bootstrap interval of the difference in accuracy (Efron, 1979; percentile method).

    Each resample draws n of the n images with replacement. An image contributes 1, -1 or 0 to the difference, so it is
    enough to draw the count of each kind from a multinomial distribution, which is much faster than drawing images.
    Arguments and errors are those of `compare_predictions`; `confidence` is from 0 to 1.

    Returns:
        `(low, high)` of the first accuracy minus the second, each -1 to 1.
    """
    only_a, only_b = _disagreements(right_a, right_b)
    count = len(right_a)
    shares = np.array([only_a, only_b, count - only_a - only_b]) / count
    drawn = np.random.default_rng(seed).multinomial(count, shares, size=resamples)  # (resamples, 3)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / count, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def compare_seeds(
    accuracies_a: Sequence[float], accuracies_b: Sequence[float], *, same_networks: bool = False
) -> Difference:
    """Compare two recipes by their accuracies over several seeds, with Welch's t-test (1947) and its interval.

    The test assumes that a recipe's accuracies over seeds are normally distributed, with a variance of its own for
    each recipe. It does not cover the choice of test images; for that, use `compare_predictions`.

    Args:
        accuracies_a: accuracies of the first recipe, 0-1, one per seed.
        accuracies_b: accuracies of the second.
        same_networks: entry i of both comes from the same network, evaluated in two ways; use the paired t-test
            (Student, 1908).

    Raises:
        ValueError: a recipe has fewer than two seeds, or the accuracies do not vary at all.
    """
    from scipy import stats

    a, b = np.asarray(accuracies_a, np.float64), np.asarray(accuracies_b, np.float64)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"At least two seeds per recipe are needed to test a difference, got {len(a)} and {len(b)}.")
    if (np.std(a - b) if same_networks else max(np.std(a), np.std(b))) < 1e-9:
        raise ValueError("All seeds gave exactly the same accuracy: without variance the difference cannot be tested.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # one of the two may have no variance
        test = stats.ttest_rel(a, b) if same_networks else stats.ttest_ind(a, b, equal_var=False)
    name = "paired t-test" if same_networks else "Welch's t-test"
    low, high = map(float, test.confidence_interval(0.95))
    return Difference(float(a.mean()), float(b.mean()), (low, high), float(test.pvalue), name, len(a), len(b))
