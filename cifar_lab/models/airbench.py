"""The fast network: 94 % on CIFAR-10 in a tenth of the usual epochs, and how each trick in it works.

The design is Keller Jordan's ("94% on CIFAR-10 in 3.29 Seconds on a Single GPU", 2024; the `airbench94` of its
repository), written here for Keras. Published steps to 94 %, as each trick is added: 45 epochs without any, 21 with
whitening, 18 with the identity start, 13.5 with fast biases, 12 with look-ahead, 10.8 when both mirror images vote,
9.9 with alternating flips. The tricks that are part of the network live in this file; those that are part of the steps
live in `cifar_lab.training.optimizers`, and flips in `cifar_lab.images.augmentation`.

    model = fast.network(widths=(64, 256, 256))
    fast.whiten(model, dataset.train.images)
    ... train ...
    small = fast.fold(model)          # the same answers with fewer layers
"""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.models.batch_norm import BatchNorm

layers = keras.layers

# The mean and standard deviation of CIFAR-10's training pixels, 0-1, for red, green and blue.
MEAN = np.array([0.4914, 0.4822, 0.4465])
DEVIATION = np.array([0.2470, 0.2435, 0.2616])
# The logits are divided by this. The steps that suit the convolutions are too large for the last layer otherwise.
LOGIT_SCALE = 9.0
_WHITEN = "whiten"
_PATCH = 2  # the whitening filters' height and width


def build_airbench(
    class_count: int = 10,
    input_size: int = 32,
    *,
    widths: tuple[int, ...] = (64, 256, 256),
    activation: str = "gelu",
    identity_start: bool = False,
    data_format: str | None = None,
    precision: str = "float32",
) -> keras.Model:
    """The network as it is trained, with fresh random weights.

    A first convolution looks at patches of 2 x 2 pixels. Then comes a group of two convolutions for each width, and
    each group halves the image: 31 -> 15 -> 7 -> 3. Last, the strongest answer of each filter anywhere in the
    image decides, so that it does not matter where a thing is.

    With widths 64, 256, 256: 1,973,944 parameters, 118 million multiplications an image.

    Args:
        class_count: how many classes come out.
        input_size: height and width of the images, at least 2 to the power of the number of groups, plus 1. The
            network itself takes any size from there on: a recipe may train it on smaller images first.
        widths: the filters of each group.
        activation: what follows each convolution, by Keras's name for it. The design has a GELU; with a ReLU,
            TensorFlow trains a narrow network on 1.4 times as many images a second (2 cores: 1,000 against 691).
        identity_start: start each 3 x 3 convolution as one that passes its input on, as far as it has filters for it.
        data_format: `"channels_last"` or `"channels_first"`; what trains faster on this backend when not given. Images
            and weights are the same in both.
        precision: `"float32"`, or `"bfloat16"`, with which all layers between the first and the last compute with
            numbers of 8 significant bits. The weights keep theirs. A processor that multiplies such numbers (one with
            AVX-512 BF16) trains on 1.6 times as many images a second with PyTorch, on 1.4 times with TensorFlow.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        ValueError: the images are too small for so many groups.
    """
    data_format = data_format or ("channels_first" if keras.config.backend() == "torch" else "channels_last")
    rough = {"dtype": "mixed_bfloat16" if precision == "bfloat16" else "float32"}
    convolution = {"use_bias": False, "data_format": data_format, "kernel_initializer": _start()} | rough
    axis = 1 if data_format == "channels_first" else -1
    if input_size <= 2 ** len(widths):
        raise ValueError(f"{len(widths)} groups halve it to nothing; at least {2 ** len(widths) + 1} is needed.")
    pixels = keras.Input((None, None, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(list(1 / (255 * DEVIATION)), offset=list(-MEAN / DEVIATION), name="normalize")(pixels)
    if data_format == "channels_first":
        x = layers.Permute((3, 1, 2), name="channels_first")(x)
    # 12 directions in a 2 x 2 patch, and their opposites. No padding: its zeros would be an edge that is not there.
    x = layers.Conv2D(2 * _PATCH**2 * 3, _PATCH, data_format=data_format, kernel_initializer=_start(), name=_WHITEN)(x)
    x = layers.Activation(activation, name="whiten_activation", **rough)(x)
    for number, width in enumerate(widths, start=1):
        for half in "ab":
            name = f"group_{number}{half}"
            x = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv", **convolution)(x)
            if half == "a":
                x = layers.MaxPooling2D(data_format=data_format, name=f"{name}_pool", **rough)(x)
            x = BatchNorm(axis, name=f"{name}_norm", **rough)(x)
            x = layers.Activation(activation, name=f"{name}_activation", **rough)(x)
    x = layers.GlobalMaxPooling2D(data_format=data_format, name="strongest", **rough)(x)
    x = layers.Dense(class_count, use_bias=False, kernel_initializer=_start(), name="logits")(x)
    x = layers.Rescaling(1 / LOGIT_SCALE, name="calm")(x)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(x), name="fast")
    if identity_start:
        _start_as_identity(model)
    return model


def _start() -> keras.initializers.Initializer:
    """Uniform in +-1 / sqrt(inputs of the filter): a third of the variance that He et al. (2015) would take."""
    return keras.initializers.VarianceScaling(scale=1 / 3, mode="fan_in", distribution="uniform")


def _start_as_identity(model: keras.Model) -> None:
    """Let the first filters of each 3 x 3 convolution pass one input channel on, unchanged.

    What enters then reaches the last layer at the first step already, and every layer learns from there.
    """
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.kernel_size == (3, 3):
            kernel = keras.ops.convert_to_numpy(layer.kernel).copy()  # (3, 3, in, out)
            passing = min(kernel.shape[2:])
            kernel[..., :passing] = 0
            kernel[1, 1, range(passing), range(passing)] = 1
            layer.kernel.assign(kernel)


def whiten(model: keras.Model, images: np.ndarray) -> None:
    """Set the first layer to the whitening filters of these images, and keep its kernel from being trained.

    Neighbouring pixels say nearly the same. The filters turn a patch into numbers that are uncorrelated and equally
    large, so that the layers above need not find that out: more than half of all epochs are saved by this alone.

    Args:
        model: from `build_airbench`.
        images: `(n, size, size, 3)` uint8, 0-255, of the training split; the first 5,000 are enough.

    Raises:
        ValueError: the network has no layer for them.
    """
    if _WHITEN not in [layer.name for layer in model.layers]:
        raise ValueError(f"Whitening needs the fast network; the network {model.name!r} has no layer for it.")
    layer = model.get_layer(_WHITEN)
    layer.kernel.assign(whitening_filters(images[:5000]))
    layer.kernel.trainable = False


def whitening_filters(images: np.ndarray) -> np.ndarray:
    """The eigenvectors of the patches' covariance, each scaled to make its direction as strong as the others.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.

    Returns:
        `(2, 2, 3, 24)` float32: 12 filters and their negatives, since an activation passes on one sign only.
    """
    normalized = ((images / 255 - MEAN) / DEVIATION).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(normalized, (_PATCH, _PATCH), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, _PATCH**2 * 3)  # (row, column, channel) of each patch
    covariance = patches.T @ patches / len(patches)
    strengths, directions = np.linalg.eigh(covariance.astype(np.float64))  # directions: one a column
    # Directions without any strength are noise: the small constant keeps them from being blown up.
    filters = directions / np.sqrt(strengths + 5e-4)
    return np.concatenate([filters, -filters], axis=1).reshape(_PATCH, _PATCH, 3, -1).astype(np.float32)


def freeze_whitening(model: keras.Model) -> None:
    """Train the whitening layer's bias no longer. Nothing below it is left to learn, so each step has less to do."""
    model.get_layer(_WHITEN).trainable = False
    model.make_train_function(force=True)  # Keras asks what is trainable when it makes this function


def fold_batch_norm(model: keras.Model, input_size: int = 32) -> keras.Model:
    """The same answers with fewer layers: for use, not for training.

    Once trained, normalising is a multiplication and an addition by constants, and so it can move into the convolution
    before it. It even moves through a max pooling, since it multiplies by positive numbers only, and the largest
    stays the largest. What is left are stock layers in the channels-last order that every backend reads.

    Args:
        model: from `build_airbench`, trained.
        input_size: height and width of the images it is for.

    Returns:
        A model with the same input and the same output up to rounding, without batch normalisation.
    """
    first = model.get_layer(_WHITEN)
    kernel, bias = (keras.ops.convert_to_numpy(weights) for weights in (first.kernel, first.bias))
    # (x / 255 - mean) / deviation, folded into the first kernel and bias: no padding there, so this is exact.
    bias = bias - np.einsum("hwio,i->o", kernel, MEAN / DEVIATION)
    kernel = kernel / DEVIATION[:, None]
    activation = keras.activations.serialize(model.get_layer("whiten_activation").activation)
    x = pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(x)
    x = _constant(layers.Conv2D(first.filters, _PATCH, activation=activation, name=_WHITEN), x, kernel, bias)
    for conv in (layer for layer in model.layers if layer.name.endswith("_conv")):
        name = conv.name.removesuffix("_conv")
        norm = model.get_layer(f"{name}_norm")
        kernel, mean, variance, beta = (
            keras.ops.convert_to_numpy(weights).astype(np.float64)
            for weights in (conv.kernel, norm.moving_mean, norm.moving_variance, norm.beta)
        )
        scale = 1 / np.sqrt(variance + norm.epsilon)
        folded = layers.Conv2D(conv.filters, 3, padding="same", name=conv.name)
        x = _constant(folded, x, kernel * scale, beta - mean * scale)
        if name.endswith("a"):
            x = layers.MaxPooling2D(name=f"{name}_pool")(x)
        x = layers.Activation(activation, name=f"{name}_activation")(x)
    x = layers.GlobalMaxPooling2D(name="strongest")(x)
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel) / LOGIT_SCALE
    x = _constant(layers.Dense(kernel.shape[1], name="logits"), x, kernel, np.zeros(kernel.shape[1]))
    return keras.Model(pixels, layers.Softmax(name="probabilities")(x), name=model.name)


def _constant(layer, x, kernel: np.ndarray, bias: np.ndarray):
    """Apply `layer` to `x`, with these weights."""
    y = layer(x)
    layer.set_weights([kernel, bias])
    return y
