"""Comparison of classifiers: bootstrap, t-tests and verdicts against SciPy and calculations by hand."""

import numpy as np
import pytest
from scipy import stats

from cifar_lab import evaluation
from cifar_lab.evaluation import Difference


def right(both: int, only_a: int, only_b: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the correctness of two classifiers per image, given their 2 x 2 contingency table."""
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return a, b


def test_compare_predictions_gives_counts_and_exact_p_value():
    difference = evaluation.compare_predictions(*right(700, 90, 60, 150))
    assert (difference.accuracy_a, difference.accuracy_b) == (0.79, 0.76)
    assert difference.value == pytest.approx(0.03)
    assert (difference.count_a, difference.count_b) == (90, 60)
    assert difference.p_value == pytest.approx(stats.binomtest(60, 150).pvalue)


def test_bootstrap_interval_matches_scipy():
    a, b = right(180, 50, 20, 50)
    low, high = evaluation.bootstrap_interval(a, b)
    samples = (a.astype(float) - b,)
    theirs = stats.bootstrap(samples, np.mean, method="percentile", rng=np.random.default_rng(1))
    assert (low, high) == pytest.approx(theirs.confidence_interval, abs=1.5 / 300)  # 1.5 images


def test_bootstrap_interval_of_two_images_by_hand():
    # One image contributes 1, the other 0: the four possible resamples have the means 0, 0.5, 0.5 and 1.
    assert evaluation.bootstrap_interval(*right(1, 1, 0, 0)) == (0, 1)
    assert evaluation.bootstrap_interval(*right(1, 1, 0, 0), confidence=0.4) == (0.5, 0.5)


def test_compare_seeds_follows_welchs_formula():
    difference = evaluation.compare_seeds([0.70, 0.72, 0.74], [0.60, 0.61, 0.62, 0.61])
    parts = 0.0004 / 3, (0.0002 / 3) / 4  # variance / count of each
    error = sum(parts) ** 0.5
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    assert difference.p_value == pytest.approx(2 * stats.t.sf(0.11 / error, freedom))
    half = stats.t.ppf(0.975, freedom) * error
    assert difference.interval == pytest.approx((0.11 - half, 0.11 + half))
    assert (difference.count_a, difference.count_b, difference.better) == (3, 4, "a")


def test_compare_seeds_of_the_same_networks_uses_the_paired_test():
    difference = evaluation.compare_seeds([0.71, 0.75, 0.79], [0.70, 0.73, 0.78], same_networks=True)
    error = np.std([0.01, 0.02, 0.01], ddof=1) / 3**0.5
    assert difference.p_value == pytest.approx(2 * stats.t.sf((0.04 / 3) / error, 2))
    half = 4.302653 * error  # Student's 97.5 % quantile for two degrees of freedom, from the table
    assert difference.interval == pytest.approx((0.04 / 3 - half, 0.04 / 3 + half), abs=1e-6)


@pytest.mark.parametrize(
    ("accuracies", "interval", "p_value", "sentence"),
    [
        ((0.92, 0.899), (0.013, 0.029), 0.00042, "A is better: 2.1 points (95 % interval 1.3 to 2.9), T p = 0.00042."),
        ((0.899, 0.92), (-0.029, -0.013), 1e-9, "B is better: 2.1 points (95 % interval 1.3 to 2.9), T p < 0.0001."),
        ((0.898, 0.90), (-0.008, 0.0), 0.06, "chance: B is 0.2 points ahead (95 % interval 0.0 to 0.8), T p = 0.06."),
        ((0.9, 0.9), (-0.008, 0.008), 1.0, "chance: both are equally accurate (95 % interval -0.8 to 0.8), T p = 1."),
    ],
)
def test_verdict_sentence(accuracies, interval, p_value, sentence):
    assert Difference(*accuracies, interval, p_value, "T", 1, 1).verdict().endswith(sentence)


def test_better_needs_both_the_test_and_the_interval():
    assert Difference(0.9, 0.8, (0.01, 0.19), 0.04, "T", 1, 1).better == "a"
    assert Difference(0.9, 0.8, (0.01, 0.19), 0.05, "T", 1, 1).better == ""
    assert Difference(0.9, 0.8, (-0.01, 0.21), 0.04, "T", 1, 1).better == ""


@pytest.mark.parametrize(
    ("compare", "a", "b", "sentence"),
    [
        (evaluation.compare_seeds, [0.7], [0.6, 0.5], "two seeds per recipe .* got 1 and 2"),
        (evaluation.compare_seeds, [0.7, 0.7], [0.6, 0.6], "without variance"),
        (evaluation.compare_predictions, np.zeros(0, bool), np.zeros(0, bool), "at least one image"),
        (evaluation.compare_predictions, np.ones(3, bool), np.ones(2, bool), "same images, but there are 3 and 2"),
    ],
)
def test_what_cannot_be_compared_is_refused(compare, a, b, sentence):
    with pytest.raises(ValueError, match=sentence):
        compare(a, b)
