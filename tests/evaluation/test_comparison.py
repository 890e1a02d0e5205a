"""Comparison of classifiers: McNemar, bootstrap and Welch against SciPy and formulas by hand; the verdict."""

import itertools

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


def test_compare_answers_gives_counts_and_exact_p_value():
    difference = evaluation.compare_answers(*right(700, 90, 60, 150))
    assert (difference.accuracy_a, difference.accuracy_b) == (0.79, 0.76)
    assert difference.value == pytest.approx(0.03)
    assert (difference.count_a, difference.count_b) == (90, 60)
    assert difference.p_value == pytest.approx(stats.binomtest(60, 150).pvalue)


def test_bootstrap_interval_matches_scipy():
    a, b = right(180, 50, 20, 50)
    low, high = evaluation.bootstrap_interval(a, b)

    def gap(a, b, axis):
        return a.mean(axis=axis) - b.mean(axis=axis)

    theirs = stats.bootstrap((a, b), gap, paired=True, method="percentile", rng=np.random.default_rng(1))
    assert (low, high) == pytest.approx(theirs.confidence_interval, abs=1.5 / 300)  # 1.5 images
    # Normal approximation: the variance of a mean of values 1, -1 or 0.
    spread = np.sqrt((70 / 300 - 0.1**2) / 300)
    assert (low, high) == pytest.approx((0.1 - 1.96 * spread, 0.1 + 1.96 * spread), abs=1.5 / 300)


def test_bootstrap_interval_of_two_images_by_hand():
    # One image contributes +1, the other 0: the four possible resamples have the means 0, 0.5, 0.5 and 1.
    every = sorted((x + y) / 2 for x, y in itertools.product((1, 0), repeat=2))
    assert every == [0, 0.5, 0.5, 1]
    assert evaluation.bootstrap_interval(*right(1, 1, 0, 0)) == (0, 1)
    assert evaluation.bootstrap_interval(*right(1, 1, 0, 0), confidence=0.4) == (0.5, 0.5)


def test_bootstrap_interval_has_its_nominal_coverage():
    truth, generator, held = 0.5 * 0.3 - 0.5 * 0.1, np.random.default_rng(0), 0
    for seed in range(300):
        drawn = generator.multinomial(400, [0.3, 0.15, 0.05, 0.5])
        low, high = evaluation.bootstrap_interval(*right(*drawn), resamples=1000, seed=seed)
        held += low <= truth <= high
    assert 0.91 < held / 300 < 0.985


def test_compare_seeds_follows_welchs_formula():
    a, b = [0.70, 0.72, 0.74], [0.60, 0.61, 0.62, 0.61]
    difference = evaluation.compare_seeds(a, b)
    parts = 0.0004 / 3, (0.0002 / 3) / 4  # variance / count of each, calculated by hand
    error = sum(parts) ** 0.5
    freedom = sum(parts) ** 2 / (parts[0] ** 2 / 2 + parts[1] ** 2 / 3)
    assert difference.p_value == pytest.approx(2 * stats.t.sf(0.11 / error, freedom))
    half = stats.t.ppf(0.975, freedom) * error
    assert difference.interval == pytest.approx((0.11 - half, 0.11 + half))
    assert (difference.count_a, difference.count_b) == (3, 4)
    assert difference.verdict("wide", "narrow").startswith("wide is better: 11.0 points (95 % interval ")


def test_compare_seeds_of_the_same_networks_uses_the_paired_test():
    difference = evaluation.compare_seeds([0.71, 0.75, 0.79], [0.70, 0.73, 0.78], same_networks=True)
    error = np.std([0.01, 0.02, 0.01], ddof=1) / 3**0.5
    assert difference.p_value == pytest.approx(2 * stats.t.sf((0.04 / 3) / error, 2))
    half = 4.302653 * error  # Student's 97.5 % quantile for two degrees of freedom, from the table
    assert difference.interval == pytest.approx((0.04 / 3 - half, 0.04 / 3 + half), abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "interval", "p_value", "sentence"),
    [
        (0.92, 0.899, (0.013, 0.029), 0.00042, "A is better: 2.1 points (95 % interval 1.3 to 2.9), T p = 0.00042."),
        (0.899, 0.92, (-0.029, -0.013), 1e-9, "B is better: 2.1 points (95 % interval 1.3 to 2.9), T p < 0.0001."),
        (
            0.90,
            0.898,
            (-0.0041, 0.008),
            0.5,
            "The difference could be chance: A is 0.2 points ahead (95 % interval -0.4 to 0.8), T p = 0.5.",
        ),
        (
            0.898,
            0.90,
            (-0.008, 0.0),
            0.06,
            "The difference could be chance: B is 0.2 points ahead (95 % interval 0.0 to 0.8), T p = 0.06.",
        ),
        (
            0.9,
            0.9,
            (-0.008, 0.008),
            1.0,
            "The difference could be chance: both are equally accurate (95 % interval -0.8 to 0.8), T p = 1.",
        ),
    ],
)
def test_verdict_sentence(a, b, interval, p_value, sentence):
    assert Difference(a, b, interval, p_value, "T", 1, 1).verdict() == sentence


def test_better_needs_both_the_test_and_the_interval():
    assert Difference(0.9, 0.8, (0.01, 0.19), 0.04, "T", 1, 1).better == "a"
    assert Difference(0.9, 0.8, (0.01, 0.19), 0.05, "T", 1, 1).better == ""
    assert Difference(0.9, 0.8, (-0.01, 0.21), 0.04, "T", 1, 1).better == ""
    # Five images that only the first gets right: the bootstrap interval excludes 0, but p = 2 / 2^5 = 0.0625.
    assert evaluation.compare_answers(*right(0, 5, 0, 0)).better == ""


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([0.7], [0.6, 0.5]), "two seeds per recipe .* got 1 and 2"),
        (([0.7, 0.7], [0.6, 0.6]), "without variance"),
    ],
)
def test_compare_seeds_needs_two_seeds_with_variance(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        evaluation.compare_seeds(*arguments)


def test_empty_and_mismatched_arrays_are_refused():
    with pytest.raises(ValueError, match="at least one image"):
        evaluation.compare_answers(np.zeros(0, bool), np.zeros(0, bool))
    with pytest.raises(ValueError, match="same images, but there are 3 and 2"):
        evaluation.bootstrap_interval(np.ones(3, bool), np.ones(2, bool))
