"""Unfolding: a network to train on that says what the folded one said, and statistics that are measured anew."""

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
    """A fast network that has learnt something, folded."""
    from tests.conftest import make_stripes

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("runs")
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder)
        yield training.train(make_stripes(), **SMALL)


def answers(model, images) -> np.ndarray:
    return model.predict_on_batch(images)


def test_it_says_what_the_folded_one_says(run, stripes):
    folded = run.load_model()
    unfolded = bn_unfolding.unfold_batch_norm(folded, stripes.train.images)
    assert any(isinstance(layer, keras.layers.BatchNormalization) for layer in unfolded.layers)
    expected = answers(folded, stripes.test.images)
    assert np.ptp(expected[:, 0]) > 0.2  # so that it can be told from one that says nothing
    assert np.allclose(answers(unfolded, stripes.test.images), expected, atol=1e-5)
    assert np.allclose(answers(airbench.fold_batch_norm(unfolded, 16), stripes.test.images), expected, atol=1e-5)


def test_with_a_batchs_own_statistics_it_says_nearly_the_same(run, stripes):
    """Or the first steps of training would have to repair it. What enters each activation is around the same mean."""
    folded, images = run.load_model(), stripes.train.images
    unfolded = bn_unfolding.unfold_batch_norm(folded, images)
    in_training = keras.ops.convert_to_numpy(unfolded(images, training=True))
    assert abs(in_training - answers(folded, images)).mean() < 0.1
    norms = [layer for layer in unfolded.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        entering = folded.get_layer(norm.name.replace("_norm", "_activation")).input
        means = keras.Model(folded.inputs, entering).predict_on_batch(images).mean(axis=(0, 1, 2))
        assert np.allclose(norm.beta, means, atol=1e-4)


def test_kernels_are_as_long_as_fresh_ones_and_the_first_layer_stays(run, stripes):
    keras.utils.set_random_seed(3)
    unfolded = bn_unfolding.unfold_batch_norm(run.load_model(), stripes.train.images)
    for layer in unfolded.layers:
        if layer.name.endswith("_conv"):
            filters = layer.filters
            # Uniform in +-a with a = 1 / sqrt(9 * inputs): each of the 9 * inputs * filters weights has a^2 / 3.
            assert np.linalg.norm(layer.get_weights()[0]) == pytest.approx(np.sqrt(filters / 3), rel=0.1)
    assert "whiten" not in " ".join(variable.path for variable in unfolded.trainable_variables)


FROM_THERE = SMALL | {"whitening": False, "identity_start": False, "widths": (), "learning_rate": 0.05}


def test_a_run_may_go_on_from_it(run, stripes):
    again = training.train(stripes, **FROM_THERE | {"epochs": 1}, start=run.folder.name)
    assert again.record["start"]["name"] == run.folder.name
    assert again.history[0]["validation_accuracy"] >= run.record["metrics"]["validation"]["accuracy"] - 0.1
    assert [layer.name for layer in again.load_model().layers] == [layer.name for layer in run.load_model().layers]


def test_another_network_or_other_classes_are_refused(run, stripes):
    images, labels = sketches.draw(10, seed=1)
    few = Split(images, labels)
    ten = Dataset("ten drawings", sketches.CLASS_NAMES, few, few, few, "Made by the tests.")
    tutorial = training.train(stripes, epochs=1, progress=False)
    with pytest.raises(ValueError, match="Only a fast network can go on learning as one"):
        training.train(stripes, **FROM_THERE, start=tutorial.folder.name)
    with pytest.raises(ValueError, match=r"knows 2 classes of 16 x 16 pixels, and .* has 10 of 32 x 32"):
        training.train(ten, **FROM_THERE, start=run.folder.name)


def test_half_way_from_a_network_to_itself_nothing_changes_but_statistics(run, stripes):
    model = load_unfolded(run.folder.name, stripes)
    weight_averaging.update_batch_norm(model, stripes.train.images)
    expected = answers(model, stripes.test.images)
    weight_averaging.interpolate_half_way(model, run.folder.name, stripes)
    assert np.allclose(answers(model, stripes.test.images), expected, atol=1e-4)


def test_half_way_between_two_networks_each_counts_as_much(run, stripes):
    """Also where the kernels of one are three times as long, which its normalisations take out again."""
    model = load_unfolded(run.folder.name, stripes)
    conv, norm = model.get_layer("group_2a_conv"), model.get_layer("group_2a_norm")
    first = conv.get_weights()[0]
    other = np.random.default_rng(1).permuted(first, axis=3)
    conv.set_weights([3 * other])
    beta, mean, variance = norm.get_weights()
    norm.set_weights([beta, 3 * mean, 9 * variance])
    weight_averaging.interpolate_half_way(model, run.folder.name, stripes)
    assert model.get_layer("group_2a_conv").data_format == conv.data_format
    # Made as long as random kernels, whose lengths differ by some per cent. With weights of 1 and 3 it would be 0.9.
    expected = sum(kernel / np.linalg.norm(kernel) for kernel in (first, other))
    got = conv.get_weights()[0]
    assert np.sum(got * expected) / (np.linalg.norm(got) * np.linalg.norm(expected)) > 0.998


def test_settling_measures_the_mean_and_variance_of_all_images(stripes):
    """Against NumPy, on what enters the first normalisation."""
    keras.utils.set_random_seed(5)
    model = airbench.build_airbench(2, 16, widths=(6, 8, 10), data_format="channels_last")
    norm = model.get_layer("group_1a_norm")
    entering = keras.Model(model.inputs, norm.input).predict_on_batch(stripes.train.images)
    weight_averaging.update_batch_norm(model, stripes.train.images, batch_size=50)
    assert np.allclose(norm.moving_mean, entering.mean(axis=(0, 1, 2)), atol=1e-4)
    within = [part.var(axis=(0, 1, 2)) for part in np.split(entering, 4)]  # each batch has its own
    assert np.allclose(norm.moving_variance, np.mean(within, axis=0), rtol=1e-3)
    assert norm.momentum == 0.6  # as before, for whoever trains on
