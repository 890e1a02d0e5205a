"""What happens inside a trained network: its first filters, its feature maps, and which part of a picture decides.

    network = models.load_network("tutorial")
    maps = explain.feature_maps(network, image)              # {"conv_1": (30, 30, 32), ...}
    heat = explain.grad_cam(network, image, class_index=3)   # (32, 32), 0-1
    other = explain.grad_cam(explain.shuffled(network), image, class_index=3)
    explain.agreement(heat, other)                           # near 1: the heat does not depend on what was learnt

Everything works on a Sequential or functional model that takes `(n, height, width, 3)` and ends in a softmax.
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from cifar_lab.core.keras_backend import keras
from cifar_lab.explain import layer_graph

_BATCH = 128  # images the network sees at once


def feature_maps(model: keras.Model, image: np.ndarray, layer_names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """What each layer makes of one image.

    Args:
        model: a Sequential or functional model.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        layer_names: the layers wanted; all that give maps when empty.

    Returns:
        For each layer `(rows, columns, channels)` float32: as many maps as it has channels.

    Raises:
        ValueError: the image has another size, there is no such layer, or the network has no convolution.
    """
    _check_image(model, image)
    wanted = [_check_layer(model, name) for name in (layer_names or layer_graph.map_layers(model))]
    given = layer_graph.graph(model)
    looking = keras.Model(model.inputs[0], {name: given[name] for name in wanted})
    maps = looking(image[None], training=False)
    return {name: _array(maps[name])[0] for name in wanted}


def first_filters(model: keras.Model) -> np.ndarray:
    """The kernels of the first convolution: the little patterns that it looks for in the colours themselves.

    Returns:
        `(height, width, channels, filters)` float32.

    Raises:
        ValueError: the network has no convolution.
    """
    return _array(layer_graph.convolutions(model)[0].kernel)


def grad_cam(
    model: keras.Model, image: np.ndarray, *, class_index: int | None = None, layer_name: str | None = None
) -> np.ndarray:
    """Where the evidence for a class lies in an image (Selvaraju et al., "Grad-CAM", 2017).

    Each map of the layer counts as much as the class's score, before the softmax, rises with it: alpha_k, the mean
    over the map of d score / d map. The heat is the positive part of the sum of alpha_k * map_k.

    Args:
        model: a Sequential or functional model, on the TensorFlow backend.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        class_index: the class to explain; the most probable one when not given.
        layer_name: the layer whose maps are weighed; the last convolution, after its activation, when not given.

    Returns:
        `(height, width)` float32, 0-1, scaled so that the largest is 1; all 0 when nothing speaks for the class.

    Raises:
        ValueError: the image has another size, there is no such class or layer, or Keras runs on another backend.
    """
    if keras.config.backend() != "tensorflow":
        raise ValueError(f"Grad-CAM needs KERAS_BACKEND=tensorflow, but Keras runs on {keras.config.backend()} here.")
    _check_image(model, image)
    wanted = _check_layer(model, layer_name or layer_graph.last_maps(model))
    maps, gradient = _maps_and_gradient(model, wanted, image, class_index)
    weights = gradient.mean(axis=(0, 1))  # (channels,)
    coarse = np.maximum(maps @ weights, 0).astype(np.float32)  # (rows, columns)
    height, width = image.shape[:2]
    heat = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))
    return heat / heat.max() if heat.max() > 0 else heat


def shuffle_weights(model: keras.Model, layers: int | None = None, *, seed: int = 0) -> keras.Model:
    """A copy of a network that has forgotten what it learnt: the same weights, each tensor in random order.

    It is for the sanity check of explanations (Adebayo et al., "Sanity Checks for Saliency Maps", 2018): a picture that
    explains a network has to change when the network's weights become meaningless. Theirs are drawn anew; a shuffle
    keeps the sizes of the numbers, so that no layer falls silent.

    Args:
        model: a Sequential or functional model; it stays as it was.
        layers: how many layers with weights to shuffle, from the output backwards; all of them when not given.
        seed: fixes the order.

    Raises:
        ValueError: the network has no such number of layers with weights.
    """
    weighted = [number for number, layer in enumerate(model.layers) if layer.weights]
    count = len(weighted) if layers is None else layers
    if not 0 <= count <= len(weighted):
        raise ValueError(f"layers must be from 0 to {len(weighted)}, the layers with weights, but it is {layers}.")
    copy, rng = keras.models.clone_model(model), np.random.default_rng(seed)
    copy.set_weights(model.get_weights())
    for number in weighted[len(weighted) - count :]:
        layer = copy.layers[number]
        layer.set_weights([rng.permutation(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()])
    return copy


def heat_map_overlap(heat: np.ndarray, other: np.ndarray, *, share: float = 0.25) -> float:
    """How far two heat maps point at the same places: how much of the hottest part of one is hottest in the other too.

    Args:
        heat: `(height, width)` float.
        other: `(height, width)` float.
        share: the part of the pixels that counts as hottest, 0-1. Two maps that know nothing of each other agree in
            this share on average.

    Returns:
        0-1; 1 for the same places.

    Raises:
        ValueError: the maps have different shapes, or `share` leaves no pixel.
    """
    count = round(heat.size * share)
    if heat.shape != other.shape or not 1 <= count <= heat.size:
        raise ValueError(
            f"Two maps of one shape and a share that is some of their pixels are needed, not {heat.shape}, "
            f"{other.shape} and {share!r}."
        )
    hottest = [np.argsort(-part, axis=None, kind="stable")[:count] for part in (heat, other)]
    return len(np.intersect1d(*hottest)) / count


def occlusion(
    model: keras.Model,
    image: np.ndarray,
    *,
    class_index: int | None = None,
    size: int = 8,
    stride: int = 4,
    colour: Sequence[int] | None = None,
) -> np.ndarray:
    """How much the probability of a class falls when a part of the image is covered (Zeiler and Fergus, 2014).

    Args:
        model: any model from images to probabilities.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        class_index: the class to explain; the most probable one when not given.
        size: height and width of the cover in pixels.
        stride: how many pixels the cover moves each time; smaller is finer and slower.
        colour: red, green and blue of the cover, 0-255; the image's mean when not given.

    Returns:
        `(height, width)` float32, -1 to 1: for each pixel the mean fall over all the covers that lay on it. Below 0:
        covering it made the class more probable.

    Raises:
        ValueError: the image has another size, there is no such class, or the cover does not fit.
    """
    _check_image(model, image)
    height, width = image.shape[:2]
    if not (1 <= size <= min(height, width) and 1 <= stride <= size):
        raise ValueError(
            f"The cover must fit the image and leave no gaps: size 1 to {min(height, width)} and stride 1 to size, "
            f"but size is {size} and stride {stride}."
        )
    starts = [(top, left) for top in _starts(height, size, stride) for left in _starts(width, size, stride)]
    covered = np.repeat(image[None], len(starts) + 1, axis=0)  # the last one stays as it is
    cover = image.mean(axis=(0, 1)).round() if colour is None else colour
    for row, (top, left) in zip(covered, starts, strict=False):
        row[top : top + size, left : left + size] = cover
    probabilities = _probabilities(model, covered)
    chosen = _check_class(class_index, probabilities[-1])
    falls = probabilities[-1, chosen] - probabilities[:-1, chosen]
    total, count = np.zeros((2, height, width), np.float32)
    for fall, (top, left) in zip(falls, starts, strict=True):
        total[top : top + size, left : left + size] += fall
        count[top : top + size, left : left + size] += 1
    return total / count


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Where the covers begin, so that the last one ends at the edge."""
    steps = math.ceil((length - size) / stride)
    return [min(step * stride, length - size) for step in range(steps + 1)]


def _maps_and_gradient(model, layer_name: str, image, class_index: int | None) -> tuple[np.ndarray, np.ndarray]:
    """The layer's maps, and by how much the class's score before the softmax rises with each of their numbers."""
    import tensorflow as tf

    given = layer_graph.graph(model)
    last = model.layers[-1]
    looking = keras.Model(model.inputs[0], [given[layer_name], given["last input"], given[last.name]])
    with tf.GradientTape() as tape:
        # The tape notes what depends on something watched, and frozen weights are not watched by themselves.
        tape.watch([weight.value for weight in model.weights if weight.dtype == "float32"])
        maps, last_input, probabilities = looking(image[None], training=False)
        chosen = _check_class(class_index, _array(probabilities)[0])
        score = layer_graph.before_softmax(last, last_input)[0, chosen]
    gradient = tape.gradient(score, maps, unconnected_gradients="zero")
    return _array(maps)[0], _array(gradient)[0]


def _check_layer(model: keras.Model, name: str) -> str:
    if name not in (there := layer_graph.map_layers(model)):
        raise ValueError(f"The network {model.name!r} has no layer {name!r} with feature maps. It has: {there}.")
    return name


def _check_image(model: keras.Model, image: np.ndarray) -> None:
    wanted = tuple(model.input_shape[1:])
    found = getattr(image, "shape", None)
    fits = found is not None and len(found) == 3 and all(w in (None, f) for w, f in zip(wanted, found, strict=True))
    if not fits or image.dtype != np.uint8:  # None in the network's shape: any size will do
        what = f"{found} of {image.dtype}" if found is not None else type(image).__name__
        raise ValueError(
            f"This network looks at one image {wanted} of uint8, but got {what}. "
            "cifar_lab.images.to_input turns any picture into one."
        )


def _check_class(class_index: int | None, probabilities: np.ndarray) -> int:
    if class_index is None:
        return int(probabilities.argmax())
    if not 0 <= class_index < len(probabilities):
        raise ValueError(f"class_index must be from 0 to {len(probabilities) - 1}, but it is {class_index}.")
    return int(class_index)


def _probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    parts = [model(images[first : first + _BATCH], training=False) for first in range(0, len(images), _BATCH)]
    return np.concatenate([_array(part) for part in parts])


def _array(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)
