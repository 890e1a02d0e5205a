"""Training: from a recipe and a dataset to a finished run, with a checkpoint after every epoch.

    run = training.train(dataset, "tutorial", epochs=8)
    run.card["metrics"]["validation"]["accuracy"]

Everything random comes from the recipe's seed and the number of the epoch, never from what happened before: so a run
that was killed and resumed ends in the same network, to the last bit, as one that was not. Resuming needs the same
machine for that; another processor rounds differently.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from cifar_lab import checkpoint, files, models, recipes, runs
from cifar_lab.backend import keras
from cifar_lab.checkpoint import Progress
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.progress import bar
from cifar_lab.recipes import Recipe
from cifar_lab.runs import Run


def train(
    dataset: Dataset,
    recipe: str | Recipe = "tutorial",
    *,
    resume: bool = False,
    progress: bool = True,
    **changes,
) -> Run:
    """Train a network by a recipe and leave a run card in `runs/`.

    Only the train and validation splits are used; the test split is for `cifar_lab.evaluation`.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        recipe: a name from `cifar_lab.recipes.RECIPES`, or a `Recipe`.
        resume: go on with the newest unfinished run of the same recipe and dataset, if there is one.
        progress: show a progress bar, and a line an epoch.
        **changes: fields of the recipe to change, such as `epochs=2` or `seed=1`.

    Returns:
        The finished run. Its network is that of the epoch with the best validation accuracy.

    Raises:
        ValueError: the recipe does not exist or makes no sense, the checkpoint to resume does not fit, or the loss
            has become NaN or infinite.
        KeyboardInterrupt: passed on, after a line that says how to go on.
    """
    recipe = recipes.get(recipe, **changes)
    facts = _dataset_facts(dataset)
    model = _fresh_model(dataset, recipe)  # first, so that a recipe that makes no sense leaves no run behind
    folder = (runs.find_unfinished(recipe, facts) if resume else None) or runs.start(recipe, facts)
    state = checkpoint.restore(folder, model)
    say = print if progress else _silent
    if state.epoch:
        say(f"Resuming {folder.name} after epoch {state.epoch} of {recipe.epochs}.")
    try:
        _run_epochs(model, dataset, recipe, state, folder, say, progress)
    except KeyboardInterrupt:
        say(f"Stopped after epoch {state.epoch} of {recipe.epochs}. To go on, train the same with resume=True.")
        raise
    return _finish(model, recipe, state, folder, facts)


def _fresh_model(dataset: Dataset, recipe: Recipe) -> keras.Model:
    keras.utils.set_random_seed(recipe.seed)  # the starting weights
    size = dataset.train.images.shape[1]
    model = models.build(recipe.model, class_count=len(dataset.class_names), input_size=size)
    try:
        optimizer = keras.optimizers.get(recipe.optimizer)
    except ValueError:
        raise ValueError(f"There is no optimizer {recipe.optimizer!r}. Keras has adam, adamw, sgd and more.") from None
    optimizer.learning_rate = recipe.learning_rate
    # The labels are class numbers, not one-hot rows: hence "sparse".
    model.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    optimizer.build(model.trainable_variables)  # now, so that a checkpoint finds its variables
    return model


def _run_epochs(model, dataset: Dataset, recipe: Recipe, state: Progress, folder, say, progress: bool) -> None:
    """Train the epochs that are left; `state` is what has been reached, and is saved after each."""
    steps = -(-len(dataset.train) // recipe.batch_size)  # rounded up: the last batch may be smaller
    with bar(total=steps * recipe.epochs, initial=steps * state.epoch, unit="step", shown=progress) as steps_bar:
        while state.epoch < recipe.epochs:
            started = time.perf_counter()
            steps_bar.set_description(f"epoch {state.epoch + 1}/{recipe.epochs}")
            row = {"epoch": state.epoch + 1} | _one_epoch(model, dataset.train, recipe, state.epoch, steps_bar)
            row |= _validate(model, dataset.validation)
            _check_finite(row, recipe)
            state.add(row, model, seconds=time.perf_counter() - started)
            checkpoint.save(folder, model, state)
            steps_bar.clear()
            say(_line(row, recipe.epochs))


def _one_epoch(model: keras.Model, split: Split, recipe: Recipe, epoch: int, steps_bar) -> dict:
    """Take the steps of one epoch; returns the mean loss and accuracy over its images as they were shown."""
    totals = np.zeros(2)
    for images, labels in batches(split, recipe.batch_size, seed=recipe.seed, epoch=epoch):
        totals += np.multiply(model.train_on_batch(images, labels), len(labels))  # [loss, accuracy] of this batch
        steps_bar.update()
    loss, accuracy = totals / len(split)
    return {"loss": float(loss), "accuracy": float(accuracy)}


def batches(split: Split, batch_size: int, *, seed: int, epoch: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All images of a split once, in an order that depends on the seed and the epoch alone.

    Args:
        split: images `(n, height, width, 3)` uint8, 0-255, and labels `(n,)` int64.
        batch_size: images a batch; the last one may be smaller.
        seed: the recipe's seed.
        epoch: the number of the epoch, from 0.

    Yields:
        `(images, labels)` of one batch.
    """
    order = np.random.default_rng([seed, epoch]).permutation(len(split))
    for first in range(0, len(split), batch_size):
        chosen = order[first : first + batch_size]
        yield split.images[chosen], split.labels[chosen]


def _validate(model: keras.Model, split: Split) -> dict:
    logs = model.evaluate(split.images, split.labels, batch_size=500, verbose=0, return_dict=True)
    return {"validation_loss": float(logs["loss"]), "validation_accuracy": float(logs["accuracy"])}


def _check_finite(row: dict, recipe: Recipe) -> None:
    if not np.isfinite([row["loss"], row["validation_loss"]]).all():
        raise ValueError(
            f"The loss is no longer a number after epoch {row['epoch']}: the steps are too large. "
            f"Train with a smaller learning_rate than {recipe.learning_rate:g}, such as {recipe.learning_rate / 10:g}."
        )


def _finish(model: keras.Model, recipe: Recipe, state: Progress, folder, facts: dict) -> Run:
    """Save the best network, then the card: a run with a card is a finished run."""
    model.set_weights(state.best_weights)
    path = folder / runs.MODEL
    files.write_whole(path, lambda unfinished: model.save(unfinished, include_optimizer=False))
    card = {
        "format": 1,
        "name": folder.name,
        "recipe": recipe.to_dict(),
        "dataset": facts,
        "metrics": {
            "validation": {"accuracy": state.best["validation_accuracy"], "loss": state.best["validation_loss"]},
            "best_epoch": state.best_epoch,
            "parameters": model.count_params(),
        },
        "history": state.history,
        "weights_sha256": checkpoint.weights_sha256(state.best_weights),
        "model_sha256": files.sha256(path),
        "minutes": round(state.seconds / 60, 2),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": runs.machine(),
        "versions": runs.versions() | {"backend": keras.config.backend()},
    }
    files.write_json(folder / runs.CARD, card)
    (folder / checkpoint.FILE_NAME).unlink(missing_ok=True)
    return Run(folder, card)


def _dataset_facts(dataset: Dataset) -> dict:
    """What a run card says of its dataset: enough to know whether two runs saw the same."""
    sizes = {name: len(getattr(dataset, name)) for name in ("train", "validation", "test")}
    return {
        "name": dataset.name,
        "origin": dataset.origin,
        "class_names": list(dataset.class_names),
        "sizes": sizes,
        "fingerprint": dataset.fingerprint(),
    }


def _line(row: dict, epochs: int) -> str:
    seen = f"loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}"
    return f"epoch {row['epoch']}/{epochs}: {seen}; on validation {row['validation_accuracy']:.1%}"


def _silent(_line: str) -> None:
    pass
