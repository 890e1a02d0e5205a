"""Batch-norm unfolding keeps the predictions; weight averaging and batch-norm re-estimation."""

import numpy as np
import pytest

from cifar_lab import training
from cifar_lab.core.keras_backend import keras
from cifar_lab.data import sketches
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.models import airbench, bn_unfolding
from cifar_lab.training import weight_averaging
from cifar_lab.training.start import load_unfolded

SMALL = {"recipe": "fast", "widths": (6, 8, 10), "batch_size": 20, "learning_rate": 0.5, "epochs": 3, "progress": False}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of a fast network, stored folded."""
    from tests.conftest import make_stripes

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("runs")
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder)
        yield training.train(make_stripes(), **SMALL)


def test_unfolding_keeps_the_predictions(run, stripes):
    folded = run.load_model()
    unfolded = bn_unfolding.unfold_batch_norm(folded, stripes.train.images)
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in unfolded.layers)
    expected = folded.predict_on_batch(stripes.test.images)
    assert np.ptp(expected[:, 0]) > 0.2  # constant predictions would prove nothing
    assert np.allclose(unfolded.predict_on_batch(stripes.test.images), expected, atol=1e-5)
    refolded = airbench.fold_batch_norm(unfolded, 16)
    assert np.allclose(refolded.predict_on_batch(stripes.test.images), expected, atol=1e-5)


def test_unfolding_nearly_keeps_the_predictions_with_batch_statistics(run, stripes):
    """Training uses batch statistics, so its first steps would otherwise have to repair the network."""
    folded, images = run.load_model(), stripes.train.images
    unfolded = bn_unfolding.unfold_batch_norm(folded, images)
    in_training = keras.ops.convert_to_numpy(unfolded(images, training=True))
    assert abs(in_training - folded.predict_on_batch(images)).mean() < 0.1
    norms = [layer for layer in unfolded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        activation_input = folded.get_layer(norm.name.replace("_norm", "_activation")).input
        means = keras.Model(folded.inputs, activation_input).predict_on_batch(images).mean(axis=(0, 1, 2))
        assert np.allclose(norm.beta, means, atol=1e-4)


def test_unfolded_kernels_have_the_norm_of_new_ones_and_whitening_is_frozen(run, stripes):
    keras.utils.set_random_seed(3)
    unfolded = bn_unfolding.unfold_batch_norm(run.load_model(), stripes.train.images)
    for layer in unfolded.layers:
        if layer.name.endswith("_conv"):
            filters = layer.filters
            # Uniform in +-a with a = 1 / sqrt(9 * inputs): variance a^2 / 3 for each of 9 * inputs * filters weights.
            assert np.linalg.norm(layer.get_weights()[0]) == pytest.approx(np.sqrt(filters / 3), rel=0.1)
    assert "whiten" not in " ".join(variable.path for variable in unfolded.trainable_variables)


FINE_TUNING = SMALL | {"whitening": False, "identity_start": False, "widths": (), "learning_rate": 0.05}


def test_a_run_can_start_from_a_finished_one(run, stripes):
    again = training.train(stripes, **FINE_TUNING | {"epochs": 1}, start=run.folder.name)
    assert again.record["start"]["name"] == run.folder.name
    assert again.history[0]["validation_accuracy"] >= run.record["metrics"]["validation"]["accuracy"] - 0.1
    assert [layer.name for layer in again.load_model().layers] == [layer.name for layer in run.load_model().layers]


def test_a_start_with_another_network_or_other_classes_is_refused(run, stripes):
    images, labels = sketches.draw(10, seed=1)
    few = Split(images, labels)
    ten = Dataset("ten drawings", sketches.CLASS_NAMES, few, few, few, "Made by the tests.")
    tutorial = training.train(stripes, epochs=1, progress=False)
    with pytest.raises(ValueError, match="only a fast network can be trained further as one"):
        training.train(stripes, **FINE_TUNING, start=tutorial.folder.name)
    with pytest.raises(ValueError, match=r"has 2 classes and images of 16 x 16 pixels, but .* has 10 and 32 x 32"):
        training.train(ten, **FINE_TUNING, start=run.folder.name)


def test_averaging_a_network_with_itself_keeps_the_predictions(run, stripes):
    model = load_unfolded(run.folder.name, stripes)
    weight_averaging.update_batch_norm(model, stripes.train.images)
    expected = model.predict_on_batch(stripes.test.images)
    weight_averaging.interpolate_half_way(model, run.folder.name, stripes)
    assert np.allclose(model.predict_on_batch(stripes.test.images), expected, atol=1e-4)


def test_averaging_weights_both_networks_equally_whatever_their_kernel_norms(run, stripes):
    """The kernels of one are three times as long, which its batch normalisation cancels."""
    model = load_unfolded(run.folder.name, stripes)
    conv, norm = model.get_layer("group_2a_conv"), model.get_layer("group_2a_norm")
    first = conv.get_weights()[0]
    other = np.random.default_rng(1).permuted(first, axis=3)
    conv.set_weights([3 * other])
    beta, mean, variance = norm.get_weights()
    norm.set_weights([beta, 3 * mean, 9 * variance])
    weight_averaging.interpolate_half_way(model, run.folder.name, stripes)
    assert model.get_layer("group_2a_conv").data_format == conv.data_format
    # The norms are those of random kernels, which differ by a few per cent. With weights 1 and 3 it would be 0.9.
    expected = sum(kernel / np.linalg.norm(kernel) for kernel in (first, other))
    got = conv.get_weights()[0]
    assert np.sum(got * expected) / (np.linalg.norm(got) * np.linalg.norm(expected)) > 0.998


def test_batch_norm_reestimation_uses_all_images(stripes):
    """Compare with NumPy on the input of the first batch normalisation."""
    keras.utils.set_random_seed(5)
    model = airbench.build_airbench(2, 16, widths=(6, 8, 10), data_format="channels_last")
    norm = model.get_layer("group_1a_norm")
    inputs = keras.Model(model.inputs, norm.input).predict_on_batch(stripes.train.images)
    weight_averaging.update_batch_norm(model, stripes.train.images, batch_size=50)
    assert np.allclose(norm.moving_mean, inputs.mean(axis=(0, 1, 2)), atol=1e-4)
    batch_variances = [part.var(axis=(0, 1, 2)) for part in np.split(inputs, 4)]
    assert np.allclose(norm.moving_variance, np.mean(batch_variances, axis=0), rtol=1e-3)
    assert norm.momentum == 0.6  # restored for further training
