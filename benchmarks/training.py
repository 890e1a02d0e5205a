"""Training images a second: the network of `fast-mini`, by `fit` behind Keras's layers, and by our recipe.

    python -m benchmarks --only training

Both take the same network, optimiser, batches and number of epochs. Ours shows small images first, as the recipe says,
and augments outside of the network.
"""

import time

from benchmarks.augmentation import some_images
from benchmarks.measure import Row
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Split
from cifar_lab.images.augmentation import shrink
from cifar_lab.training import recipes

_RECIPE = "fast-mini"


def measure(*, quick: bool = False) -> list[Row]:
    """The one comparison of this file: whole runs on noise, in turns."""
    split = _noise(1024 if quick else 4096)
    ways = [_usual(split), _ours(split)]
    figures: tuple[list[float], list[float]] = ([], [])
    for _ in progress_bar(range(1 if quick else 5), unit="round", desc="training"):
        for way, kept in zip(ways, figures, strict=True):
            started = time.perf_counter()
            epochs = way()
            kept.append(epochs * len(split) / (time.perf_counter() - started))
    what = f"training images, the network of {_RECIPE} (Keras's layers and fit)"
    return [Row(what, *figures, unit="/s", more_is_better=True)]


def _noise(count: int) -> Split:
    images = some_images(count)
    return Split(images, images[:, 0, 0, 0].astype("int64") % 10)


def _network():
    from cifar_lab import models

    recipe = recipes.get(_RECIPE)
    return models.build(recipe.model, widths=recipe.widths, activation=recipe.activation)


def _compile(model) -> None:
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")


def _usual(split: Split):
    """A function that trains once in the usual way, and says how many epochs that was.

    It is given one batch beforehand, so that no round pays for what happens the first time only.
    """
    from cifar_lab.core.keras_backend import keras

    recipe = recipes.get(_RECIPE)
    shift = recipe.shift / 32
    augmentation = [keras.layers.RandomFlip("horizontal"), keras.layers.RandomTranslation(shift, shift)]
    model = keras.Sequential([keras.Input((32, 32, 3), dtype="uint8"), *augmentation, _network()])
    _compile(model)
    options = {"batch_size": recipe.batch_size, "verbose": 0}
    model.fit(split.images[:512], split.labels[:512], **options)

    def once() -> int:
        model.fit(split.images, split.labels, epochs=recipe.epochs, **options)
        return recipe.epochs

    return once


def _ours(split: Split):
    """The same for ours."""
    from cifar_lab.training import batches

    recipe, model = recipes.get(_RECIPE), _network()
    _compile(model)
    for epoch in range(recipe.epochs):
        model.train_on_batch(shrink(split.images[:512], recipe.image_size(epoch, 32)), split.labels[:512])

    def once() -> int:
        for epoch in range(recipe.epochs):
            augmentation, size = recipe.augmentation_in(epoch), recipe.image_size(epoch, 32)
            shown = batches(split, recipe.batch_size, seed=0, epoch=epoch, augmentation=augmentation)
            for images, labels in shown:
                model.train_on_batch(shrink(images, size), labels)
        return recipe.epochs

    return once
