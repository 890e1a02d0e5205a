"""Transfer: a network that starts from what another one has learnt, instead of from random numbers.

    start = models.load_network("cifar10")
    model = transfer.network(class_count=2, start=start)         # its layers, and a new last one for two classes
    backbone, head = transfer.halves(model)
    features = transfer.features(backbone, dataset.train)        # (n, 256), worked out once
    ... train the head on the features ...                       # frozen: the backbone stays as it is
    ... train the model on the images, in small steps ...        # fine-tuned

`cifar_lab.training` does the last two by a recipe with `start` and `frozen_epochs`.
"""

from dataclasses import dataclass

import numpy as np

from cifar_lab.core.keras_backend import batch_size_within_memory, keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Split

layers = keras.layers
_AT_ONCE = 250  # images between two moves of the progress bar


@dataclass(frozen=True, eq=False)
class Features:
    """What a backbone makes of images, in their place.

    Attributes:
        images: `(n, features)` float32.
        labels: `(n,)` int64.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def build_transfer(class_count: int = 10, input_size: int = 32, *, start: keras.Model | None = None) -> keras.Model:
    """The network of a classifier or a run, all but its last layer; the last one is new and random.

    Args:
        class_count: how many classes come out.
        input_size: height and width of the images; those of the network it starts from.
        start: the network it starts from, whose layers become its own.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        ValueError: there is nothing to start from, or it takes images of another size.
    """
    if start is None:
        raise ValueError("it starts from another network: say from which, such as start='cifar10'.")
    model = start
    if model.input_shape[1] != input_size:
        raise ValueError(
            f"The network to start from takes images of {model.input_shape[1]} x {model.input_shape[1]} pixels, and "
            f"these have {input_size} x {input_size}. Load them in its size, or start from another."
        )
    last = _last_dense(model)
    for layer in model.layers:
        # Its statistics are those of many images; a few batches of the new ones would spoil them.
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    scores = layers.Dense(class_count, name="logits")(model.layers[last].input)
    return keras.Model(model.inputs[0], layers.Softmax(name="probabilities")(scores), name="transfer")


def split_backbone_and_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """A network in two: from images to features, and from there to probabilities. The weights are the network's own.

    Args:
        model: whose last dense layer decides, with at most a softmax behind it.

    Returns:
        `(backbone, head)`.

    Raises:
        ValueError: it has no dense layer.
    """
    last = _last_dense(model)
    entering = model.layers[last].input
    backbone = keras.Model(model.inputs[0], entering, name="backbone")
    x = features = keras.Input(entering.shape[1:], name="features")
    for layer in model.layers[last:]:
        x = layer(x)
    return backbone, keras.Model(features, x, name="head")


def freeze_backbone(model: keras.Model) -> None:
    """Let all but the last dense layer stay as they are: an optimiser that is made from now on knows that one only."""
    for layer in model.layers[: _last_dense(model)]:
        layer.trainable = False


def _last_dense(model: keras.Model) -> int:
    """The position of the last dense layer."""
    found = [number for number, layer in enumerate(model.layers) if isinstance(layer, layers.Dense)]
    if not found:
        raise ValueError(f"The network {model.name!r} has no dense layer at its end that could be a new one.")
    return found[-1]


def extract_features(backbone: keras.Model, split: Split, *, progress: bool = False) -> Features:
    """What a backbone makes of each image of a split, in order.

    Args:
        backbone: from `split_backbone_and_head`.
        split: images `(n, size, size, 3)` uint8, 0-255, and their labels.
        progress: show a progress bar.
    """
    count = batch_size_within_memory(backbone, split.images, _AT_ONCE)
    starts = progress_bar(range(0, len(split), count), desc="features", shown=progress)
    parts = [backbone.predict_on_batch(split.images[first : first + count]) for first in starts]
    return Features(np.concatenate(parts), split.labels)
