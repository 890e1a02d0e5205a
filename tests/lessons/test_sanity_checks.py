"""The model doctor: each patient fails where it should, the healthy pass, and nobody is changed by being examined."""

from dataclasses import replace

import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.data import sketches
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.lessons import broken_models, sanity_checks
from cifar_lab.lessons.sanity_checks import BATCH, BLACK, LOTS, START


@pytest.fixture(scope="module")
def drawings() -> Dataset:
    train, validation = Split(*sketches.draw(600, seed=1)), Split(*sketches.draw(300, seed=2))
    return Dataset("drawings", sketches.CLASS_NAMES, train, validation, validation, "Made by the tests.")


def examine(name: str, dataset: Dataset) -> sanity_checks.SanityReport:
    return sanity_checks.run_sanity_checks(*broken_models.load_broken_model(name, dataset), progress=False)


@pytest.mark.parametrize(
    ("name", "failing"),
    [("healthy", set()), ("A", {BATCH, BLACK}), ("B", {START}), ("C", {BATCH}), ("D", {BLACK})],
)
def test_each_patient_fails_where_it_should(drawings, name, failing):
    report = examine(name, drawings)
    assert set(report.failed) == failing, str(report)
    for finding in report.findings:
        assert f"{finding.test:<24}{'FAILED' if finding.test in failing else 'passed'}" in str(report)
        assert (finding.look_for in str(report)) == (finding.test in failing)
    by_heart = report.findings[1].measured
    assert by_heart.startswith("after 60 steps") == (BATCH in failing)  # who passes sooner need not take them all


def test_validation_images_that_are_trained_on_are_noticed(drawings):
    few = drawings.subset(train=200)
    assert LOTS in examine("healthy", replace(few, validation=few.train)).failed


def test_a_network_is_handed_back_as_it_came(stripes):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    model.train_on_batch(stripes.train.images[:32], stripes.train.labels[:32])
    before = [np.array(variable) for variable in (*model.weights, *model.optimizer.variables)]
    sanity_checks.run_sanity_checks(model, stripes, progress=False)
    after = [np.array(variable) for variable in (*model.weights, *model.optimizer.variables)]
    for was, now in zip(before, after, strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_softmax_twice_cannot_get_below_its_floor():
    """With scores of 1 for the right class and 0 for nine others, the loss is ln(1 + 9 / e)."""
    best = keras.ops.softmax(keras.ops.softmax(np.array([[50.0, *[0.0] * 9]])))
    assert -np.log(np.array(best)[0, 0]) == pytest.approx(np.log(1 + 9 / np.e), abs=1e-5)
    assert np.log(1 + 9 / np.e) > 0.3 * np.log(10)  # the doctor's limit for one batch


def test_lots_are_the_same_for_the_same_picture():
    images = np.random.default_rng(0).integers(0, 256, (200, 8, 8, 3), dtype=np.uint8)
    labels = sanity_checks._lots(np.concatenate([images, images[::-1]]), 10, seed=0)
    np.testing.assert_array_equal(labels[:200], labels[200:][::-1])
    assert np.bincount(labels[:200], minlength=10).min() > 5


def test_an_exploding_loss_passes_no_test(stripes):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    model.set_weights([np.full_like(weights, np.nan) for weights in model.get_weights()])
    assert {START, BATCH, BLACK} <= set(sanity_checks.run_sanity_checks(model, stripes, progress=False).failed)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda model, data: (keras.Sequential([keras.Input((16, 16, 3))]), data), "not compiled"),
        (lambda model, data: (model, replace(data, class_names=("a", "b", "c"))), "gives 2 probabilities"),
        (lambda model, data: (model, replace(data, validation=data.validation.take([]))), "lacks one"),
    ],
)
def test_what_cannot_be_examined_is_said(stripes, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        sanity_checks.run_sanity_checks(*change(*broken_models.load_broken_model("healthy", stripes)), progress=False)


def test_another_image_size_is_said(stripes, drawings):
    model, _ = broken_models.load_broken_model("healthy", stripes)
    with pytest.raises(ValueError, match=r"takes images of \(16, 16, 3\), but those of drawings are \(32, 32, 3\)"):
        sanity_checks.run_sanity_checks(model, drawings, progress=False)


def test_an_unknown_patient_lists_those_there_are(stripes):
    with pytest.raises(ValueError, match=r"no patient 'E'\. Choose one of: healthy, A, B, C, D"):
        broken_models.load_broken_model("E", stripes)
