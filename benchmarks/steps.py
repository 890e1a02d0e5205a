"""Training images a second of a recipe's network: Keras's normalisation against ours, float32 against bfloat16.

    KERAS_BACKEND=torch python -m benchmarks.steps shipped fast-huge

Steps on batches of noise, with the usual way (Keras's layer, float32) and each other way in turns. What helps depends
on the processor: look before you train for hours with `--precision bfloat16`.
"""

from unittest import mock

import click

from benchmarks.augmentation import some_images
from benchmarks.measure import compare, table
from cifar_lab import models
from cifar_lab.core.keras_backend import keras
from cifar_lab.models import airbench
from cifar_lab.training import build, recipes

_WAYS = {
    "ours, float32": (airbench.BatchNorm, "float32"),
    "Keras's, bfloat16": (keras.layers.BatchNormalization, "bfloat16"),
    "ours, bfloat16": (airbench.BatchNorm, "bfloat16"),
}


def step(recipe: recipes.Recipe, normalization, precision: str):
    """A function that takes one step of a recipe with another normalisation."""
    options = {"widths": recipe.widths, "precision": precision}
    if recipe.activation:
        options["activation"] = recipe.activation
    with mock.patch.object(airbench, "BatchNorm", _as_ours(normalization)):
        model = models.build("fast", **options)
    build.compile_model(model, recipe)
    airbench.freeze_whitening(model)  # as it is after three epochs
    images = some_images(recipe.batch_size)
    labels = images[:, 0, 0, 0].astype("int64") % 10
    return lambda: model.train_on_batch(images, labels)


def _as_ours(normalization):
    return lambda axis, **settings: normalization(axis=axis, scale=False, epsilon=1e-12, momentum=0.6, **settings)


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--rounds", type=click.IntRange(1), default=5, show_default=True)
def main(names, rounds):
    """Measure the recipes NAMES, of fast networks: shipped, fast-mini and others."""
    rows = []
    for name in names:
        recipe = recipes.get(name)
        usual = step(recipe, keras.layers.BatchNormalization, "float32")
        for way, (normalization, precision) in _WAYS.items():
            what = f"training images, {name}, {way} (Keras's, float32)"
            rows.append(
                compare(what, usual, step(recipe, normalization, precision), rounds=rounds, items=recipe.batch_size)
            )
    click.echo(f"Keras on {keras.config.backend()}\n\n{table(rows)}")


if __name__ == "__main__":
    main()
