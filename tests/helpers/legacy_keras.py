"""Files of Keras 1 and 2, written by hand with h5py as those versions wrote them; what they answer, by numpy alone."""

import json
from pathlib import Path

import h5py
import numpy as np

_START = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None},
}
_ZEROS = {"class_name": "Zeros", "config": {}}
_LEARNT = {"use_bias": True, "kernel_initializer": _START, "bias_initializer": _ZEROS} | dict.fromkeys(
    ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint", "bias_constraint")
)


def layer(kind: str, name: str, **config) -> dict:
    """A layer as Keras 2 describes it: without the `module` and `registered_name` of Keras 3."""
    return {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32"} | config}


def convolution(name: str, filters: int, *, channels: int = 3, size: int = 16, activation: str = "relu") -> dict:
    """A first layer: it says what shape comes in, in Keras 2's words."""
    return layer(
        "Conv2D",
        name,
        batch_input_shape=[None, size, size, channels],
        filters=filters,
        kernel_size=[2, 2],
        strides=[1, 1],
        padding="valid",
        data_format="channels_last",
        dilation_rate=[1, 1],
        activation=activation,
        **_LEARNT,
    )


def stripes_network(channels: int = 3, ending: str = "softmax") -> list[dict]:
    """The layers of a network that tells level from upright stripes by their edges."""
    return [
        convolution("conv2d_1", 4, channels=channels),
        layer("Dropout", "dropout_1", rate=0.5, noise_shape=None, seed=None),
        layer("GlobalAveragePooling2D", "global_average_pooling2d_1", data_format="channels_last"),
        layer("Dense", "dense_1", units=2, activation=ending, **_LEARNT),
    ]


def stripes_weights(channels: int = 3, *, scale: float = 1.0) -> dict[str, list[np.ndarray]]:
    """Edges from above and from the left, in both directions, and what they vote for; `scale` is for other pixels."""
    kernel = np.zeros((2, 2, channels, 4), np.float32)
    for number, (row, column) in enumerate([(1, 0), (0, 1)]):
        kernel[0, 0, :, 2 * number] = kernel[row, column, :, 2 * number + 1] = scale / channels
        kernel[row, column, :, 2 * number] = kernel[0, 0, :, 2 * number + 1] = -scale / channels
    votes = np.array([[7, -7], [7, -7], [-7, 7], [-7, 7]], np.float32)
    return {
        "conv2d_1": [kernel, np.full(4, 0.01, np.float32)],
        "dense_1": [votes, np.array([0.3, -0.3], np.float32)],
    }


def answers(inputs: np.ndarray, weights: dict[str, list[np.ndarray]]) -> np.ndarray:
    """What that network says of `(n, 16, 16, channels)` float inputs: logits, `(n, 2)`."""
    (kernel, bias), (votes, votes_bias) = weights["conv2d_1"], weights["dense_1"]
    patches = np.lib.stride_tricks.sliding_window_view(inputs, (2, 2), axis=(1, 2))  # (n, 15, 15, channels, 2, 2)
    maps = np.maximum(np.einsum("nhwcij,ijck->nhwk", patches, kernel) + bias, 0)
    return maps.mean(axis=(1, 2)) @ votes + votes_bias


def softmax(logits: np.ndarray) -> np.ndarray:
    """Row by row."""
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


def write_h5(path: Path, description: dict, weights: dict[str, list[np.ndarray]], *, version: str = "2.3.1") -> Path:
    """Write a whole model as `model.save("x.h5")` of Keras 2 did."""
    training = {"optimizer_config": {"class_name": "Adam", "config": {"lr": 0.001}}, "loss": "categorical_crossentropy"}
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = version.encode(), b"tensorflow"
        file.attrs["model_config"] = json.dumps(description).encode()
        file.attrs["training_config"] = json.dumps(training).encode()
        group = file.create_group("model_weights")
        names = names_of(description)
        group.attrs["layer_names"] = [name.encode() for name in names]
        group.attrs["keras_version"], group.attrs["backend"] = version.encode(), b"tensorflow"
        for name in names:
            inner, arrays = group.create_group(name), weights.get(name, [])
            entries = [f"{name}/{part}:0" for part in ("kernel", "bias", "gamma", "beta")[: len(arrays)]]
            inner.attrs["weight_names"] = [entry.encode() for entry in entries]
            for entry, array in zip(entries, arrays, strict=True):
                inner[entry] = array
    return path


def names_of(description: dict) -> list[str]:
    """The names of a network's layers."""
    config = description["config"]
    return [inner["config"]["name"] for inner in (config if isinstance(config, list) else config["layers"])]


def sequential(inner: list[dict]) -> dict:
    """A Sequential model of Keras 2.3."""
    return {"class_name": "Sequential", "config": {"name": "sequential_1", "layers": inner}}


def functional(inner: list[dict]) -> dict:
    """The same layers as a functional model, with the links between them as Keras 2 wrote them."""
    shape = inner[0]["config"].pop("batch_input_shape")
    entry = {
        "class_name": "InputLayer",
        "config": {"batch_input_shape": shape, "dtype": "float32", "sparse": False, "name": "input_1"},
    }
    chain, before = [entry | {"name": "input_1", "inbound_nodes": []}], "input_1"
    for part in inner:
        name = part["config"]["name"]
        chain.append(part | {"name": name, "inbound_nodes": [[[before, 0, 0, {}]]]})
        before = name
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[before, 0, 0]]}
    return {"class_name": "Model", "config": {"name": "model_1", "layers": chain} | ends}
