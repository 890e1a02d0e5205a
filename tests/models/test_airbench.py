"""The fast network: its size by hand, and a test of each trick."""

import subprocess
import sys

import numpy as np
import pytest

from cifar_lab import models
from cifar_lab.core.keras_backend import keras
from cifar_lab.data import sketches
from cifar_lab.models import airbench

WIDTHS = (16, 24, 32)


@pytest.fixture(scope="module")
def drawings():
    return sketches.draw(60, seed=3)[0]


@pytest.fixture(scope="module")
def trained(drawings):
    """A network with random batch-norm statistics and a random head, so that its predictions differ."""
    keras.utils.set_random_seed(4)
    model = airbench.build_airbench(widths=WIDTHS, identity_start=True)
    airbench.whiten(model, drawings)
    generator = np.random.default_rng(4)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.beta.assign(generator.normal(0, 0.5, shape))
            layer.moving_mean.assign(generator.normal(0, 0.5, shape))
            layer.moving_variance.assign(generator.uniform(0.2, 2, shape))
    head = model.get_layer("logits").kernel
    head.assign(generator.normal(0, 3, head.shape))
    return model


def values(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable)


def test_parameter_count_by_hand():
    w1, w2, w3 = 64, 256, 256
    first = 2 * 2 * 3 * 24 + 24
    convolutions = 9 * (24 * w1 + w1 * w1 + w1 * w2 + w2 * w2 + w2 * w3 + w3 * w3)
    normalisations = 3 * 2 * (w1 + w2 + w3)  # beta, mean and variance, two layers per group
    model = models.build("fast", widths=(w1, w2, w3))
    assert model.count_params() == first + convolutions + normalisations + w3 * 10 == 1_973_944
    if keras.config.backend() == "tensorflow":
        at_32 = airbench.fold_batch_norm(model)
        sizes = [at_32.get_layer(name).output.shape[1:] for name in ("whiten", "group_1b_conv", "group_3b_conv")]
        assert sizes == [(31, 31, 24), (15, 15, 64), (3, 3, 256)]


def test_images_too_small_for_the_groups_are_refused():
    with pytest.raises(ValueError, match="4 groups need an input_size of at least 17"):
        models.build("fast", widths=(4, 4, 4, 4), input_size=16)


def test_whitened_patches_are_uncorrelated_with_equal_variance(drawings):
    filters = airbench.whitening_filters(drawings)
    assert filters.shape == (2, 2, 3, 24) and filters.dtype == np.float32
    np.testing.assert_array_equal(filters[..., 12:], -filters[..., :12])
    normalized = (drawings / 255 - airbench.MEAN) / airbench.DEVIATION
    # The convolution as four shifted products, independent of the sliding windows in the code under test.
    outputs = sum(
        normalized[:, row : row + 31, column : column + 31] @ filters[row, column, :, :12]
        for row in (0, 1)
        for column in (0, 1)
    ).reshape(-1, 12)
    covariance = outputs.T @ outputs / len(outputs)
    strong = np.diag(covariance) > 0.9  # directions with little variance are damped on purpose
    assert strong.sum() >= 6
    np.testing.assert_allclose(covariance[np.ix_(strong, strong)], np.eye(strong.sum()), atol=0.1)
    off_diagonal = covariance - np.diag(np.diag(covariance))
    np.testing.assert_allclose(off_diagonal, 0, atol=1e-3)


def test_whiten_sets_and_freezes_the_kernel(drawings):
    model = airbench.build_airbench(widths=WIDTHS)
    airbench.whiten(model, drawings)
    layer = model.get_layer("whiten")
    np.testing.assert_array_equal(values(layer.kernel), airbench.whitening_filters(drawings))
    names = [variable.path for variable in model.trainable_variables]
    assert "whiten/bias" in names and "whiten/kernel" not in names


def test_whiten_refuses_a_network_without_whitening_layer(drawings):
    with pytest.raises(ValueError, match="the network 'tutorial' has no whitening layer"):
        airbench.whiten(models.build("tutorial"), drawings)


def test_freeze_whitening_stops_training_of_the_first_layer(drawings):
    model = airbench.build_airbench(widths=WIDTHS)
    airbench.whiten(model, drawings)
    model.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.arange(len(drawings)) % 10
    model.train_on_batch(drawings, labels)  # builds the train function
    model.get_layer("whiten").bias.assign(np.full(24, 0.5))
    airbench.freeze_whitening(model)
    above = values(model.get_layer("group_1a_conv").kernel)
    model.train_on_batch(drawings, labels)
    np.testing.assert_array_equal(values(model.get_layer("whiten").bias), np.full(24, 0.5, np.float32))
    assert not np.array_equal(values(model.get_layer("group_1a_conv").kernel), above)


def test_dirac_initialisation_passes_the_input_on():
    model = airbench.build_airbench(widths=WIDTHS, identity_start=True)
    layer = model.get_layer("group_2a_conv")  # 16 channels in, 24 out
    generator = np.random.default_rng(0)
    shape = (2, 16, 5, 5) if layer.data_format == "channels_first" else (2, 5, 5, 16)
    channel = 1 if layer.data_format == "channels_first" else -1
    inputs = generator.normal(size=shape).astype(np.float32)
    passed = np.take(values(layer(inputs)), range(16), axis=channel)
    np.testing.assert_allclose(passed, inputs, atol=1e-6)
    without = airbench.build_airbench(widths=WIDTHS, identity_start=False).get_layer("group_2a_conv")
    assert not np.allclose(np.take(values(without(inputs)), range(16), axis=channel), inputs, atol=0.1)


def test_folding_keeps_every_prediction(trained, drawings):
    folded = airbench.fold_batch_norm(trained)
    before, after = (model.predict(drawings, verbose=0) for model in (trained, folded))
    assert before.max() > 0.5, "the comparison needs predictions that differ"
    assert len(set(before.argmax(axis=1))) > 1
    np.testing.assert_allclose(after, before, atol=2e-5)
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in folded.layers)


def test_a_folded_network_loads_without_this_library(trained, drawings, tmp_path):
    folded = airbench.fold_batch_norm(trained)
    folded.save(tmp_path / "model.keras")
    np.save(tmp_path / "drawings.npy", drawings[:4])
    program = (
        "import sys, numpy, keras\n"
        "model = keras.saving.load_model(sys.argv[1] + '/model.keras', compile=False, safe_mode=True)\n"
        "assert not any(name.startswith('cifar_lab') for name in sys.modules)\n"
        "numpy.save(sys.argv[1] + '/result.npy', model.predict(numpy.load(sys.argv[1] + '/drawings.npy'), verbose=0))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, capture_output=True, timeout=300)
    np.testing.assert_allclose(np.load(tmp_path / "result.npy"), folded.predict(drawings[:4], verbose=0), atol=1e-6)


def test_bfloat16_keeps_float32_weights_and_nearly_the_same_predictions(trained, drawings):
    mixed = airbench.build_airbench(widths=WIDTHS, precision="bfloat16")
    mixed.set_weights(trained.get_weights())
    assert {variable.dtype for variable in mixed.trainable_variables} == {"float32"}
    exact, rounded = (model.predict(drawings, verbose=0) for model in (trained, mixed))
    assert rounded.dtype == np.float32 and rounded.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert 0 < abs(rounded - exact).mean() < 0.02  # 0 would mean that nothing was computed in bfloat16
    np.testing.assert_allclose(airbench.fold_batch_norm(mixed).predict(drawings, verbose=0), exact, atol=2e-5)


def test_both_data_formats_give_the_same_predictions(trained, drawings):
    if keras.config.backend() == "tensorflow":
        pytest.skip("TensorFlow computes channels-first convolutions on a GPU only")
    other = airbench.build_airbench(widths=WIDTHS, data_format="channels_last")
    other.set_weights(trained.get_weights())
    np.testing.assert_allclose(other.predict(drawings, verbose=0), trained.predict(drawings, verbose=0), atol=2e-5)
