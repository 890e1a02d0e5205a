"""The layer graph of a Keras model: symbolic outputs of its layers, and which of them are feature maps."""

from cifar_lab.core.keras_backend import keras

_CONVOLUTIONS = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)


def convolutions(model: keras.Model) -> list:
    """Return the convolution layers, from input to output.

    Raises:
        ValueError: the network has no convolution.
    """
    found = [layer for layer in model.layers if isinstance(layer, _CONVOLUTIONS)]
    if not found:
        raise ValueError(f"The network {model.name!r} has no convolution, and so no filters or feature maps to show.")
    return found


def map_layers(model: keras.Model) -> list[str]:
    """Return the names of the layers whose outputs are feature maps, from input to output.

    Layers before the first convolution (such as rescaling) are left out: their output is still the image.

    Raises:
        ValueError: the network has no convolution.
    """
    first = model.layers.index(convolutions(model)[0])
    return [layer.name for layer in model.layers[first:] if len(getattr(layer.output, "shape", ())) == 4]


def last_maps(model: keras.Model) -> str:
    """Return the name of the last layer with the last convolution's output shape: itself, or the activation after it.

    Raises:
        ValueError: the network has no convolution.
    """
    shape = convolutions(model)[-1].output.shape
    return [name for name in map_layers(model) if model.get_layer(name).output.shape == shape][-1]


def graph(model: keras.Model) -> dict:
    """Return the symbolic outputs of all layers by name, and under "last input" the input of the last layer.

    Keras rebuilds a Sequential model whenever a layer is added, so the `output`s of its layers may belong to different
    graphs, with no gradient between them. Its layers are therefore called again, one after another.
    """
    if not isinstance(model, keras.Sequential):
        return {layer.name: layer.output for layer in model.layers} | {"last input": model.layers[-1].input}
    outputs, x = {}, model.inputs[0]
    for layer in model.layers:
        outputs["last input"] = x
        outputs[layer.name] = x = layer(x)
    return outputs


def before_softmax(layer, x):
    """Return the logits that the last layer turns into probabilities.

    Args:
        layer: last layer of the network.
        x: its input.

    Raises:
        ValueError: the layer is not Dense, Softmax or Activation.
    """
    if isinstance(layer, keras.layers.Dense):
        logits = keras.ops.matmul(x, layer.kernel)
        return logits if layer.bias is None else logits + layer.bias
    if isinstance(layer, keras.layers.Softmax | keras.layers.Activation):
        return x
    raise ValueError(f"The last layer must be Dense, Softmax or Activation, but it is {type(layer).__name__}.")
