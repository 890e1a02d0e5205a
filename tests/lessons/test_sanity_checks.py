"""The sanity checks: each broken model fails as expected, the healthy one passes, and no model is changed."""

from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.data import sketches
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.lessons import broken_models, sanity_checks
from cifar_lab.lessons.sanity_checks import BATCH, BLACK, RANDOM, START


@pytest.fixture(scope="module")
def drawings() -> Dataset:
    train, validation = Split(*sketches.draw(600, seed=1)), Split(*sketches.draw(300, seed=2))
    return Dataset("drawings", sketches.CLASS_NAMES, train, validation, validation, "Made by the tests.")


def run_checks(name: str, dataset: Dataset) -> sanity_checks.SanityReport:
    return sanity_checks.run_sanity_checks(*broken_models.load_broken_model(name, dataset), progress=False)


@pytest.mark.parametrize(
    ("name", "failing"),
    [("healthy", set()), ("A", {BATCH, BLACK}), ("B", {START}), ("C", {BATCH}), ("D", {BLACK})],
)
def test_each_broken_model_fails_the_expected_checks(drawings, name, failing):
    report = run_checks(name, drawings)
    assert set(report.failed) == failing, str(report)
    for finding in report.findings:
        assert f"{finding.test:<24}{'FAILED' if finding.test in failing else 'passed'}" in str(report)
        assert (finding.look_for in str(report)) == (finding.test in failing)
    measured = report.findings[1].measured
    assert measured.startswith("after 60 steps") == (BATCH in failing)  # a check that passes stops early


def test_validation_images_in_train_are_detected(drawings):
    few = drawings.subset(train=200)
    assert RANDOM in run_checks("healthy", replace(few, validation=few.train)).failed


def test_the_checks_leave_weights_and_optimiser_unchanged(stripes):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    model.train_on_batch(stripes.train.images[:32], stripes.train.labels[:32])
    before = [np.array(variable) for variable in (*model.weights, *model.optimizer.variables)]
    sanity_checks.run_sanity_checks(model, stripes, progress=False)
    after = [np.array(variable) for variable in (*model.weights, *model.optimizer.variables)]
    for was, now in zip(before, after, strict=True):
        np.testing.assert_array_equal(was, now)


def test_the_loss_of_a_double_softmax_has_a_lower_bound():
    """With scores of 1 for the right class and 0 for nine others, the loss is ln(1 + 9 / e)."""
    best = keras.ops.softmax(keras.ops.softmax(np.array([[50.0, *[0.0] * 9]])))
    assert -np.log(np.array(best)[0, 0]) == pytest.approx(np.log(1 + 9 / np.e), abs=1e-5)
    assert np.log(1 + 9 / np.e) > 0.3 * np.log(10)  # the limit of the check


def test_equal_images_get_equal_random_labels():
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    labels = sanity_checks._draw_labels(np.concatenate([images, images[::-1]]), 10, seed=0)
    np.testing.assert_array_equal(labels[:200], labels[200:][::-1])
    assert np.bincount(labels[:200], minlength=10).min() > 5


def test_a_nan_loss_fails_every_check_of_the_loss(stripes):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    assert {START, BATCH, BLACK} <= set(sanity_checks.run_sanity_checks(model, stripes, progress=False).failed)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda model, data: (keras.Sequential([keras.Input((16, 16, 3))]), data), "not compiled"),
        (lambda model, data: (model, replace(data, class_names=("a", "b", "c"))), "outputs 2 probabilities"),
        (lambda model, data: (model, replace(data, validation=data.validation.take([]))), "one of them is empty"),
    ],
)
def test_models_and_data_that_do_not_fit_are_refused(stripes, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        sanity_checks.run_sanity_checks(*change(*broken_models.load_broken_model("healthy", stripes)), progress=False)


def test_another_image_size_is_refused(stripes, drawings):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    with pytest.raises(ValueError, match=r"takes images of \(16, 16, 3\), but those of drawings are \(32, 32, 3\)"):
        sanity_checks.run_sanity_checks(model, drawings, progress=False)


def test_an_unknown_model_name_lists_the_models(stripes):
    with pytest.raises(ValueError, match=r"no broken model 'E'\. Choose one of: healthy, A, B, C, D"):
        broken_models.load_broken_model("E", stripes)
