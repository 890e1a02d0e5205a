"""Build a network by name.

All networks take uint8 pixels, 0-255, and return class probabilities. Rescaling is part of the network, so that nobody
can forget it. All layers are stock Keras layers, so a saved model loads without custom code.
"""

import inspect
from collections.abc import Callable

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import airbench, mobilenet, transfer

layers = keras.layers


def build_tutorial(class_count: int = 10, input_size: int = 32) -> keras.Model:
    """Build the two-convolution network of the tutorials, the baseline of this lab.

    167,562 parameters for ten classes; about 67 % on CIFAR-10 after eight epochs.

    Args:
        class_count: number of classes, at least 2.
        input_size: height and width of the images, at least 10 (two unpadded convolutions and two poolings).

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
    """Build a network with random weights, or with those given by `start`.

    Args:
        name: a key of `BUILDERS`.
        class_count: number of classes.
        input_size: height and width of the images in pixels.
        **options: other arguments of the builder, such as `widths`, or `start` for pretrained weights.

    Raises:
        ValueError: there is no such network, its builder has no such option, or the sizes are too small for it.
    """
    if name not in BUILDERS:
        raise ValueError(f"There is no network {name!r}. Choose one of: {', '.join(sorted(BUILDERS))}.")
    if class_count < 2:
        raise ValueError(f"A classifier needs at least two classes, but class_count is {class_count}.")
    if options.get("start") and "start" not in inspect.signature(BUILDERS[name]).parameters:
        raise ValueError(
            f"The network {name!r} always starts from random weights, so start={options['start']!r} is not possible; "
            "use model='transfer'."
        )
    try:
        return BUILDERS[name](class_count=class_count, input_size=input_size, **options)
    except (TypeError, ValueError) as error:
        if isinstance(error, ValueError) and options.get("start"):  # already a message for the user
            raise
        raise ValueError(f"The network {name!r} cannot be built with input_size {input_size}: {error}") from error
