"""The fast network: Keller Jordan's `airbench94`, written for Keras.

From "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (Jordan, 2024). The paper gives the epochs to 94 % as each trick
is added: 45 without any, 21 with patch whitening, 18 with Dirac (identity) initialisation, 13.5 with a higher learning
rate for the biases, 12 with look-ahead, 10.8 with test-time augmentation by mirroring, 9.9 with alternating flips.
The tricks in the network are in this file, those of the optimiser in `cifar_lab.training.optimizers`, flips in
`cifar_lab.images.augmentation`.

    model = airbench.build_airbench(widths=(64, 256, 256))
    airbench.whiten(model, dataset.train.images)
    ... train ...
    folded = airbench.fold_batch_norm(model)  # the same predictions with fewer layers
"""

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.models.batch_norm import BatchNorm

layers = keras.layers

# Mean and standard deviation of CIFAR-10's training pixels, 0-1, for red, green and blue.
MEAN = np.array([0.4914, 0.4822, 0.4465])
DEVIATION = np.array([0.2470, 0.2435, 0.2616])
# The logits are divided by this: a learning rate that suits the convolutions is too large for the last layer.
LOGIT_SCALE = 9.0
_WHITEN = "whiten"
_PATCH = 2  # height and width of the whitening filters


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
    """Build the network in its form for training, with random weights.

    A whitening convolution with 2 x 2 filters is followed by one group of two 3 x 3 convolutions per width. Each group
    halves the feature maps: 31 -> 15 -> 7 -> 3. Global max pooling then makes the prediction independent of position.

    With widths 64, 256, 256: 1,973,944 parameters, 118 million multiplications per image.

    Args:
        class_count: number of classes.
        input_size: height and width of the images, at least 2**(number of groups) + 1. The network accepts any size
            from there on, so a recipe may train it on smaller images first.
        widths: number of filters in each group.
        activation: Keras name of the activation after each convolution. The paper uses GELU; with ReLU, TensorFlow
            trains a narrow network on 1.4 times as many images per second (2 cores: 1,000 against 691).
        identity_start: use Dirac (identity) initialisation for the 3 x 3 convolutions, as far as they have filters.
        data_format: `"channels_last"` or `"channels_first"`; by default the one that trains faster on this backend.
            Images and weights are the same in both.
        precision: `"float32"`, or `"bfloat16"` for mixed precision: all layers between the first and the last compute
            in bfloat16, the weights stay float32. A CPU with AVX-512 BF16 then trains on 1.6 times as many images per
            second with PyTorch, on 1.4 times as many with TensorFlow.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        ValueError: the images are too small for the number of groups.
    """
    data_format = data_format or ("channels_first" if keras.config.backend() == "torch" else "channels_last")
    mixed = {"dtype": "mixed_bfloat16" if precision == "bfloat16" else "float32"}
    convolution = {"use_bias": False, "data_format": data_format, "kernel_initializer": _initializer()} | mixed
    axis = 1 if data_format == "channels_first" else -1
    if input_size <= 2 ** len(widths):
        raise ValueError(f"{len(widths)} groups need an input_size of at least {2 ** len(widths) + 1}.")
    pixels = keras.Input((None, None, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(list(1 / (255 * DEVIATION)), offset=list(-MEAN / DEVIATION), name="normalize")(pixels)
    if data_format == "channels_first":
        x = layers.Permute((3, 1, 2), name="channels_first")(x)
    # 24 filters: the 12 principal directions of 2 x 2 x 3 patches and their negatives. No padding: zeros around the
    # image would add edges that are not in it.
    x = layers.Conv2D(
        2 * _PATCH**2 * 3, _PATCH, data_format=data_format, kernel_initializer=_initializer(), name=_WHITEN
    )(x)
    x = layers.Activation(activation, name="whiten_activation", **mixed)(x)
    for number, width in enumerate(widths, start=1):
        for half in "ab":
            name = f"group_{number}{half}"
            x = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv", **convolution)(x)
            if half == "a":
                x = layers.MaxPooling2D(data_format=data_format, name=f"{name}_pool", **mixed)(x)
            x = BatchNorm(axis, name=f"{name}_norm", **mixed)(x)
            x = layers.Activation(activation, name=f"{name}_activation", **mixed)(x)
    x = layers.GlobalMaxPooling2D(data_format=data_format, name="strongest", **mixed)(x)
    x = layers.Dense(class_count, use_bias=False, kernel_initializer=_initializer(), name="logits")(x)
    x = layers.Rescaling(1 / LOGIT_SCALE, name="calm")(x)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(x), name="fast")
    if identity_start:
        _apply_dirac_initialization(model)
    return model


def _initializer() -> keras.initializers.Initializer:
    """Uniform in +-1 / sqrt(fan-in), the default of PyTorch: a sixth of the variance of He et al. (2015)."""
    return keras.initializers.VarianceScaling(scale=1 / 3, mode="fan_in", distribution="uniform")


def _apply_dirac_initialization(model: keras.Model) -> None:
    """Set the first filters of each 3 x 3 convolution to the identity: filter i passes on input channel i.

    The input then reaches the last layer from the first training step on.
    """
    for layer in model.layers:
        if isinstance(layer, layers.Conv2D) and layer.kernel_size == (3, 3):
            kernel = keras.ops.convert_to_numpy(layer.kernel).copy()  # (3, 3, in, out)
            count = min(kernel.shape[2:])
            kernel[..., :count] = 0
            kernel[1, 1, range(count), range(count)] = 1
            layer.kernel.assign(kernel)


def whiten(model: keras.Model, images: np.ndarray) -> None:
    """Set the kernel of the first layer to the whitening filters of these images, and freeze it.

    Neighbouring pixels are strongly correlated. The filters turn each patch into uncorrelated values of equal variance,
    which the following layers then need not learn: this alone saves more than half of the epochs.

    Args:
        model: from `build_airbench`.
        images: `(n, size, size, 3)` uint8, 0-255, of the training split; only the first 5,000 are used.

    Raises:
        ValueError: the network has no whitening layer.
    """
    if _WHITEN not in [layer.name for layer in model.layers]:
        raise ValueError(f"Whitening needs the fast network: the network {model.name!r} has no whitening layer.")
    layer = model.get_layer(_WHITEN)
    layer.kernel.assign(whitening_filters(images[:5000]))
    layer.kernel.trainable = False


def whitening_filters(images: np.ndarray) -> np.ndarray:
    """Compute the whitening filters: eigenvectors of the patch covariance, divided by the root of their eigenvalues.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.

    Returns:
        `(2, 2, 3, 24)` float32: 12 filters and their negatives, since the activation suppresses negative values.
    """
    normalized = ((images / 255 - MEAN) / DEVIATION).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(normalized, (_PATCH, _PATCH), axis=(1, 2))
    patches = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, _PATCH**2 * 3)  # (row, column, channel) of each patch
    covariance = patches.T @ patches / len(patches)
    eigenvalues, eigenvectors = np.linalg.eigh(covariance.astype(np.float64))  # one eigenvector per column
    # The constant keeps directions with almost no variance, which are noise, from being amplified.
    filters = eigenvectors / np.sqrt(eigenvalues + 5e-4)
    return np.concatenate([filters, -filters], axis=1).reshape(_PATCH, _PATCH, 3, -1).astype(np.float32)


def freeze_whitening(model: keras.Model) -> None:
    """Freeze the whitening layer's bias too. Backpropagation can then stop above it, which makes each step cheaper."""
    model.get_layer(_WHITEN).trainable = False
    model.make_train_function(force=True)  # Keras reads which variables are trainable when it makes this function


def fold_batch_norm(model: keras.Model, input_size: int = 32) -> keras.Model:
    """Fold batch normalisation into the convolutions: the same predictions with fewer layers, for inference only.

    After training, batch normalisation multiplies by and adds constants, so it can be merged into the convolution
    before it, even through a max pooling: the factors are positive, so the maximum stays the maximum. The result
    has stock layers only, in the channels-last format that every backend can read.

    Args:
        model: trained model from `build_airbench`.
        input_size: height and width of the images.

    Returns:
        A model with the same input and, up to rounding, the same output, without batch normalisation.
    """
    first = model.get_layer(_WHITEN)
    kernel, bias = (keras.ops.convert_to_numpy(weights) for weights in (first.kernel, first.bias))
    # (x / 255 - mean) / deviation is folded into the first kernel and bias; exact, since there is no padding.
    bias = bias - np.einsum("hwio,i->o", kernel, MEAN / DEVIATION)
    kernel = kernel / DEVIATION[:, None]
    activation = keras.activations.serialize(model.get_layer("whiten_activation").activation)
    x = pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 255, name="scale")(x)
    x = _apply_with_weights(layers.Conv2D(first.filters, _PATCH, activation=activation, name=_WHITEN), x, kernel, bias)
    for conv in (layer for layer in model.layers if layer.name.endswith("_conv")):
        name = conv.name.removesuffix("_conv")
        norm = model.get_layer(f"{name}_norm")
        kernel, mean, variance, beta = (
            keras.ops.convert_to_numpy(weights).astype(np.float64)
            for weights in (conv.kernel, norm.moving_mean, norm.moving_variance, norm.beta)
        )
        scale = 1 / np.sqrt(variance + norm.epsilon)
        folded = layers.Conv2D(conv.filters, 3, padding="same", name=conv.name)
        x = _apply_with_weights(folded, x, kernel * scale, beta - mean * scale)
        if name.endswith("a"):
            x = layers.MaxPooling2D(name=f"{name}_pool")(x)
        x = layers.Activation(activation, name=f"{name}_activation")(x)
    x = layers.GlobalMaxPooling2D(name="strongest")(x)
    kernel = keras.ops.convert_to_numpy(model.get_layer("logits").kernel) / LOGIT_SCALE
    x = _apply_with_weights(layers.Dense(kernel.shape[1], name="logits"), x, kernel, np.zeros(kernel.shape[1]))
    return keras.Model(pixels, layers.Softmax(name="probabilities")(x), name=model.name)


def _apply_with_weights(layer, x, kernel: np.ndarray, bias: np.ndarray):
    """Apply `layer` to `x`, and set its weights."""
    y = layer(x)
    layer.set_weights([kernel, bias])
    return y
