"""Explanations, checked on small hand-made networks whose feature maps, heat maps and drops are known."""

import hashlib
import json

import numpy as np
import pytest

from cifar_lab import explain, models
from cifar_lab.core.keras_backend import keras
from cifar_lab.explain import layer_graph

layers = keras.layers
# Two classes, two maps: the red one is evidence for class 0, the green one half as strong against it.
VOTES = np.array([[2.0, -1.0], [-1.0, 3.0]], np.float32)  # (map, class)


@pytest.fixture
def image():
    """4 x 4 pixels: red increases to the right, green is in the lower left corner."""
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:, :, 0] = [10, 20, 30, 40]
    pixels[3, 0, 1] = 200
    return pixels


def pixels():
    return keras.Input((4, 4, 3), dtype="uint8")


def colour_maps(**options):
    """Return a convolution whose two maps are the red and the green channel."""
    kernel = np.zeros((1, 1, 3, 2), np.float32)
    kernel[0, 0, 0, 0] = kernel[0, 0, 1, 1] = 1
    return layers.Conv2D(2, 1, kernel_initializer=keras.initializers.Constant(kernel), name="colours", **options)


def votes(**options):
    return layers.Dense(2, kernel_initializer=keras.initializers.Constant(VOTES), bias_initializer="ones", **options)


def sequential():
    steps = [pixels(), layers.Rescaling(1.0, name="scale"), colour_maps(activation="relu")]
    return keras.Sequential([*steps, layers.GlobalAveragePooling2D(), votes(activation="softmax")])


def functional():
    """Build the same network like the fast network: activation and softmax are separate layers."""
    entry = pixels()
    x = layers.Activation("relu", name="positive")(colour_maps()(layers.Rescaling(1.0, name="scale")(entry)))
    return keras.Model(entry, layers.Softmax()(votes()(layers.GlobalAveragePooling2D()(x))))


def loaded(tmp_path):
    sequential().save(tmp_path / "network.keras")
    return keras.saving.load_model(tmp_path / "network.keras", compile=False)


def frozen():
    model = functional()
    model.trainable = False
    return model


@pytest.mark.parametrize("build", [sequential, functional, frozen, loaded])
@pytest.mark.parametrize("class_index", [0, 1])
def test_grad_cam_by_hand(image, tmp_path, build, class_index):
    model = build(tmp_path) if build is loaded else build()
    # logit = sum over k of VOTES[k, c] * mean(map k), so alpha_k is VOTES[k, c] / 16; the 16 cancels out.
    by_hand = np.maximum(image[:, :, 0] * VOTES[0, class_index] + image[:, :, 1] * VOTES[1, class_index], 0.0)
    heat = explain.grad_cam(model, image, class_index=class_index)
    assert heat.dtype == np.float32
    np.testing.assert_allclose(heat, by_hand / by_hand.max(), atol=1e-6)


def test_grad_cam_averages_the_gradient_over_the_map(image):
    flat = np.zeros((32, 2), np.float32)  # (row, column, map) flattened; only one corner of the red map has a weight
    flat[0, 0] = 1.6
    vote = layers.Dense(2, "softmax", kernel_initializer=keras.initializers.Constant(flat))
    model = keras.Sequential([pixels(), layers.Rescaling(1.0), colour_maps(), layers.Flatten(), vote])
    # alpha_red = 1.6 / 16: the heat map is the whole red map, although the logit depends on one corner only.
    np.testing.assert_allclose(explain.grad_cam(model, image, class_index=0), image[:, :, 0] / 40, atol=1e-6)


def test_grad_cam_explains_a_prediction_with_probability_one(image):
    image[:, :, 0] = 255
    model = sequential()
    assert model(image[None])[0, 0] == 1  # the softmax is saturated: its gradient is 0, that of the logit is not
    assert explain.grad_cam(model, image).max() == 1


def test_grad_cam_is_zero_without_evidence_for_the_class(image):
    image[:, :, 1] = 0
    assert explain.grad_cam(sequential(), image, class_index=1).max() == 0


def test_grad_cam_is_resized_to_the_image():
    model = models.build("tutorial", class_count=3)
    heat = explain.grad_cam(model, np.full((32, 32, 3), 90, np.uint8), layer_name="pool_2")
    assert heat.shape == (32, 32)
    assert heat.min() >= 0 and heat.max() in (0, 1)


def test_grad_cam_of_the_fast_network_uses_its_last_activation():
    model = models.build("fast", class_count=3, widths=(4, 8))
    assert layer_graph.last_maps(model) == "group_2b_activation"
    heat = explain.grad_cam(model, np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    assert heat.shape == (32, 32)
    with pytest.raises(ValueError, match=r"shape \(None, None, 3\) .* got \(32, 32, 1\)"):
        explain.grad_cam(model, np.zeros((32, 32, 1), np.uint8))


@pytest.mark.parametrize("build", [sequential, functional, loaded])
def test_feature_maps_are_the_outputs_of_the_layers(image, tmp_path, build):
    maps = explain.feature_maps(build(tmp_path) if build is loaded else build(), image)
    assert list(maps) == (["colours", "positive"] if build is functional else ["colours"])
    for found in maps.values():
        np.testing.assert_array_equal(found, image[:, :, :2])


def test_feature_maps_of_chosen_layers_keep_their_order():
    image = np.zeros((32, 32, 3), np.uint8)
    maps = explain.feature_maps(models.build("tutorial"), image, ["pool_2", "conv_1"])
    assert {name: found.shape for name, found in maps.items()} == {"pool_2": (6, 6, 64), "conv_1": (30, 30, 32)}
    assert list(maps) == ["pool_2", "conv_1"]


def test_first_filters_are_the_kernel_of_the_first_convolution():
    filters = explain.first_filters(functional())
    assert filters.shape == (1, 1, 3, 2)
    np.testing.assert_array_equal(filters[0, 0], [[1, 0], [0, 1], [0, 0]])


def test_occlusion_finds_the_only_pixel_with_influence():
    kernel = np.zeros((4, 4, 3, 2), np.float32)
    kernel[1, 2, :, 0] = 0.01
    vote = layers.Dense(2, "softmax", kernel_initializer=keras.initializers.Constant(kernel.reshape(48, 2)))
    model = keras.Sequential([pixels(), layers.Flatten(), vote])
    image = np.full((4, 4, 3), 100, np.uint8)
    drop = explain.occlusion(model, image, class_index=0, size=1, stride=1, colour=(0, 0, 0))
    expected = np.zeros((4, 4))
    expected[1, 2] = 1 / (1 + np.exp(-3)) - 0.5  # logit 3 * 100 * 0.01; once covered, both classes have 0.5
    np.testing.assert_allclose(drop, expected, atol=1e-6)
    # Patches of 2 x 2 without overlap: the whole upper right quarter gets the drop.
    wide = explain.occlusion(model, image, class_index=0, size=2, stride=2, colour=(0, 0, 0))
    np.testing.assert_allclose(wide, np.kron([[0, expected[1, 2]], [0, 0]], np.ones((2, 2))), atol=1e-6)


def test_occlusion_covers_every_pixel_for_any_size_and_stride(image):
    for size, stride in ((3, 2), (3, 3), (4, 1)):
        assert np.isfinite(explain.occlusion(sequential(), image, size=size, stride=stride)).all()


@pytest.mark.parametrize("build", [functional, loaded, lambda: models.build("fast", class_count=3, widths=(4, 8))])
def test_shuffle_weights_permutes_the_values_of_each_tensor(tmp_path, build):
    model = build(tmp_path) if build is loaded else build()
    for variable in model.variables:  # constant biases would not change when shuffled
        variable.assign(np.random.default_rng(variable.shape.rank).normal(size=variable.shape))
    before = model.get_weights()
    changed = explain.shuffle_weights(model)
    for old, new in zip(before, changed.get_weights(), strict=True):
        np.testing.assert_array_equal(np.sort(old, axis=None), np.sort(new, axis=None))
        assert old.size < 4 or not np.array_equal(old, new)
    for old, kept in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, kept)
    again, other = explain.shuffle_weights(model).get_weights(), explain.shuffle_weights(model, seed=1).get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(changed.get_weights(), again, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(again, other, strict=True))


def test_shuffle_weights_starts_at_the_output():
    model = models.build("tutorial", class_count=3)
    names = [layer.name for layer in model.layers if layer.weights]
    for count in range(5):
        copy = explain.shuffle_weights(model, count)
        kept = [np.array_equal(model.get_layer(n).get_weights()[0], copy.get_layer(n).get_weights()[0]) for n in names]
        assert kept == [True] * (4 - count) + [False] * count
    with pytest.raises(ValueError, match=r"layers must be from 0 to 4, .* got 5"):
        explain.shuffle_weights(model, 5)


def test_heat_map_overlap_is_the_share_of_common_hottest_pixels():
    heat = np.arange(16.0).reshape(4, 4)
    assert explain.heat_map_overlap(heat, heat * 2 - 3) == 1  # the same order
    assert explain.heat_map_overlap(heat, -heat) == 0
    assert explain.heat_map_overlap(heat, heat.T) == 0.25  # hottest: the last row, and the last column
    assert explain.heat_map_overlap(heat, heat.T, share=0.5) == 0.5
    unrelated = [explain.heat_map_overlap(heat, np.random.default_rng(i).random((4, 4))) for i in range(500)]
    assert np.mean(unrelated) == pytest.approx(0.25, abs=0.03)
    with pytest.raises(ValueError, match=r"got \(4, 4\), \(2, 4\) and 0.25"):
        explain.heat_map_overlap(heat, heat[:2])


def test_grad_cam_changes_when_weights_are_shuffled(image):
    same = explain.grad_cam(explain.shuffle_weights(sequential(), 0), image, class_index=0)
    np.testing.assert_array_equal(same, explain.grad_cam(sequential(), image, class_index=0))
    other = explain.grad_cam(explain.shuffle_weights(sequential(), seed=1), image, class_index=0)
    assert not np.allclose(same, other)


def test_errors_state_what_was_passed_and_what_was_expected(image):
    model = sequential()
    with pytest.raises(ValueError, match=r"shape \(4, 4, 3\) .* got \(2, 2, 3\) uint8.*to_input"):
        explain.feature_maps(model, image[:2, :2])
    with pytest.raises(ValueError, match="got list"):
        explain.occlusion(model, [1, 2])
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        explain.grad_cam(model, image, class_index=2)
    with pytest.raises(ValueError, match=r"no layer 'scale' with feature maps\. .*\['colours'\]"):
        explain.grad_cam(model, image, layer_name="scale")
    with pytest.raises(ValueError, match="size is 9"):
        explain.occlusion(model, image, size=9)
    dense = keras.Sequential([pixels(), layers.Flatten(), layers.Dense(2, "softmax")])
    for function in (explain.feature_maps, explain.grad_cam):
        with pytest.raises(ValueError, match="no convolution"):
            function(dense, image)
    with pytest.raises(ValueError, match="it is Flatten"):
        explain.grad_cam(keras.Sequential([pixels(), layers.Rescaling(1.0), colour_maps(), layers.Flatten()]), image)


@pytest.fixture
def folder(tmp_path):
    """The folder of a classifier, with network and model card."""
    sequential().save(tmp_path / "model.keras")
    content = (tmp_path / "model.keras").read_bytes()
    stated = {"model.keras": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}}
    card = {"name": "mine", "class_names": ["a", "b"], "input_size": 8, "temperature": 1.0, "known_threshold": 0.0}
    (tmp_path / "card.json").write_text(json.dumps(card | {"files": stated}))
    return tmp_path


def test_load_network_of_a_classifier(folder, image):
    np.testing.assert_allclose(models.load_network(folder)(image[None]), sequential()(image[None]))


def test_load_network_defaults_to_the_best_shipped_classifier(folder, tmp_path_factory, monkeypatch):
    models_folder = tmp_path_factory.mktemp("models")
    folder.rename(models_folder / "tutorial")
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(models_folder))
    assert models.load_network().count_params() == sequential().count_params()


def test_a_modified_network_file_is_not_opened(folder, monkeypatch):
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("it was opened"))
    content = bytearray((folder / "model.keras").read_bytes())
    content[-1] ^= 1
    (folder / "model.keras").write_bytes(content)
    with pytest.raises(ValueError, match="is not the file its card states"):
        models.load_network(folder)


def test_a_file_that_is_not_a_network_is_refused(folder):
    (folder / "model.keras").write_bytes(b"no network")
    card = json.loads((folder / "card.json").read_text())
    card["files"]["model.keras"]["sha256"] = hashlib.sha256(b"no network").hexdigest()
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ValueError, match="The network of the classifier 'mine' cannot be read by Keras"):
        models.load_network(folder)
