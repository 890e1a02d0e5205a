"""Transfer learning: reuse the backbone of a trained network with a new head.

    start = models.load_network("cifar10")
    model = transfer.build_transfer(class_count=2, start=start)  # its layers, and a new head for two classes
    backbone, head = transfer.split_backbone_and_head(model)
    features = transfer.extract_features(backbone, dataset.train)  # (n, 256), computed once
    ... train the head on the features ...                         # the backbone is frozen
    ... train the model with a small learning rate ...             # fine-tuning

`cifar_lab.training` does the last two steps for a recipe with `start` and `frozen_epochs`.
"""

from dataclasses import dataclass

import numpy as np

from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.keras_backend import batch_size_within_memory, keras
from cifar_lab.data.dataset import Split

layers = keras.layers
_BATCH = 250  # images per update of the progress bar


@dataclass(frozen=True, eq=False)
class Features:
    """A split with backbone features in place of the images.

    Attributes:
        images: `(n, features)` float32.
        labels: `(n,)` int64.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def build_transfer(class_count: int = 10, input_size: int = 32, *, start: keras.Model | None = None) -> keras.Model:
    """Build a network from the backbone of `start` and a new, random head.

    Args:
        class_count: number of classes.
        input_size: height and width of the images, equal to that of `start`.
        start: trained network whose layers are reused, not copied.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        ValueError: `start` is missing, has no dense layer, or takes images of another size.
    """
    if start is None:
        raise ValueError("start is missing: pass the network to start from, such as start='cifar10'.")
    model = start
    if model.input_shape[1] != input_size:
        raise ValueError(
            f"The network to start from takes images of {model.input_shape[1]} x {model.input_shape[1]} pixels, but "
            f"these have {input_size} x {input_size}. Load them in that size, or start from another network."
        )
    last = _last_dense(model)
    for layer in model.layers:
        # Batch-norm statistics come from many images; a few batches of the new ones would spoil them.
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    logits = layers.Dense(class_count, name="logits")(model.layers[last].input)
    return keras.Model(model.inputs[0], layers.Softmax(name="probabilities")(logits), name="transfer")


def split_backbone_and_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Split a network into backbone (images to features) and head (features to probabilities), sharing its weights.

    Args:
        model: network that ends in a dense layer, optionally followed by a softmax.

    Returns:
        `(backbone, head)`.

    Raises:
        ValueError: the network has no dense layer.
    """
    last = _last_dense(model)
    output = model.layers[last].input
    backbone = keras.Model(model.inputs[0], output, name="backbone")
    x = features = keras.Input(output.shape[1:], name="features")
    for layer in model.layers[last:]:
        x = layer(x)
    return backbone, keras.Model(features, x, name="head")


def freeze_backbone(model: keras.Model) -> None:
    """Freeze all layers before the last dense layer. Applies to optimisers that are created afterwards."""
    for layer in model.layers[: _last_dense(model)]:
        layer.trainable = False


def _last_dense(model: keras.Model) -> int:
    """Return the index of the last dense layer."""
    dense = [number for number, layer in enumerate(model.layers) if isinstance(layer, layers.Dense)]
    if not dense:
        raise ValueError(f"The network {model.name!r} has no dense layer that could be replaced by a new head.")
    return dense[-1]


def extract_features(backbone: keras.Model, split: Split, *, progress: bool = False) -> Features:
    """Compute the backbone's features of all images of a split.

    Args:
        backbone: from `split_backbone_and_head`.
        split: images `(n, size, size, 3)` uint8, 0-255, and their labels.
        progress: show a progress bar.
    """
    batch_size = batch_size_within_memory(backbone, split.images, _BATCH)
    features = predict_in_batches(
        backbone.predict_on_batch, split.images, batch_size, description="features", progress=progress
    )
    return Features(features, split.labels)
