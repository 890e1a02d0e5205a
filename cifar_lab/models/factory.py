"""The networks: each builder returns an untrained Keras model.

Pixels go in as uint8, 0-255: scaling is the first layer of every network, so that nobody who loads one can forget
it. Class probabilities come out. All layers are stock Keras layers, so that a saved model loads without custom code.
"""

import inspect
from collections.abc import Callable

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import airbench, mobilenet, transfer

layers = keras.layers


def build_tutorial(class_count: int = 10, input_size: int = 32) -> keras.Model:
    """The two-convolution network of the tutorials: small, quick, and the baseline of everything here.

    167,562 parameters for ten classes. About 67 % on CIFAR-10 after eight epochs.

    Args:
        class_count: how many classes come out, at least 2.
        input_size: height and width of the images, at least 10 (two unpadded convolutions and two halvings).

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.
    """
    return keras.Sequential(
        [
            keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels"),
            layers.Rescaling(1 / 255, name="scale"),
            layers.Conv2D(32, 3, activation="relu", name="conv_1"),  # 32 -> 30: no padding
            layers.MaxPooling2D(name="pool_1"),  # 30 -> 15
            layers.Conv2D(64, 3, activation="relu", name="conv_2"),  # 15 -> 13
            layers.MaxPooling2D(name="pool_2"),  # 13 -> 6: the last row and column are dropped
            layers.Flatten(name="flatten"),  # 6 * 6 * 64 = 2,304
            layers.Dense(64, activation="relu", name="dense"),
            layers.Dense(class_count, activation="softmax", name="probabilities"),
        ],
        name="tutorial",
    )


BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "tutorial": build_tutorial,
    "fast": airbench.build_airbench,
    "transfer": transfer.build_transfer,
    "mobilenet": mobilenet.build_mobilenet_for_classes,
}


def build(name: str, *, class_count: int = 10, input_size: int = 32, **options) -> keras.Model:
    """Build the network called `name`, untrained, or as it was where it starts.

    Args:
        name: a key of `BUILDERS`.
        class_count: how many classes come out.
        input_size: height and width of the images in pixels.
        **options: what else the builder takes, such as `widths`, or `start`: what its weights are at first.

    Raises:
        ValueError: no network has that name, the sizes are too small for it, or it has no such option.
    """
    if name not in BUILDERS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(BUILDERS))}.")
    if class_count < 2:
        raise ValueError(f"A classifier needs at least two classes, but class_count is {class_count}.")
    if options.get("start") and "start" not in inspect.signature(BUILDERS[name]).parameters:
        raise ValueError(f"The network {name!r} always starts from random numbers. For another start: model='transfer'")
    try:
        return BUILDERS[name](class_count=class_count, input_size=input_size, **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and options.get("start"):  # then it says what is wrong with that
            raise
        raise ValueError(f"The network {name!r} cannot be built with input_size {input_size}: {error}") from error
