"""EfficientNet-Lite, a network for photographs that runs on a phone, as stock Keras layers.

EfficientNet (Tan and Le, 2019, https://arxiv.org/abs/1905.11946) without what small processors compute slowly: no
squeeze-and-excitation, ReLU6 instead of swish, and the same stem and head at every size. A network is a row of inverted
residual blocks (Sandler et al., 2018, https://arxiv.org/abs/1801.04381): expand the channels with a 1 x 1 convolution,
filter each one by itself, project back to few channels.
"""

import math
from typing import NamedTuple

import numpy as np

from cifar_lab.core.keras_backend import keras

layers = keras.layers


class Stage(NamedTuple):
    """A row of blocks of which the first may halve the image and changes the number of channels."""

    kernel: int
    repeats: int
    stride: int
    expansion: int
    filters: int


STAGES = (
    Stage(kernel=3, repeats=1, stride=1, expansion=1, filters=16),
    Stage(kernel=3, repeats=2, stride=2, expansion=6, filters=24),
    Stage(kernel=5, repeats=2, stride=2, expansion=6, filters=40),
    Stage(kernel=3, repeats=3, stride=2, expansion=6, filters=80),
    Stage(kernel=5, repeats=3, stride=1, expansion=6, filters=112),
    Stage(kernel=5, repeats=4, stride=2, expansion=6, filters=192),
    Stage(kernel=3, repeats=1, stride=1, expansion=6, filters=320),
)
STEM_FILTERS, HEAD_FILTERS = 32, 1280
SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # width and depth of Lite0, Lite1 and Lite2


def build_efficientnet_lite(size: int = 0, *, input_size: int = 224, class_count: int = 1000) -> keras.Model:
    """Build EfficientNet-Lite with random weights.

    Args:
        size: 0, 1 or 2, for 4.7, 5.4 or 6.1 million parameters (with 1,000 classes).
        input_size: height and width of the images in pixels, at least 32.
        class_count: number of classes.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities. The
        layer `features` puts out `(n, 1280)` float32, what a new head learns on.
    """
    width, depth = SCALES[size]
    pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="scale")(pixels)
    x = _convolve(x, "stem", STEM_FILTERS, kernel=3, stride=2)
    for number, stage in enumerate(STAGES, start=1):
        is_end = number in (1, len(STAGES))  # these are not repeated more often in the larger networks
        filters = round_filters(stage.filters * width)
        for repeat in range(stage.repeats if is_end else math.ceil(stage.repeats * depth)):
            name = f"block_{number}{'abcdefgh'[repeat]}"
            x = _inverted_residual(x, name, stage._replace(filters=filters, stride=1 if repeat else stage.stride))
    x = _convolve(x, "head", HEAD_FILTERS)
    x = layers.GlobalAveragePooling2D(name="features")(x)
    logits = layers.Dense(class_count, name="logits")(x)
    return keras.Model(pixels, layers.Softmax(name="probabilities")(logits), name=f"efficientnet_lite{size}")


def round_filters(filters: float, divisor: int = 8) -> int:
    """Round a number of channels to a multiple of 8, but by no more than a tenth downwards."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def _inverted_residual(x, name: str, stage: Stage):
    """Apply one block; its input is added to its output where both have the same shape."""
    channels, block_input = x.shape[-1], x
    if stage.expansion != 1:
        x = _convolve(x, f"{name}_expand", channels * stage.expansion)
    x = layers.DepthwiseConv2D(
        stage.kernel, strides=stage.stride, padding="same", use_bias=False, name=f"{name}_depthwise"
    )(x)
    x = _normalise(x, f"{name}_depthwise")
    x = layers.ReLU(6, name=f"{name}_depthwise_relu")(x)
    x = layers.Conv2D(stage.filters, 1, padding="same", use_bias=False, name=f"{name}_project")(x)
    x = _normalise(x, f"{name}_project")
    if stage.stride == 1 and channels == stage.filters:
        x = layers.Add(name=f"{name}_add")([x, block_input])
    return x


def _convolve(x, name: str, filters: int, *, kernel: int = 1, stride: int = 1):
    """Apply a convolution, batch normalisation and ReLU6."""
    x = layers.Conv2D(filters, kernel, strides=stride, padding="same", use_bias=False, name=name)(x)
    return layers.ReLU(6, name=f"{name}_relu")(_normalise(x, name))


def _normalise(x, name: str):
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=f"{name}_bn")(x)


def load_torch_weights(model: keras.Model, tensors: dict[str, np.ndarray]) -> None:
    """Give a network the weights of the same network in PyTorch.

    Both list their layers in the order of the computation, so that the n-th convolution is the n-th here.

    Args:
        model: from `build_efficientnet_lite`, of the same size and number of classes.
        tensors: the state dict, from `torch_weights.read_state_dict`.

    Raises:
        ValueError: the tensors belong to another network.
    """
    wanted = [layer for layer in model.layers if layer.weights]
    names = list(dict.fromkeys(name.rpartition(".")[0] for name in tensors))
    if len(wanted) != len(names):
        raise ValueError(f"{model.name} has {len(wanted)} layers with weights, but the file has {len(names)}.")
    for layer, name in zip(wanted, names, strict=True):
        layer.set_weights(_to_keras(layer, {key: tensors.get(f"{name}.{key}") for key in _KEYS}))


_KEYS = ("weight", "bias", "running_mean", "running_var")


def _to_keras(layer: keras.layers.Layer, torch: dict) -> list[np.ndarray]:
    """Return a layer's weights in the order and shapes of Keras."""
    if isinstance(layer, layers.BatchNormalization):
        return [torch[key] for key in _KEYS]
    if isinstance(layer, layers.Dense):
        return [torch["weight"].T, torch["bias"]]
    # PyTorch: (out, in, height, width). Keras: (height, width, in, out), depthwise (height, width, channels, 1).
    axes = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
    return [torch["weight"].transpose(axes)]
