"""Minutes to the tutorial network's accuracy: plain Keras `fit`, and our quickest recipe.

    python -m benchmarks --only accuracy

On CIFAR-10 where it is at hand, else on the sketches; the row says which. The usual way is the tutorial as it stands in
hundreds of places: eight epochs of `fit`. What it ends at on the validation images is the mark. Its time is that of the
first epoch that reaches the mark, ours that of the whole run, which must pass it.
"""

import shutil
import time

from benchmarks.measure import LeftOut, Row
from cifar_lab import data
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.training import recipes

# The sketches are a tenth of CIFAR-10: smaller batches, with steps in proportion, and more rounds through the images.
_CHANGES = {"cifar10": {}, "sketches": {"epochs": 6, "batch_size": 128, "learning_rate": 0.1875}}
_ROUNDS = {"cifar10": 2, "sketches": 3}


def measure(*, quick: bool = False) -> list[Row]:
    """Train both ways with one seed after the other, in turns."""
    if quick:
        raise LeftOut("it trains for minutes; run it without --quick.")
    name = "cifar10" if data.is_here("cifar10") else "sketches"
    pictures, recipe = data.load(name), recipes.get("fast-mini", **_CHANGES[name])
    figures: tuple[list[float], list[float]] = ([], [])
    reached = []
    for seed in progress_bar(range(_ROUNDS[name]), unit="round", desc=f"trainings on {name}"):
        mark, minutes = usual_way(pictures, seed)
        ours, own_minutes = our_way(pictures, recipe.changed(seed=seed))
        if ours < mark:
            raise LeftOut(f"with seed {seed} ours ended at {ours:.1%}, the tutorial at {mark:.1%}: no time to compare.")
        figures[0].append(minutes)
        figures[1].append(own_minutes)
        reached.append((mark, ours))
    marks, ends = (f"{sum(part) / len(part):.1%}" for part in zip(*reached, strict=True))
    what = f"time to the tutorial network's accuracy on {name}: {marks} (fit, 8 epochs), ours {ends}"
    return [Row(what, *figures, unit="min")]


def usual_way(pictures: Dataset, seed: int) -> tuple[float, float]:
    """The tutorial's accuracy on the validation images after its eight epochs, and the minutes until it was reached."""
    from cifar_lab import models
    from cifar_lab.core.keras_backend import keras

    keras.utils.set_random_seed(seed)
    model, ends = models.build("tutorial", class_count=len(pictures.class_names)), []
    clock = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
    started = time.perf_counter()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(
        pictures.train.images,
        pictures.train.labels,
        validation_data=(pictures.validation.images, pictures.validation.labels),
        epochs=recipes.get("tutorial").epochs,
        callbacks=[clock],
        verbose=0,
    ).history["val_accuracy"]
    first = next(epoch for epoch, accuracy in enumerate(history) if accuracy >= history[-1])
    return history[-1], (ends[first] - started) / 60


def our_way(pictures: Dataset, recipe: recipes.Recipe) -> tuple[float, float]:
    """The accuracy at the end of a recipe, and the minutes of the whole run; it leaves nothing in `runs/`."""
    from cifar_lab import training

    started = time.perf_counter()
    run = training.train(pictures, recipe, progress=False)
    minutes = (time.perf_counter() - started) / 60
    shutil.rmtree(run.folder)
    return run.record["metrics"]["validation"]["accuracy"], minutes
