"""A small healthy network and four broken ones, to practise the sanity checks on.

    model, dataset = lessons.load_broken_model("A", dataset)
    print(lessons.run_sanity_checks(model, dataset))

Spoiler: the code below gives the answers. Each broken model is the healthy one with a single line changed.
"""

from dataclasses import replace

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset, Split

layers = keras.layers
NAMES = ("healthy", "A", "B", "C", "D")


def load_broken_model(name: str, dataset: Dataset) -> tuple[keras.Model, Dataset]:
    """Build one of the models, and return it with the dataset to train it on.

    Args:
        name: `"healthy"`, or `"A"` to `"D"`.
        dataset: the images to train on.

    Returns:
        The compiled model with fresh weights, the same on every call; and the dataset, changed if the fault is there.

    Raises:
        ValueError: no model has that name.
    """
    if name not in NAMES:
        raise ValueError(f"There is no broken model {name!r}. Choose one of: {', '.join(NAMES)}.")
    rate = 10.0 if name == "A" else 0.003
    model = _network(len(dataset.class_names), dataset.train.images.shape[1], scaled=name != "B", twice=name == "C")
    model.compile(keras.optimizers.Adam(rate), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, _shifted(dataset) if name == "D" else dataset


def _network(class_count: int, size: int, *, scaled: bool, twice: bool) -> keras.Model:
    """Build two convolutions with strides instead of pooling: small enough to check in seconds."""
    seeds = iter(range(3))
    glorot = lambda: keras.initializers.GlorotUniform(seed=next(seeds))  # noqa: E731
    steps = [
        layers.Rescaling(1 / 255 if scaled else 1, name="scale"),
        layers.Conv2D(16, 3, strides=2, activation="relu", kernel_initializer=glorot(), name="conv_1"),
        layers.Conv2D(32, 3, strides=2, activation="relu", kernel_initializer=glorot(), name="conv_2"),
        layers.Flatten(name="flatten"),
        layers.Dense(class_count, activation="softmax", kernel_initializer=glorot(), name="probabilities"),
    ]
    if twice:
        steps.append(layers.Softmax(name="softmax"))
    return keras.Sequential([keras.Input((size, size, 3), dtype="uint8", name="pixels"), *steps], name="patient")


def _shifted(dataset: Dataset) -> Dataset:
    """Give every image its neighbour's label, as if a line had been skipped in only one of two lists."""
    train, validation = (Split(split.images, np.roll(split.labels, 1)) for split in (dataset.train, dataset.validation))
    return replace(dataset, train=train, validation=validation)
