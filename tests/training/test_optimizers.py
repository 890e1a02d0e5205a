"""The optimiser, schedule, look-ahead and loss: against plain NumPy, step by step."""

import numpy as np
import pytest

from cifar_lab.core.keras_backend import keras
from cifar_lab.training import optimizers


def values(variable) -> np.ndarray:
    return keras.ops.convert_to_numpy(variable)


@pytest.mark.parametrize(("name", "rate"), [("kernel", 1.0), ("beta", 64.0)])
def test_steps_as_worked_out_in_numpy(name, rate):
    start, l2, momentum, learning_rate = np.array([1.0, -2.0, 0.5]), 0.1, 0.85, 0.01
    gradients = np.random.default_rng(0).normal(size=(6, 3))
    variable = keras.Variable(start, dtype="float32", name=name)
    optimizer = optimizers.Nesterov(learning_rate, momentum, l2=l2, bias_rate=64.0)
    optimizer.build([variable])
    expected, velocity = start.copy(), np.zeros(3)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [variable])
        # As Sutskever et al. (2013) put it: momentum first, then a look to where it leads.
        pulled = gradient + l2 / rate * expected
        velocity = momentum * velocity + pulled
        expected = expected - learning_rate * rate * (pulled + momentum * velocity)
    np.testing.assert_allclose(values(variable), expected, rtol=1e-5)


def test_fast_biases_are_those_of_the_normalisations():
    """In a network that is trained by Keras itself, since each backend hands its own variables to the optimiser."""
    pixels = keras.Input((2,))
    hidden = keras.layers.BatchNormalization(scale=False)(keras.layers.Dense(3)(pixels))
    inputs, targets = np.random.default_rng(0).normal(size=(2, 8, 2)).astype(np.float32)
    moved = {}
    for rate in (1.0, 64.0):
        keras.utils.set_random_seed(0)
        model = keras.models.clone_model(keras.Model(pixels, keras.layers.Dense(2)(hidden)))
        before = {variable.path: values(variable).copy() for variable in model.trainable_variables}
        model.compile(optimizers.Nesterov(1e-3, bias_rate=rate), "mse")
        model.train_on_batch(inputs, targets)
        moved[rate] = [values(v) - before[v.path] for v in model.trainable_variables]
        names = [v.path.split("/")[-1] for v in model.trainable_variables]
    assert names.count("beta") == 1
    for name, slow, fast in zip(names, moved[1.0], moved[64.0], strict=True):
        np.testing.assert_allclose(fast, slow * (64 if name == "beta" else 1), rtol=1e-2, atol=1e-7)


def test_without_momentum_pull_and_fast_biases_it_is_plain_descent():
    variable = keras.Variable([1.0, 2.0], name="kernel")
    optimizer = optimizers.Nesterov(0.1, 0.0)
    optimizer.build([variable])
    optimizer.apply([keras.ops.convert_to_tensor([1.0, -1.0])], [variable])
    np.testing.assert_allclose(values(variable), [0.9, 2.1], rtol=1e-6)


@pytest.mark.parametrize(
    ("step", "share"), [(0, 0.2), (115, 0.6), (230, 1.0), (615, 0.535), (1000, 0.07)]
)  # 1,000 steps: halfway up is the mean of 0.2 and 1, halfway down that of 1 and 0.07
def test_schedule_at_steps_worked_out_by_hand(step, share):
    assert optimizers.triangular_schedule(step, 1000) == pytest.approx(share)


def test_look_ahead_as_worked_out_by_hand():
    pixels = keras.Input((1,))
    model = keras.Model(pixels, keras.layers.BatchNormalization()(keras.layers.Dense(1)(pixels)))
    kernel, mean = model.layers[1].kernel, model.layers[2].moving_mean
    kernel.assign([[1.0]])
    mean.assign([10.0])
    look_ahead = optimizers.Lookahead(model)
    kernel.assign([[3.0]])
    mean.assign([20.0])
    look_ahead.update(0.5)
    kept = 0.95**5 / 8
    assert values(kernel).item() == pytest.approx(kept * 1 + (1 - kept) * 3)
    assert values(mean).item() == pytest.approx(kept * 10 + (1 - kept) * 20)  # statistics are averaged too
    slow = values(kernel).item()
    kernel.assign([[5.0]])
    look_ahead.update(1.0)
    assert values(kernel).item() == pytest.approx(0.95**5 * slow + (1 - 0.95**5) * 5)


def test_at_the_start_look_ahead_takes_over_everything():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    look_ahead = optimizers.Lookahead(model)
    model.layers[0].kernel.assign([[7.0], [8.0]])
    look_ahead.update(0.0)
    np.testing.assert_array_equal(values(model.layers[0].kernel), [[7.0], [8.0]])


def test_smooth_cross_entropy_as_worked_out_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], np.float32)
    found = values(optimizers.label_smoothing_loss(0.3)(np.array([0, 1]), probabilities))
    targets = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]])
    np.testing.assert_allclose(found, -(targets * np.log(probabilities)).sum(axis=1), rtol=1e-5)
