"""Comparing two classifiers, or two recipes: is the difference more than chance?

    difference = evaluation.compare_answers(right_a, right_b)  # two networks on the same images
    difference = evaluation.compare_seeds(accuracies_a, accuracies_b)  # two recipes, several seeds each
    print(difference.verdict("mine", "yours"))

The two questions are not the same. The first is about these two networks: would the better one also win on other
images of the kind? The second is about how they were made: would it also win if both were trained again?
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

_CHANCE = 0.05  # p-values from here on are called chance, as 95 % intervals have it


@dataclass(frozen=True)
class Difference:
    """Two accuracies, and whether their difference is more than chance.

    Attributes:
        accuracy_a: of the first, 0-1; over seeds, their mean.
        accuracy_b: of the second.
        interval: the 95 % interval of the first minus the second, each end -1 to 1.
        p_value: how likely a difference as large as this is if there is none, 0-1.
        test: whose test the p-value is of, in words.
        count_a: the images on which only the first is right; over seeds, how many seeds it has.
        count_b: likewise of the second.
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
        """The first accuracy minus the second, -1 to 1."""
        return self.accuracy_a - self.accuracy_b

    @property
    def better(self) -> str:
        """`"a"` or `"b"`; empty when it could be chance: then the test or the interval does not rule out "equal"."""
        if self.p_value >= _CHANCE or self.interval[0] <= 0 <= self.interval[1]:
            return ""
        return "a" if self.value > 0 else "b"

    def verdict(self, name_a: str = "A", name_b: str = "B") -> str:
        """The result as one sentence."""
        larger, points, low, high = name_a, self.value, *self.interval
        if self.value < 0:
            larger, points, low, high = name_b, -points, -high, -low
        between = f"(95 % interval {_points(low)} to {_points(high)}), {self.test} {_p(self.p_value)}"
        if self.better:
            return f"{larger} is better: {_points(points)} points {between}."
        lead = f"{larger} is {_points(points)} points ahead" if points else "both are equally accurate"
        return f"The difference could be chance: {lead} {between}."

    def to_dict(self) -> dict:
        """All of it as plain values, for JSON."""
        return vars(self) | {"interval": list(self.interval), "difference": self.value, "better": self.better}


def _points(share: float) -> str:
    return f"{round(100 * share, 1) + 0:.1f}"  # + 0: no "-0.0"


def _p(p_value: float) -> str:
    return "p < 0.0001" if p_value < 0.0001 else f"p = {p_value:.2g}"


def compare_answers(right_a: np.ndarray, right_b: np.ndarray) -> Difference:
    """Compare two classifiers on the same images: McNemar's test, and a bootstrap interval.

    Args:
        right_a: `(n,)` bool: where the first classifier is right.
        right_b: `(n,)` bool: where the second is, on the same images.

    Raises:
        ValueError: the two are not about the same number of images, or there are none.
    """
    p_value, interval = mcnemar(right_a, right_b), bootstrap_interval(right_a, right_b)
    accuracies = float(np.mean(right_a)), float(np.mean(right_b))
    return Difference(*accuracies, interval, p_value, "McNemar", *disagreements(right_a, right_b))


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """How likely a difference as large as this is between two classifiers that are equally good (McNemar, 1947).

    Only images on which just one of the two is right say anything; each is a coin toss if both are equally good.

    Args:
        right_a: `(n,)` bool: where the first classifier is right.
        right_b: `(n,)` bool: where the second is, on the same images.

    Returns:
        The exact two-sided p-value, 0-1.

    Raises:
        ValueError: the two are not about the same number of images.
    """
    only_a, only_b = disagreements(right_a, right_b)
    return 1.0 if only_a + only_b == 0 else float(stats.binomtest(only_a, only_a + only_b).pvalue)


def disagreements(right_a: np.ndarray, right_b: np.ndarray) -> tuple[int, int]:
    """On how many images only the first classifier is right, and on how many only the second; arguments as above.

    Raises:
        ValueError: they are not of equally many images.
    """
    if np.shape(right_a) != np.shape(right_b):
        raise ValueError(f"Both need the same images, but there are {len(right_a)} and {len(right_b)} answers.")
    return int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))


def bootstrap_interval(
    right_a: np.ndarray, right_b: np.ndarray, *, confidence: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> tuple[float, float]:
    """The interval of the difference in accuracy, by drawing the images anew (Efron, 1979; the percentile method).

    Both classifiers keep their answers, and each draw takes n of the n images, some twice, some not at all. An image
    adds 1, -1 or 0 to the difference, so that it is enough to draw how many of each kind come up.

    Args:
        right_a: `(n,)` bool: where the first classifier is right.
        right_b: `(n,)` bool: where the second is, on the same images.
        confidence: the share of the draws that the interval holds, 0-1.
        resamples: how many draws.
        seed: fixes the draws.

    Returns:
        `(low, high)` of the first accuracy minus the second, each -1 to 1.

    Raises:
        ValueError: the two are not about the same number of images, or there are none.
    """
    only_a, only_b = disagreements(right_a, right_b)
    count = len(right_a)
    if count == 0:
        raise ValueError("A comparison needs at least one image.")
    kinds = np.array([only_a, only_b, count - only_a - only_b]) / count
    drawn = np.random.default_rng(seed).multinomial(count, kinds, size=resamples)  # (resamples, 3)
    differences = (drawn[:, 0] - drawn[:, 1]) / count
    low, high = np.quantile(differences, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def compare_seeds(
    accuracies_a: Sequence[float], accuracies_b: Sequence[float], *, same_networks: bool = False
) -> Difference:
    """Compare two recipes by their accuracies over several seeds: Welch's t-test (Welch, 1947) and its interval.

    It takes the accuracies of a recipe over seeds for draws from a bell curve, and lets the two curves be of different
    width. What it can't know is how other test images would have come out: for that, `compare_answers`.

    Args:
        accuracies_a: of the first recipe, 0-1, one a seed.
        accuracies_b: of the second.
        same_networks: entry i of both is about the same network, looked at in two ways: then the differences within the
            pairs are what is tested (Student, 1908).

    Raises:
        ValueError: one of the two has fewer than two seeds, or all seeds agree exactly: then there is no spread to
            measure a difference by.
    """
    a, b = np.asarray(accuracies_a, np.float64), np.asarray(accuracies_b, np.float64)
    if min(len(a), len(b)) < 2:
        raise ValueError(f"At least two seeds of each are needed to see their spread, not {len(a)} and {len(b)}.")
    spread = np.std(a - b) if same_networks else max(np.std(a), np.std(b))
    if spread < 1e-9:
        raise ValueError("All seeds came out exactly alike: there is no spread to measure the difference by.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the seeds of one of the two may well agree
        test = stats.ttest_rel(a, b) if same_networks else stats.ttest_ind(a, b, equal_var=False)
    interval = test.confidence_interval(0.95)
    name = "paired t-test" if same_networks else "Welch's t-test"
    ends = float(interval.low), float(interval.high)
    return Difference(float(a.mean()), float(b.mean()), ends, float(test.pvalue), name, len(a), len(b))
