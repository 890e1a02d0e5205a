"""Look inside a trained network: first filters, feature maps, Grad-CAM, occlusion, and a sanity check for heat maps.

    network = models.load_network("tutorial")
    maps = explain.feature_maps(network, image)              # {"conv_1": (30, 30, 32), ...}
    heat = explain.grad_cam(network, image, class_index=3)   # (32, 32), 0-1
    other = explain.grad_cam(explain.shuffle_weights(network), image, class_index=3)
    explain.heat_map_overlap(heat, other)                    # near 1: the heat map does not depend on the weights

All functions take a Sequential or functional model with input `(n, height, width, 3)` and a softmax at the end.
"""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.keras_backend import keras
from cifar_lab.explain import layer_graph

_BATCH = 128  # images per forward pass


def feature_maps(model: keras.Model, image: np.ndarray, layer_names: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Compute the feature maps of an image.

    Args:
        model: a Sequential or functional model.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        layer_names: names of the layers; by default all layers with feature maps.

    Returns:
        The feature maps of each layer by its name, `(rows, columns, channels)` float32.

    Raises:
        ValueError: the image has the wrong shape or dtype, there is no such layer, or the network has no convolution.
    """
    _check_image(model, image)
    names = [_check_layer(model, name) for name in (layer_names or layer_graph.map_layers(model))]
    outputs = layer_graph.graph(model)
    feature_extractor = keras.Model(model.inputs[0], {name: outputs[name] for name in names})
    maps = feature_extractor(image[None], training=False)
    return {name: _array(maps[name])[0] for name in names}


def first_filters(model: keras.Model) -> np.ndarray:
    """Return the kernel of the first convolution: the small colour patterns that it detects.

    Returns:
        `(height, width, channels, filters)` float32.

    Raises:
        ValueError: the network has no convolution.
    """
    return _array(layer_graph.convolutions(model)[0].kernel)


def grad_cam(
    model: keras.Model, image: np.ndarray, *, class_index: int | None = None, layer_name: str | None = None
) -> np.ndarray:
    """Compute a Grad-CAM heat map: where in an image the evidence for a class lies (Selvaraju et al., 2017).

    Feature map k is weighted by alpha_k, the gradient of the class's logit with respect to the map, averaged over the
    map. The heat map is the ReLU of the sum of alpha_k * map_k.

    Args:
        model: a Sequential or functional model, on the TensorFlow backend.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        class_index: class to explain; by default the predicted one.
        layer_name: layer whose maps are used; by default the last convolution, after its activation.

    Returns:
        `(height, width)` float32, 0-1, scaled to a maximum of 1; all 0 if there is no evidence for the class.

    Raises:
        ValueError: the image has the wrong shape or dtype, there is no such class or layer, or Keras runs on another
            backend.
    """
    if keras.config.backend() != "tensorflow":
        raise ValueError(f"Grad-CAM needs KERAS_BACKEND=tensorflow, but the backend is {keras.config.backend()}.")
    _check_image(model, image)
    name = _check_layer(model, layer_name or layer_graph.last_maps(model))
    maps, gradient = _maps_and_gradient(model, name, image, class_index)
    weights = gradient.mean(axis=(0, 1))  # (channels,)
    coarse = np.maximum(maps @ weights, 0).astype(np.float32)  # (rows, columns)
    height, width = image.shape[:2]
    heat = np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BILINEAR))
    return heat / heat.max() if heat.max() > 0 else heat


def shuffle_weights(model: keras.Model, layers: int | None = None, *, seed: int = 0) -> keras.Model:
    """Return a copy of a network with the values of each weight tensor in random order.

    For the model randomisation test (Adebayo et al., "Sanity Checks for Saliency Maps", 2018): an explanation of a
    network has to change when the weights become meaningless. The paper re-initialises the weights; shuffling keeps
    their distribution, so that no layer's output vanishes.

    Args:
        model: a Sequential or functional model; it is not modified.
        layers: number of layers with weights to shuffle, from the output backwards; by default all.
        seed: seed of the random order.

    Raises:
        ValueError: `layers` is negative or above the number of layers with weights.
    """
    weighted = [number for number, layer in enumerate(model.layers) if layer.weights]
    count = len(weighted) if layers is None else layers
    if not 0 <= count <= len(weighted):
        raise ValueError(f"layers must be from 0 to {len(weighted)}, the number of layers with weights, got {layers}.")
    copy, rng = keras.models.clone_model(model), np.random.default_rng(seed)
    copy.set_weights(model.get_weights())
    for number in weighted[len(weighted) - count :]:
        layer = copy.layers[number]
        layer.set_weights([rng.permutation(weight.ravel()).reshape(weight.shape) for weight in layer.get_weights()])
    return copy


def heat_map_overlap(heat: np.ndarray, other: np.ndarray, *, share: float = 0.25) -> float:
    """Compute which share of the hottest pixels of two heat maps coincides.

    Args:
        heat: `(height, width)` float.
        other: `(height, width)` float.
        share: share of the pixels that counts as hottest, 0-1; also the expected overlap of two unrelated maps.

    Returns:
        0-1; 1 if the hottest pixels are the same.

    Raises:
        ValueError: the shapes differ, or `share` selects no pixel or more than all.
    """
    count = round(heat.size * share)
    if heat.shape != other.shape or not 1 <= count <= heat.size:
        raise ValueError(
            "Two heat maps of equal shape and a share that selects at least one pixel are needed, "
            f"got {heat.shape}, {other.shape} and {share!r}."
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
    """Compute an occlusion map: how much covering a patch lowers the probability of a class (Zeiler and Fergus, 2014).

    Args:
        model: any model from images to probabilities.
        image: `(height, width, 3)` uint8, 0-255, of the network's input size.
        class_index: class to explain; by default the predicted one.
        size: height and width of the patch in pixels.
        stride: step of the patch in pixels, 1 to `size`; smaller is finer and slower.
        colour: red, green and blue of the patch, 0-255; by default the image's mean.

    Returns:
        `(height, width)` float32, -1 to 1: for each pixel the mean drop in probability over all patches that cover it.
        Negative values: covering the pixel made the class more probable.

    Raises:
        ValueError: the image has the wrong shape or dtype, there is no such class, or the patch does not fit.
    """
    _check_image(model, image)
    height, width = image.shape[:2]
    if not (1 <= size <= min(height, width) and 1 <= stride <= size):
        raise ValueError(
            f"The patch must fit into the image and leave no gaps: size must be 1 to {min(height, width)} and stride "
            f"1 to size, but size is {size} and stride is {stride}."
        )
    starts = [(top, left) for top in _starts(height, size, stride) for left in _starts(width, size, stride)]
    occluded = np.repeat(image[None], len(starts) + 1, axis=0)  # the last one stays uncovered
    fill = image.mean(axis=(0, 1)).round() if colour is None else colour
    for copy, (top, left) in zip(occluded, starts, strict=False):
        copy[top : top + size, left : left + size] = fill
    probabilities = _probabilities(model, occluded)
    class_index = _check_class(class_index, probabilities[-1])
    drops = probabilities[-1, class_index] - probabilities[:-1, class_index]
    total, count = np.zeros((2, height, width), np.float32)
    for drop, (top, left) in zip(drops, starts, strict=True):
        total[top : top + size, left : left + size] += drop
        count[top : top + size, left : left + size] += 1
    return total / count


def _starts(length: int, size: int, stride: int) -> list[int]:
    """Return the first row or column of each patch; the last patch ends at the edge."""
    steps = math.ceil((length - size) / stride)
    return [min(step * stride, length - size) for step in range(steps + 1)]


def _maps_and_gradient(model, layer_name: str, image, class_index: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the layer's feature maps, and the gradient of the class's logit with respect to them."""
    import tensorflow as tf

    outputs = layer_graph.graph(model)
    last = model.layers[-1]
    inner = keras.Model(model.inputs[0], [outputs[layer_name], outputs["last input"], outputs[last.name]])
    with tf.GradientTape() as tape:
        # The tape records only what depends on a watched tensor, and it does not watch frozen weights by itself.
        tape.watch([weight.value for weight in model.weights if weight.dtype == "float32"])
        maps, last_input, probabilities = inner(image[None], training=False)
        class_index = _check_class(class_index, _array(probabilities)[0])
        logit = layer_graph.before_softmax(last, last_input)[0, class_index]
    gradient = tape.gradient(logit, maps, unconnected_gradients="zero")
    return _array(maps)[0], _array(gradient)[0]


def _check_layer(model: keras.Model, name: str) -> str:
    if name not in (names := layer_graph.map_layers(model)):
        raise ValueError(f"The network {model.name!r} has no layer {name!r} with feature maps. Choose one of: {names}.")
    return name


def _check_image(model: keras.Model, image: np.ndarray) -> None:
    expected = tuple(model.input_shape[1:])  # None: any size
    shape = getattr(image, "shape", None)
    fits = shape is not None and len(shape) == 3 and all(e in (None, s) for e, s in zip(expected, shape, strict=True))
    if not fits or image.dtype != np.uint8:
        got = f"{shape} {image.dtype}" if shape is not None else type(image).__name__
        raise ValueError(
            f"Expected one image of shape {expected} and dtype uint8, got {got}. "
            "cifar_lab.images.to_input converts any picture."
        )


def _check_class(class_index: int | None, probabilities: np.ndarray) -> int:
    if class_index is None:
        return int(probabilities.argmax())
    if not 0 <= class_index < len(probabilities):
        raise ValueError(f"class_index must be from 0 to {len(probabilities) - 1}, got {class_index}.")
    return int(class_index)


def _probabilities(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return predict_in_batches(lambda batch: _array(model(batch, training=False)), images, _BATCH)


def _array(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)
