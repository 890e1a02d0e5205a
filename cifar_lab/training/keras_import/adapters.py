"""The two ends of a network from elsewhere: how pixels go in, and what its scores are."""

import numpy as np

from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Split, stratified_split
from cifar_lab.evaluation import cross_entropy

layers = keras.layers

# How pixels 0-255 become what a network takes: scale and offset; the most usual first.
PIXELS = {"0-1": (1 / 255, 0.0), "-1-1": (1 / 127.5, -1.0), "0-255": (1.0, 0.0)}
GREY = (0.299, 0.587, 0.114)  # of red, green and blue: luma (ITU-R BT.601), as Pillow has it
_ASKED = 500  # validation images that say how pixels go in
# So much cross-entropy, in nats, is no difference: a network that is always right gets better by ever larger pixels.
_AS_GOOD = 0.05


def input_size(model: keras.Model) -> int | None:
    """Height and width of the images that a network takes; `None` if any will do.

    Raises:
        ValueError: it takes something else than one square image, grey or in colour, or gives several answers.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1 or len(model.outputs[0].shape) != 2:
        raise ValueError("The network should take one image and give one row of scores, but it has other ends.")
    shape = tuple(model.inputs[0].shape[1:])
    if len(shape) == 3 and shape[0] == shape[1] and shape[2] in (1, 3):
        return shape[0]
    if len(shape) == 1 and (size := _side(shape[0])):
        return size
    raise ValueError(
        f"The network takes {shape}; square images are needed: (size, size, 3), (size, size, 1) for grey ones, or as "
        "many numbers as those have pixels, in one row."
    )


def _side(count: int | None) -> int | None:
    """The side of the square image of so many numbers, grey or in colour."""
    sides = [(round((count / channels) ** 0.5), channels) for channels in (1, 3)] if count else []
    return next((side for side, channels in sides if side * side * channels == count), None)


def wrap_model(
    model: keras.Model, split: Split, class_count: int, *, pixels: str | None = None
) -> tuple[keras.Model, dict]:
    """Put around a network what it lacks: from uint8 pixels to probabilities.

    Args:
        model: from numbers, somehow scaled, to scores. Its last layer may be changed.
        split: images `(n, size, size, 3)` uint8, 0-255, and labels, to see how pixels go in.
        class_count: how many classes there are.
        pixels: as for `adopt`.

    Returns:
        The network from uint8 pixels to probabilities, and what was found out: `pixels`, `ending` and, if that was
        tried, the `cross_entropy` of each way to scale pixels.

    Raises:
        ValueError: the network gives another number of scores, or none that are numbers.
    """
    few = split.take(stratified_split(split.labels, min(_ASKED, len(split)))[0])
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
    """The network from uint8 pixels to its own scores, as one flat graph, so that it can be looked into."""
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
    """What a network makes of a symbolic tensor, layer by layer: a model that is called would hide its layers."""
    if isinstance(model, keras.Sequential):
        for layer in model.layers:
            x = _applied(layer, x)
        return x
    return model.call(x) if isinstance(model, keras.Model) else model(x)


def _ended(chain: keras.Model, ending: str) -> keras.Model:
    """The network with a softmax behind it, if it has none."""
    if ending == "softmax":
        return chain
    x = chain.outputs[0]
    if x.shape[-1] == 1:
        x = _fixed([[0.0, 1.0]], "to_pair")(x)  # the softmax of 0 and z is the sigmoid of z for the second class
    return keras.Model(chain.inputs[0], layers.Softmax(name="to_probabilities")(x))


def _fixed(weights: list, name: str) -> layers.Layer:
    """A layer that only multiplies by a matrix."""
    start = keras.initializers.Constant(weights)
    return layers.Dense(len(weights[0]), use_bias=False, kernel_initializer=start, trainable=False, name=name)


def _ending(model: keras.Model, chain: keras.Model, shown: np.ndarray, class_count: int) -> str:
    """What its scores are: those of a softmax, of a sigmoid, or logits. It is asked, since layers don't always say."""
    scores = _array(chain(shown[:50], training=False))
    if scores.shape[1] != class_count and (scores.shape[1], class_count) != (1, 2):
        raise ValueError(f"The network gives {scores.shape[1]} scores, but the dataset has {class_count} classes.")
    if not np.isfinite(scores).all():
        raise ValueError("The network gives scores that are no numbers (NaN): its weights are damaged.")
    if scores.shape[1] > 1 and scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return "softmax"
    last = model
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    if getattr(last, "activation", None) is keras.activations.sigmoid:
        last.activation = keras.activations.linear  # what goes into a sigmoid are logits, each class's for itself
        return "sigmoid"
    return "logits"


def _cross_entropy(network: keras.Model, split: Split) -> float:
    predict = lambda images: _array(network(images, training=False))  # noqa: E731
    return cross_entropy(predict_in_batches(predict, split.images, 100), split.labels)


def _array(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)
