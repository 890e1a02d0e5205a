"""The network factory: shapes and parameter counts, calculated by hand."""

import numpy as np
import pytest

from cifar_lab import models


def test_parameter_count_of_tutorial_by_hand():
    model = models.build("tutorial")
    convolutions = (3 * 3 * 3 + 1) * 32 + (3 * 3 * 32 + 1) * 64
    dense = (6 * 6 * 64 + 1) * 64 + (64 + 1) * 10
    assert model.count_params() == convolutions + dense == 167_562


def test_tutorial_has_the_layers_of_the_tutorials():
    model = models.build("tutorial")
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds == ["Rescaling", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D", "Flatten", "Dense", "Dense"]
    shapes = [layer.output.shape[1:] for layer in model.layers[1:5]]
    assert shapes == [(30, 30, 32), (15, 15, 32), (13, 13, 64), (6, 6, 64)]


def test_tutorial_maps_raw_pixels_to_probabilities():
    model = models.build("tutorial", class_count=3, input_size=16)
    images = np.full((2, 16, 16, 3), 255, np.uint8)
    probabilities = np.asarray(model(images))
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    scaled = np.asarray(model.layers[0](images))
    assert scaled.max() == 1.0  # rescaling is part of the network


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("resnet", {}, "There is no network 'resnet'. Choose one of: fast, mobilenet, transfer, tutorial"),
        ("tutorial", {"class_count": 1}, "at least two classes"),
        ("tutorial", {"input_size": 8}, "input_size"),
    ],
)
def test_invalid_arguments_are_refused(name, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        models.build(name, **options)
