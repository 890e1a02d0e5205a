"""Adapt the input and output of an imported network: its pixel range, and the kind of its scores."""

import numpy as np

from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Split, stratified_split
from cifar_lab.evaluation import cross_entropy

layers = keras.layers

# Scale and offset from pixels 0-255 to the range that a network expects; the most common first.
PIXELS = {"0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0), "0-255": (1.0, 0.0)}
GREY = (0.299, 0.587, 0.114)  # of red, green and blue: luma (ITU-R BT.601), as Pillow has it
_SAMPLE = 500  # validation images used to detect the pixel range
# Differences in cross-entropy up to this, in nats, are ignored: larger inputs lower it for an accurate network anyway.
_AS_GOOD = 0.05


def input_size(model: keras.Model) -> int | None:
    """Return the height and width of the images that a network takes; `None` if any size is accepted.

    Raises:
        ValueError: the input is not one square image, grey or in colour, or there are several outputs.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        raise ValueError(
            "The network should take one image and give one row of scores, but it has "
            f"{len(model.inputs)} inputs and outputs of shape {[tuple(output.shape) for output in model.outputs]}."
        )
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) == 3 and shape[0] == shape[1] and shape[2] in (1, 3):
        return shape[0]
    if len(shape) == 1 and (size := _side(shape[0])):
        return size
    raise ValueError(
        f"The network takes {shape}; square images are needed: (size, size, 3), (size, size, 1) for grey ones, or "
        "either of them flattened."
    )


def _side(count: int | None) -> int | None:
    """Return the side of the square image, grey or in colour, that flattens to `count` numbers, or `None`."""
    sides = [(round((count / channels) ** 0.5), channels) for channels in (1, 3)] if count else []
    return next((side for side, channels in sides if side * side * channels == count), None)


def wrap_model(
    model: keras.Model, split: Split, class_count: int, *, pixels: str | None = None
) -> tuple[keras.Model, dict]:
    """Add the layers that a network lacks to map uint8 pixels to probabilities.

    Args:
        model: maps pixels in some range to scores. The activation of its last layer may be changed.
        split: images `(n, size, size, 3)` uint8, 0-255, and labels, to detect the pixel range.
        class_count: number of classes.
        pixels: as for `import_model`.

    Returns:
        The network from uint8 pixels to probabilities, and what was detected: `pixels`, `ending` (the kind of scores)
        and, if the pixel range was not given, the `cross_entropy` for each range.

    Raises:
        ValueError: the number of scores does not match the classes, or scores are not finite.
    """
    few = split.take(stratified_split(split.labels, min(_SAMPLE, len(split)))[0])
    size = few.images.shape[1]
    if model.inputs[0].dtype == "uint8":
        pixels = "0-255"
    ending = _ending(model, _chain(model, size, pixels or "0-1"), few.images, class_count)
    tried = {name: _ended(_chain(model, size, name), ending) for name in ([pixels] if pixels else PIXELS)}
    found = {"ending": ending}
    if pixels is None:
        losses = {name: _cross_entropy(network, few) for name, network in tried.items()}
        pixels = next(name for name, loss in losses.items() if loss <= min(losses.values()) + _AS_GOOD)
        found["cross_entropy"] = {name: round(loss, 4) for name, loss in losses.items()}
    return tried[pixels], {"pixels": pixels} | found


def _chain(model: keras.Model, size: int, pixels: str) -> keras.Model:
    """Return the network from uint8 pixels to its own scores, as one flat graph whose layers are accessible."""
    entry = keras.Input((size, size, 3), dtype="uint8")
    if model.inputs[0].dtype == "uint8":
        return keras.Model(entry, _applied(model, entry))
    scale, offset = PIXELS[pixels]
    x = layers.Rescaling(scale, offset, name="from_uint8")(entry)
    wanted = tuple(model.inputs[0].shape[1:])
    if wanted[-1] in (1, size * size):
        x = _fixed([[part] for part in GREY], "to_grey")(x)
    if len(wanted) == 1:
        x = layers.Reshape(wanted, name="to_row")(x)
    return keras.Model(entry, _applied(model, x))


def _applied(model, x):
    """Apply a network to a symbolic tensor layer by layer, since calling the model would nest and hide its layers."""
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            x = _applied(layer, x)
        return x
    return model.call(x) if isinstance(model, keras.Model) else model(x)


def _ended(chain: keras.Model, ending: str) -> keras.Model:
    """Return the network with a softmax as its last layer."""
    if ending == "softmax":
        return chain
    x = chain.outputs[0]
    if x.shape[-1] == 1:
        x = _fixed([[0.0, 1.0]], "to_pair")(x)  # the softmax of 0 and z is the sigmoid of z for the second class
    return keras.Model(chain.inputs[0], layers.Softmax(name="to_probabilities")(x))


def _fixed(weights: list, name: str) -> layers.Layer:
    """Return a layer that multiplies by a fixed matrix."""
    start = keras.initializers.Constant(weights)
    return layers.Dense(len(weights[0]), use_bias=False, kernel_initializer=start, trainable=False, name=name)


def _ending(model: keras.Model, chain: keras.Model, shown: np.ndarray, class_count: int) -> str:
    """Detect by prediction whether scores are of a softmax, a sigmoid or logits: layers do not always show it."""
    scores = _array(chain(shown[:50], training=False))
    if scores.shape[1] != class_count and (scores.shape[1], class_count) != (1, 2):
        raise ValueError(f"The network gives {scores.shape[1]} scores, but the dataset has {class_count} classes.")
    if not np.isfinite(scores).all():
        raise ValueError("The network gives scores that are not finite (NaN or infinity): its weights are damaged.")
    if scores.shape[1] > 1 and scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    last = model
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        last.activation = keras.activations.linear  # the input of a sigmoid is the logit of each class on its own
        return "sigmoid"
    return "logits"


def _cross_entropy(network: keras.Model, split: Split) -> float:
    predict = lambda images: _array(network(images, training=False))  # noqa: E731
    return cross_entropy(predict_in_batches(predict, split.images, 100), split.labels)


def _array(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)
