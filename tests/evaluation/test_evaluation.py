"""Metrics, checked against scikit-learn, SciPy, published tables and calculations by hand."""

import numpy as np
import pytest
from sklearn import calibration, metrics

from cifar_lab import evaluation
from cifar_lab.core.probabilities import apply_temperature


@pytest.fixture(scope="module")
def predictions():
    """Probabilities and labels of a mediocre classifier: 400 images, 5 classes, one of them never predicted."""
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 5, 400)
    logits = generator.normal(size=(400, 5)) + 1.5 * np.eye(5)[labels]
    logits[:, 4] = -9
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True), labels


NAMES = ("a", "b", "c", "d", "never predicted")


def test_metrics_match_scikit_learn(predictions):
    probabilities, labels = predictions
    result = evaluation.evaluate(probabilities, labels, NAMES)
    predicted = probabilities.argmax(axis=1)
    report = metrics.classification_report(labels, predicted, target_names=NAMES, output_dict=True, zero_division=0)
    assert result.accuracy == pytest.approx(report["accuracy"])
    assert result.macro_f1 == pytest.approx(report["macro avg"]["f1-score"])
    for row in result.classes:
        assert row.precision == pytest.approx(report[row.name]["precision"])
        assert row.recall == pytest.approx(report[row.name]["recall"])
        assert row.f1 == pytest.approx(report[row.name]["f1-score"])
        assert row.count == report[row.name]["support"]
    assert result.loss == pytest.approx(metrics.log_loss(labels, probabilities))


def test_confusion_matrix_has_true_classes_in_rows():
    probabilities = np.array([[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]])  # always the second class
    result = evaluation.evaluate(probabilities, np.array([0, 0, 1]), ("a", "b"))
    assert result.confusion.tolist() == [[0, 2], [0, 1]]
    assert result.accuracy == pytest.approx(1 / 3)


def test_wilson_interval_matches_published_values():
    # Newcombe (1998), table I, method 3: 81 of 263 gives 0.2553 to 0.3662, 0 of 20 gives 0 to 0.1611.
    assert evaluation.wilson_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert evaluation.wilson_interval(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


def test_calibration_error_matches_scikit_learn():
    generator = np.random.default_rng(0)
    scores = generator.uniform(0.5, 1, 5000)
    right = generator.uniform(size=5000) < scores**2  # overconfident
    probabilities = np.stack([scores, 1 - scores], axis=1)
    labels = np.where(right, 0, 1)
    share, mean = calibration.calibration_curve(right, scores, n_bins=15)
    counts = np.histogram(scores, bins=15, range=(0, 1))[0]
    expected = np.sum(np.abs(share - mean) * counts[counts > 0]) / 5000
    assert evaluation.calibration_error(probabilities, labels) == pytest.approx(expected)


def test_calibration_error_by_hand():
    # Ten predictions with score 0.9, six of them correct: 0.9 - 0.6.
    probabilities = np.tile([0.9, 0.1], (10, 1))
    assert evaluation.calibration_error(probabilities, np.array([0] * 6 + [1] * 4)) == pytest.approx(0.3)


def test_fit_temperature_recovers_a_known_temperature():
    generator = np.random.default_rng(1)
    logits = generator.normal(scale=2, size=(20_000, 10))
    exponentials = np.exp(logits)
    calibrated = exponentials / exponentials.sum(axis=1, keepdims=True)
    labels = np.array([generator.choice(10, p=row) for row in calibrated])
    assert evaluation.fit_temperature(apply_temperature(calibrated, 1 / 2.5), labels) == pytest.approx(2.5, rel=0.05)


def test_fit_temperature_does_not_overfit_a_few_correct_predictions():
    probabilities = np.tile([[0.95, 0.05], [0.1, 0.9]], (20, 1))
    temperature = evaluation.fit_temperature(probabilities, np.tile([0, 1], 20))
    assert 0.3 < temperature < 1
    assert apply_temperature(probabilities, temperature).max() < 0.9999


def test_known_threshold_accepts_exactly_the_requested_share():
    scores = np.random.default_rng(2).uniform(size=1000)
    threshold = evaluation.known_threshold(scores, keep=0.95)
    assert np.mean(scores >= threshold) == pytest.approx(0.95)
    assert evaluation.known_threshold(np.array([0.4]), keep=0.0) == 0.4


def test_mcnemar_by_hand():
    # Only the first is correct once, only the second 9 times: 2 * (C(10,0) + C(10,1)) / 2^10.
    right_a = np.array([True] + [False] * 9 + [True] * 5)
    right_b = np.array([False] + [True] * 9 + [True] * 5)
    assert evaluation.mcnemar(right_a, right_b) == pytest.approx(2 * 11 / 1024)
    assert evaluation.mcnemar(right_a, right_a) == 1.0


def test_table_lists_every_class_and_the_interval(predictions):
    table = evaluation.evaluate(*predictions, NAMES).table()
    assert all(name in table for name in NAMES)
    assert "95 % interval" in table
    assert len({len(line) for line in table.splitlines()[:6]}) == 1  # aligned columns


def test_to_dict_is_json_serialisable(predictions):
    import json

    result = evaluation.evaluate(*predictions, NAMES)
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["confusion"] == result.confusion.tolist()


@pytest.mark.parametrize(
    ("probabilities", "labels", "sentence"),
    [
        (np.ones((3, 2)), np.array([0, 1, 1]), "sum to 1"),
        (np.array([[1.5, -0.5]]), np.array([0]), "sum to 1"),
        (np.full((3, 2), np.nan), np.array([0, 1, 1]), "sum to 1"),
        (np.full((3, 2), 0.5), np.array([0, 1]), r"labels \(n,\)"),
        (np.full((3, 2), 0.5), np.array([0, 1, 2]), "from 0 to 1"),
        (np.full((3, 2), 0.5), np.array([0, 1, 0.5]), "integers"),
        (np.empty((0, 2)), np.empty(0, int), "n above 0"),
        (np.full((2, 4), 0.25), np.array([0, 1]), "2 class names"),
    ],
)
def test_invalid_probabilities_and_labels_are_refused(probabilities, labels, sentence):
    with pytest.raises(ValueError, match=sentence):
        evaluation.evaluate(probabilities, labels, ("a", "b"))


def test_invalid_counts_are_refused():
    with pytest.raises(ValueError, match="5 of 4"):
        evaluation.wilson_interval(5, 4)
    with pytest.raises(ValueError, match="same images"):
        evaluation.mcnemar(np.array([True]), np.array([True, False]))
    with pytest.raises(ValueError, match="at least one score"):
        evaluation.known_threshold(np.array([]))


def test_known_auroc_is_the_share_of_correctly_ordered_pairs():
    known, others = np.array([0.9, 0.8, 0.4, 0.4]), np.array([0.7, 0.4, 0.1])
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in known for b in others]
    assert evaluation.known_auroc(known, others) == pytest.approx(np.mean(pairs))
    with pytest.raises(ValueError, match="4 known and 0 others"):
        evaluation.known_auroc(known, np.array([]))


def test_views_are_averaged_in_logit_space():
    """Use a fake network that depends on one pixel, whose position in each view is known."""
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)

    def predict(view):
        logits = view[:, 2, 3, :].astype(np.float64) / 50
        return np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)

    # Column 3 of the mirror image is column 4 of the image; a shift down-right shows the pixel one up and left.
    weight_of = {
        "one": {(2, 3): 1},
        "mirror": {(2, 3): 0.5, (2, 4): 0.5},
        "six": {(2, 3): 0.25, (2, 4): 0.25, (1, 2): 0.125, (1, 3): 0.125, (3, 4): 0.125, (3, 5): 0.125},
    }
    for views, weights in weight_of.items():
        logits = sum(weight * images[:, row, column, :] / 50 for (row, column), weight in weights.items())
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(evaluation.predict_with_views(predict, images, views), expected, rtol=1e-6)
    with pytest.raises(ValueError, match="views must be one of one, mirror, six"):
        evaluation.predict_with_views(predict, images, "seven")


def test_reliability_matches_scikit_learn(predictions):
    probabilities, labels = predictions
    found = evaluation.reliability(probabilities, labels, bins=8)
    scores, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    shares, means = calibration.calibration_curve(right, scores, n_bins=8)
    np.testing.assert_allclose(found.shares, shares)
    np.testing.assert_allclose(found.scores, means)
    assert found.counts.sum() == len(labels)
    assert found.error == pytest.approx(evaluation.calibration_error(probabilities, labels, bins=8))
    with pytest.raises(ValueError, match="bins must be at least 1, got 0"):
        evaluation.reliability(probabilities, labels, bins=0)


def test_temperature_scaling_reduces_the_error_and_keeps_every_prediction():
    generator = np.random.default_rng(4)
    calibrated = generator.dirichlet(np.full(5, 0.4), 4000)
    labels = np.array([generator.choice(5, p=row) for row in calibrated])
    overconfident = apply_temperature(calibrated, 0.4)
    scaled = apply_temperature(overconfident, evaluation.fit_temperature(overconfident, labels))
    assert evaluation.reliability(scaled, labels).error < evaluation.reliability(overconfident, labels).error / 3
    np.testing.assert_array_equal(scaled.argmax(axis=1), overconfident.argmax(axis=1))


def test_worst_mistakes_are_the_most_confident_wrong_predictions(predictions):
    probabilities, labels = predictions
    pairs = [(-max(row), i) for i, row in enumerate(probabilities.tolist()) if row.index(max(row)) != labels[i]]
    assert evaluation.worst_mistakes(probabilities, labels, 7).tolist() == [i for _, i in sorted(pairs)[:7]]
    assert len(evaluation.worst_mistakes(probabilities, labels, 1000)) == len(pairs)  # there are no more
    assert len(evaluation.worst_mistakes(np.eye(2), np.array([0, 1]))) == 0


def test_most_confused_lists_pairs_by_frequency():
    labels = np.array([0] * 9 + [1] * 3 + [2])
    predicted = np.array([0] * 5 + [1] * 3 + [2] + [0] * 2 + [1] + [2])
    result = evaluation.evaluate(np.eye(3)[predicted], labels, ("cat", "dog", "frog"))
    assert result.most_confused(2) == [("cat", "dog", 3), ("dog", "cat", 2)]
    assert result.most_confused(9) == [("cat", "dog", 3), ("dog", "cat", 2), ("cat", "frog", 1)]


def test_known_curve_gives_both_rates_at_every_threshold():
    known, others = np.array([0.9, 0.8, 0.4, 0.4]), np.array([0.7, 0.4, 0.1])
    thresholds, accepted, fooled = evaluation.known_curve(known, others)
    assert (accepted[0], fooled[0]) == (0, 0) and (accepted[-1], fooled[-1]) == (1, 1)
    for threshold, kept, let_through in zip(thresholds, accepted, fooled, strict=True):
        assert kept == pytest.approx(sum(score >= threshold for score in known) / 4)
        assert let_through == pytest.approx(sum(score >= threshold for score in others) / 3)
    area = np.sum(np.diff(fooled) * (accepted[1:] + accepted[:-1]) / 2)
    assert area == pytest.approx(evaluation.known_auroc(known, others))
    with pytest.raises(ValueError, match="0 known and 3 others"):
        evaluation.known_curve(known[:0], others)


def test_mcnemar_matches_scipy_and_complete_enumeration():
    from itertools import product

    from scipy import stats

    generator = np.random.default_rng(5)
    right_a, right_b = generator.random((2, 300)) < np.array([[0.8], [0.7]])
    only_a, only_b = np.sum(right_a > right_b), np.sum(right_b > right_a)
    both_tails = 2 * min(
        stats.binom.cdf(only_a, only_a + only_b, 0.5), stats.binom.sf(only_a - 1, only_a + only_b, 0.5)
    )
    assert evaluation.mcnemar(right_a, right_b) == pytest.approx(both_tails)
    # Seven disagreements, 5 to 2: the share of the 2^7 outcomes of seven coin tosses that are at least as uneven.
    as_far = np.mean([abs(sum(coins) - 3.5) >= 1.5 for coins in product((0, 1), repeat=7)])
    assert evaluation.mcnemar(np.array([1] * 5 + [0] * 2) > 0, np.array([0] * 5 + [1] * 2) > 0) == pytest.approx(as_far)
