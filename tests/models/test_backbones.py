"""Networks with ImageNet weights: the same numbers as the original in PyTorch, and a reader that executes nothing."""

import pickle

import numpy as np
import pytest

from cifar_lab import models
from cifar_lab.core.keras_backend import keras
from cifar_lab.models import backbones, efficientnet_lite, torch_weights

# Logits 0, 125, 250, ... 875 of the three images below, computed with PyTorch 2.13 and the authors' own network
# (package efficientnet_lite_pytorch 0.1.0), rounded to four digits.
REFERENCE = {
    224: [
        [-0.2711, -0.6882, -0.8590, 0.5038, -1.2279, -1.3478, -0.6352, -0.9237],
        [0.0980, -0.6298, 0.4500, -0.7898, 1.8515, -0.1807, 0.2650, -0.1737],
        [-0.2410, -0.2920, -0.0077, -0.5817, -0.6177, -0.9483, -0.4509, 0.4216],
    ],
    128: [
        [1.1489, -3.1265, -0.3890, 1.2968, 0.8613, -2.9742, -2.4605, -1.6088],
        [0.0052, -2.5191, 0.0197, -0.6308, 4.0288, 0.0394, 0.6969, -1.0765],
        [0.0151, -0.5283, -0.2469, -0.5253, -0.2603, -0.6897, -0.9069, 0.4201],
    ],
}


def made_up_images(size: int) -> np.ndarray:
    y, x, c = np.mgrid[:size, :size, :3] / size
    waves = np.sin(2 * np.pi * (3 * x + 5 * y * y + c))
    rings = np.sin(40 * np.hypot(x - 0.4, y - 0.5) + 6 * c)
    squares = np.sign(np.sin(20 * x) * np.sin(24 * y)) * (c - 0.3)
    return np.round(127.5 + 127.5 * np.clip(np.stack([waves, rings, squares]), -1, 1)).astype(np.uint8)


@pytest.mark.parametrize("size", REFERENCE)
def test_logits_are_those_of_the_original_network(size):
    network = models.load_backbone("efficientnet_lite0", input_size=size)
    logits = keras.Model(network.input, network.get_layer("logits").output).predict_on_batch(made_up_images(size))
    np.testing.assert_allclose(logits[:, ::125], REFERENCE[size], atol=3e-4)


def test_a_new_head_takes_the_features():
    backbone, head = models.split_backbone_and_head(models.load_backbone(input_size=64))
    features = backbone.predict_on_batch(made_up_images(64))
    assert features.shape == (3, 1280) and features.min() >= 0
    np.testing.assert_allclose(head.predict_on_batch(features).sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize(("size", "parameters"), [(0, 4_652_008), (1, 5_416_680), (2, 6_092_072)])
def test_sizes_have_the_published_numbers_of_parameters(size, parameters):
    model = efficientnet_lite.build_efficientnet_lite(size, input_size=32)
    assert sum(np.prod(weight.shape) for weight in model.trainable_weights) == parameters


def test_wrong_names_sizes_and_files_are_refused(monkeypatch):
    with pytest.raises(ValueError, match="efficientnet_lite0"):
        models.load_backbone("resnet")
    with pytest.raises(ValueError, match="32 x 32"):
        models.load_backbone(input_size=16)
    missing = backbones.PACKAGES["efficientnet_lite0"]._replace(name="no-such-package")
    monkeypatch.setitem(backbones.PACKAGES, "efficientnet_lite0", missing)
    with pytest.raises(ValueError, match="pip install no-such-package"):
        models.load_backbone()
    monkeypatch.undo()
    other = backbones.PACKAGES["efficientnet_lite0"]._replace(sha256="0" * 64)
    monkeypatch.setitem(backbones.PACKAGES, "efficientnet_lite0", other)
    with pytest.raises(ValueError, match="damaged"):
        models.load_backbone()


class Reduced:
    """Pickled as a call of any function, as `torch.save` pickles tensors, or as an attacker would."""

    def __init__(self, module: str, function: str, *arguments):
        self.call = module, function, arguments


def weights_file(entries: dict, *, storage: np.ndarray) -> bytes:
    """Write a file in PyTorch's old format with protocol 0, whose text can be put together by hand."""

    def text(value) -> bytes:
        if isinstance(value, Reduced):
            module, function, arguments = value.call
            return f"c{module}\n{function}\n(".encode() + b"".join(map(text, arguments)) + b"tR"
        if isinstance(value, tuple):
            return b"(" + b"".join(map(text, value)) + b"t"
        if value == "STORAGE":
            return b"(Vstorage\nctorch\nFloatStorage\nV7\nVcpu\n" + text(storage.size) + b"NtQ"
        return pickle.dumps(value, protocol=0)[:-1].split(b"\np")[0] + (b"\n" if isinstance(value, str) else b"")

    state = b"(d" + b"".join(text(name) + text(value) + b"s" for name, value in entries.items()) + b"."
    head = b"".join(pickle.dumps(value) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
    return head + state + pickle.dumps(["7"]) + np.int64(storage.size).tobytes() + storage.tobytes()


def tensor(offset: int, shape: tuple, strides: tuple) -> Reduced:
    return Reduced("torch._utils", "_rebuild_tensor_v2", "STORAGE", offset, shape, strides, False, None)


def test_tensors_are_read_as_they_lie_in_their_storage():
    storage = np.arange(12, dtype=np.float32)
    content = weights_file({"w": tensor(2, (2, 3), (1, 2)), "one": tensor(11, (), ())}, storage=storage)
    tensors = torch_weights.read_state_dict(content)
    np.testing.assert_array_equal(tensors["w"], [[2, 4, 6], [3, 5, 7]])
    assert tensors["one"] == 11


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Reduced("os", "system", "exit 1"), "os.system"),
        (Reduced("builtins", "eval", "1"), "builtins.eval"),
        (tensor(0, (4, 4), (4, 1)), "beyond its storage"),
        (tensor(-2, (2,), (1,)), "beyond its storage"),
        (tensor(8, (2,), (-1,)), "beyond its storage"),
    ],
)
def test_a_hostile_file_is_refused(entry, reason):
    with pytest.raises(ValueError, match=reason):
        torch_weights.read_state_dict(weights_file({"w": entry}, storage=np.zeros(12, np.float32)))


@pytest.mark.parametrize("length", [0, 10, 100, -4])
def test_a_file_that_is_cut_off_is_refused(length):
    content = weights_file({"w": tensor(0, (12,), (1,))}, storage=np.zeros(12, np.float32))
    with pytest.raises(ValueError, match="not a readable file of PyTorch weights"):
        torch_weights.read_state_dict(content[:length])
