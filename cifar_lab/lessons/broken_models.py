"""The model doctor's patients: small networks to examine, four of which have something wrong with them.

    model, dataset = patients.admit("A", dataset)
    print(doctor.examine(model, dataset))

Find out with the doctor first, what follows is the answer: each patient is the healthy network with one line changed.
"""

from dataclasses import replace

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset, Split

layers = keras.layers
NAMES = ("healthy", "A", "B", "C", "D")


def load_broken_model(name: str, dataset: Dataset) -> tuple[keras.Model, Dataset]:
    """A network that is ready to be trained, and what it is to be trained on.

    Args:
        name: `"healthy"`, or `"A"` to `"D"`.
        dataset: the images for it.

    Returns:
        The compiled network with fresh weights, the same each time, and the dataset as it reaches the network.

    Raises:
        ValueError: there is no patient of that name.
    """
    if name not in NAMES:
        raise ValueError(f"There is no patient {name!r}. Choose one of: {', '.join(NAMES)}.")
    rate = 10.0 if name == "A" else 0.003
    model = _network(len(dataset.class_names), dataset.train.images.shape[1], scaled=name != "B", twice=name == "C")
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, _shifted(dataset) if name == "D" else dataset


def _network(class_count: int, size: int, *, scaled: bool, twice: bool) -> keras.Model:
    """Two convolutions that stride instead of pooling: small enough to be examined in seconds."""
    seeds = iter(range(3))
    start = lambda: keras.initializers.GlorotUniform(seed=next(seeds))  # noqa: E731
    steps = [
        layers.Rescaling(1 / 255 if scaled else 1, name="scale"),
        layers.Conv2D(16, 3, strides=2, activation="relu", kernel_initializer=start(), name="conv_1"),
        layers.Conv2D(32, 3, strides=2, activation="relu", kernel_initializer=start(), name="conv_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(class_count, activation="softmax", kernel_initializer=start(), name="probabilities"),
    ]
    if twice:
        steps.append(layers.Softmax(name="softmax"))
    return keras.Sequential([keras.Input((size, size, 3), dtype="uint8", name="pixels"), *steps], name="patient")


def _shifted(dataset: Dataset) -> Dataset:
    """Every image with the label of its neighbour, as after skipping a line in one list and not in the other."""
    train, validation = (Split(split.images, np.roll(split.labels, 1)) for split in (dataset.train, dataset.validation))
    return replace(dataset, train=train, validation=validation)
