"""Batch normalisation against NumPy's mean and variance, in training and inference, on the current backend."""

import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.models.batch_norm import BatchNorm

VALUES = np.random.default_rng(0).normal(3, 2, (8, 5, 6, 7)).astype(np.float32)


@pytest.fixture(params=[1, -1], ids=["channels first", "channels last"])
def axis(request):
    return request.param


def built(axis: int, **settings) -> BatchNorm:
    layer = BatchNorm(axis, **settings)
    layer.build(VALUES.shape)
    count = VALUES.shape[axis]
    layer.beta.assign(np.linspace(-1, 1, count))
    return layer


def along(axis: int, row: np.ndarray) -> np.ndarray:
    """Reshape one value per channel so that it broadcasts over `VALUES`."""
    return row.reshape([-1 if number == axis % 4 else 1 for number in range(4)])


def statistics(axis: int) -> tuple[np.ndarray, np.ndarray]:
    others = tuple(number for number in range(4) if number != axis % 4)
    return VALUES.mean(axis=others), VALUES.var(axis=others)


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


def test_training_normalises_by_batch_statistics(axis):
    mean, variance = statistics(axis)
    expected = (VALUES - along(axis, mean)) / np.sqrt(along(axis, variance)) + along(
        axis, np.linspace(-1, 1, len(mean))
    )
    np.testing.assert_allclose(numbers(built(axis)(VALUES, training=True)), expected, atol=1e-5)


def test_training_updates_the_moving_statistics(axis):
    layer = built(axis)
    layer(VALUES, training=True)
    mean, variance = statistics(axis)
    assert layer.momentum == 0.6
    np.testing.assert_allclose(numbers(layer.moving_mean), 0.4 * mean, rtol=1e-4)
    # PyTorch divides the variance by n - 1 instead of n; n is above 200 here.
    np.testing.assert_allclose(numbers(layer.moving_variance), 0.6 + 0.4 * variance, rtol=0.01)


def test_inference_uses_the_moving_statistics_and_keeps_them(axis):
    layer = built(axis)
    count = VALUES.shape[axis]
    mean, variance = np.linspace(1, 5, count), np.linspace(0.5, 4, count)
    layer.moving_mean.assign(mean)
    layer.moving_variance.assign(variance)
    expected = (VALUES - along(axis, mean)) / np.sqrt(along(axis, variance)) + along(axis, np.linspace(-1, 1, count))
    for training in (False, None):
        np.testing.assert_allclose(numbers(layer(VALUES, training=training)), expected, atol=1e-5)
    layer.trainable = False
    np.testing.assert_allclose(numbers(layer(VALUES, training=True)), expected, atol=1e-5)
    np.testing.assert_allclose(numbers(layer.moving_mean), mean, rtol=1e-6)


def test_bfloat16_statistics_are_computed_in_float32(axis):
    """A sum in bfloat16 would be far off: 3 + 0.01 rounds to 3."""
    layer = built(axis, dtype="mixed_bfloat16")
    output = layer(VALUES, training=True)
    assert keras.backend.standardize_dtype(output.dtype) == "bfloat16"
    assert layer.moving_mean.dtype == "float32"
    mean, _ = statistics(axis)
    np.testing.assert_allclose(numbers(layer.moving_mean), 0.4 * mean, rtol=2e-3)
