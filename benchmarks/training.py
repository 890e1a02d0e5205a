"""Training: minutes to the accuracy of the tutorial network, on CIFAR-10 if it is there.

- The tutorials' way: two convolutions, `fit` with Adam in batches of 32, eight epochs. The validation accuracy that it
  ends with is the one to reach.
- The best ordinary way: what a practitioner sets up in Keras without inventing anything. The widths and the batch size
  of `fast-mini`, in convolutions with batch norm; SGD with Nesterov momentum, a warm-up and a cosine schedule; a
  `tf.data` pipeline that flips, crops and prefetches.
- Ours: the recipe `fast-mini`.

The latter two train for the smallest number of epochs in `_EPOCHS` that reaches the accuracy; attempts with fewer are
not counted. All times include building the network, tracing, and validation after each epoch.
"""

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from benchmarks.augmentation import flip_and_shift
from benchmarks.measure import OURS, Row, summarise
from cifar_lab import data, models, training
from cifar_lab.core.keras_backend import keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.training import recipes

layers = keras.layers

# The sketches have a ninth of CIFAR-10's images: smaller batches, and a learning rate in proportion.
_CHANGES = {"cifar10": {}, "sketches": {"batch_size": 128, "learning_rate": 0.1875}}
_EPOCHS = (1, 2, 3, 4, 6, 8, 12)
_LEARNING_RATE, _WEIGHT_DECAY = 0.1, 5e-4  # SGD's, for batches of 128; the rate grows with the batch


@dataclass(frozen=True)
class Trained:
    """A finished training: its epochs, validation accuracies of its network, and the seconds until each."""

    epochs: int
    accuracies: list[float]
    seconds: list[float]

    def minutes_to(self, accuracy: float) -> float | None:
        """Return the minutes until an accuracy was first reached, or None if it never was."""
        reached = (seconds for found, seconds in zip(self.accuracies, self.seconds, strict=True) if found >= accuracy)
        seconds = next(reached, None)
        return None if seconds is None else seconds / 60


def measure(*, quick: bool = False) -> list[Row]:
    """Train in each way in turns; with `quick`, only the speed on a part of the sketches."""
    name = "cifar10" if data.is_here("cifar10") and not quick else "sketches"
    dataset, recipe = data.load(name), recipes.get("fast-mini", **_CHANGES[name])
    if quick:
        dataset = dataset.subset(train=1000, validation=100)
    rates, minutes = (
        {way: [] for way in ("fit, batches of 32", "fit, cosine schedule, tf.data", OURS)} for _ in range(2)
    )
    marks = []
    for seed in progress_bar(range(1 if quick else 3), unit="round", desc=f"trainings on {name}"):
        tutorial = fit_tutorial(dataset, seed=seed, epochs=2 if quick else 8)
        mark = 0.0 if quick else tutorial.accuracies[-1]
        ordinary = _shortest(partial(fit_well, dataset, recipe.batch_size, seed=seed), mark)
        ours = _shortest(partial(train_ours, dataset, recipe.changed(seed=seed)), mark)
        for way, trained in zip(rates, (tutorial, ordinary, ours), strict=True):
            rates[way].append(trained.epochs * len(dataset.train) / trained.seconds[-1])
            minutes[way].append(trained.minutes_to(mark))
        marks.append(f"{mark:.1%}")
    if quick:  # the networks differ, so this shows no more than that each way works
        return [summarise("training images per second, part of the sketches", rates, unit="/s", more_is_better=True)]
    if any(None in found for found in minutes.values()):
        print(f"Not every run reached the tutorial network's accuracy, {', '.join(marks)}: {minutes}", file=sys.stderr)
        return []
    what = f"time to the tutorial network's accuracy on {name} ({', '.join(marks)})"
    return [summarise(what, minutes, unit="min")]


def _shortest(train: Callable[..., Trained], mark: float) -> Trained:
    """Train with more and more epochs until an accuracy is reached; return the last training."""
    for epochs in _EPOCHS:
        trained = train(epochs=epochs)
        if trained.minutes_to(mark) is not None:
            break
    return trained


def fit_tutorial(dataset: Dataset, *, seed: int, epochs: int) -> Trained:
    """Train the tutorial network as tutorials do."""

    def fit(clock: keras.callbacks.Callback):
        model = models.build("tutorial", class_count=len(dataset.class_names))
        model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model.fit(
            dataset.train.images,
            dataset.train.labels,
            validation_data=(dataset.validation.images, dataset.validation.labels),
            epochs=epochs,
            callbacks=[clock],
            verbose=0,
        )

    return _timed(fit, seed)


def fit_well(dataset: Dataset, batch_size: int, *, seed: int, epochs: int) -> Trained:
    """Train a small network with batch norm as a practitioner would."""

    def fit(clock: keras.callbacks.Callback):
        model, steps = _practitioners_network(len(dataset.class_names)), epochs * (len(dataset.train) // batch_size)
        peak, warmup = _LEARNING_RATE * batch_size / 128, steps // 4
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, decay_steps=steps - warmup, warmup_target=peak, warmup_steps=warmup
        )
        optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=_WEIGHT_DECAY)
        model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
        return model.fit(
            _pipeline(dataset.train, batch_size, seed=seed),
            shuffle=False,  # the pipeline does it
            validation_data=_pipeline(dataset.validation, 500),
            epochs=epochs,
            callbacks=[clock],
            verbose=0,
        )

    return _timed(fit, seed)


def _practitioners_network(class_count: int) -> keras.Model:
    def blocks() -> Iterator[keras.layers.Layer]:
        for width in recipes.get("fast-mini").widths:
            for pooling in ([layers.MaxPooling2D()], []):
                convolution = layers.Conv2D(width, 3, padding="same", use_bias=False)
                yield from (convolution, *pooling, layers.BatchNormalization(momentum=0.9), layers.ReLU())

    head = [layers.GlobalAveragePooling2D(), layers.Dense(class_count, activation="softmax")]
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, -1.0), *blocks(), *head])


def _pipeline(split, batch_size: int, *, seed: int | None = None):
    """Return a `tf.data` pipeline of a split: shuffled, in whole batches and augmented if there is a seed."""
    import tensorflow as tf

    pipeline = tf.data.Dataset.from_tensor_slices((split.images, split.labels))
    if seed is None:
        return pipeline.batch(batch_size).cache().prefetch(tf.data.AUTOTUNE)
    pipeline = pipeline.shuffle(len(split), seed=seed).batch(batch_size, drop_remainder=True)
    augmented = pipeline.map(
        lambda images, labels: (flip_and_shift(images), labels), num_parallel_calls=tf.data.AUTOTUNE
    )
    return augmented.prefetch(tf.data.AUTOTUNE)


def _timed(fit: Callable, seed: int) -> Trained:
    keras.utils.set_random_seed(seed)
    ends, started = [], time.perf_counter()
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter() - started))
    history = fit(clock).history
    return Trained(len(ends), history["val_accuracy"], ends)


def train_ours(dataset: Dataset, recipe: recipes.Recipe, *, epochs: int) -> Trained:
    """Train by a recipe; only the end counts, since the run keeps no network of an earlier epoch."""
    started = time.perf_counter()
    run = training.train(dataset, recipe, epochs=epochs, progress=False)
    seconds = time.perf_counter() - started
    shutil.rmtree(run.folder)
    return Trained(epochs, [run.record["metrics"]["validation"]["accuracy"]], [seconds])
