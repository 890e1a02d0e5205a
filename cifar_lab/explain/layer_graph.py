"""The anatomy of a network: its layers as one graph, and which of them give maps. `cifar_lab.explain` stands on it."""

from cifar_lab.core.keras_backend import keras

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def convolutions(model: keras.Model) -> list:
    """The convolutions, from input to output.

    Raises:
        ValueError: there is none.
    """
    found = [layer for layer in model.layers if isinstance(layer, _CONVOLUTIONS)]
    if not found:
        raise ValueError(f"The network {model.name!r} has no convolution, so there are no filters and maps to look at.")
    return found


def map_layers(model: keras.Model) -> list[str]:
    """The names of the layers that give feature maps, from input to output.

    Layers before the first convolution (scaling the pixels) are left out: what they give is still the picture.

    Raises:
        ValueError: the network has no convolution.
    """
    first = model.layers.index(convolutions(model)[0])
    return [layer.name for layer in model.layers[first:] if len(getattr(layer.output, "shape", ())) == 4]


def last_maps(model: keras.Model) -> str:
    """The last layer whose maps have the last convolution's shape: that convolution, or the activation behind it.

    Raises:
        ValueError: the network has no convolution.
    """
    shape = convolutions(model)[-1].output.shape
    return [name for name in map_layers(model) if model.get_layer(name).output.shape == shape][-1]


def graph(model: keras.Model) -> dict:
    """What each layer gives, by its name, as symbolic tensors of one graph; under "last input", what enters the last.

    Keras builds a Sequential model anew with every layer it gets, so that the `output`s of its layers may belong to
    different graphs, which no gradient connects. Its layers are chained once more here.
    """
    if not isinstance(model, keras.Sequential):
        return {layer.name: layer.output for layer in model.layers} | {"last input": model.layers[-1].input}
    given, x = {}, model.inputs[0]
    for layer in model.layers:
        given["last input"] = x
        given[layer.name] = x = layer(x)
    return given


def before_softmax(layer, x):
    """The scores that the last layer turns into probabilities.

    Args:
        layer: the network's last layer.
        x: what enters it.

    Raises:
        ValueError: it is a layer of another kind.
    """
    if isinstance(layer, keras.layers.Dense):
        scores = keras.ops.matmul(x, layer.kernel)
        return scores if layer.bias is None else scores + layer.bias
    if isinstance(layer, keras.layers.Softmax | keras.layers.Activation):
        return x
    raise ValueError(f"The network should end in a Dense, Softmax or Activation layer, not in {type(layer).__name__}.")
