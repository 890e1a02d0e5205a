"""Training: from a recipe and a dataset to a finished run, with a checkpoint after every epoch.

    run = training.train(dataset, "tutorial", epochs=8)
    run.record["metrics"]["validation"]["accuracy"]

Everything random comes from the recipe's seed and the number of the epoch, never from what happened before: so a run
that was killed and resumed ends in the same network, to the last bit, as one that was not. Resuming needs the same
machine for that; another processor rounds differently.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from cifar_lab.core import files
from cifar_lab.core.eta import TimeEstimate
from cifar_lab.core.keras_backend import batch_size_within_memory, keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.images.augmentation import Augmentation, shrink
from cifar_lab.models import airbench, transfer
from cifar_lab.models.transfer import Features
from cifar_lab.training import build, checkpoint, distillation, optimizers, recipes, runs, weight_averaging
from cifar_lab.training.checkpoint import TrainingState
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run
from cifar_lab.training.start import describe_start
from cifar_lab.training.tensorboard import EventLog, is_logged

_WHITENING_BIAS_EPOCHS = 3  # so long the first layer's bias is trained; its kernel never is


class DivergedError(ValueError):
    """The loss is no longer a number: the steps were too large."""


def train(
    dataset: Dataset,
    recipe: str | Recipe = "tutorial",
    *,
    resume: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    command: str = "",
    **changes,
) -> Run:
    """Train a network by a recipe and leave a run card in `runs/`.

    Only the train and validation splits are used; the test split is for `cifar_lab.evaluation`.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        recipe: a name from `cifar_lab.training.recipes.RECIPES`, or a `Recipe`.
        resume: go on with the newest unfinished run of the same recipe and dataset, if there is one.
        progress: show a progress bar, and a line an epoch.
        tensorboard: write the curves for TensorBoard too, into the run's folder; a resumed run that has them goes on
            with them in any case. To look at them: `pip install tensorboard`, then `tensorboard --logdir runs`.
        command: what was typed to start this, for the run card.
        **changes: fields of the recipe to change, such as `epochs=2` or `seed=1`.

    Returns:
        The finished run. Its network is that of the epoch with the best validation accuracy, or of the last
            epoch, or a mean of several, as the recipe's `keep` says.

    Raises:
        ValueError: the recipe does not exist or makes no sense, the checkpoint to resume does not fit, or the loss
            has become NaN or infinite.
        KeyboardInterrupt: passed on, after a line that says how to go on.
    """
    recipe = recipes.get(recipe, **changes)
    facts = runs.describe_dataset(dataset)
    model = build.build_model(dataset, recipe)  # first, so that a recipe that makes no sense leaves no run behind
    origins = {"start": describe_start(recipe.start)} if recipe.start else {}
    if recipe.teachers:
        distillation.Teachers(recipe, dataset)  # refuses those that do not fit, before there is a run
        origins["teachers"] = [describe_start(name) for name in recipe.teachers]
    folder = (runs.find_unfinished_run(recipe, facts) if resume else None) or runs.start_run(recipe, facts)
    state = checkpoint.restore_checkpoint(folder, model)
    say = print if progress else _silent
    if state.epoch:
        say(f"Resuming {folder.name} after epoch {state.epoch} of {recipe.epochs}.")
    log = EventLog(folder, state.history) if tensorboard or is_logged(folder) else None
    try:
        _run_epochs(model, dataset, recipe, state, folder, say, progress, after_epoch=log and log.add)
    except KeyboardInterrupt:
        say(f"Stopped after epoch {state.epoch} of {recipe.epochs}. To go on, train the same with resume=True.")
        raise
    told = {"command": command, "dataset": facts} | origins
    return _finish(model, dataset, recipe, state, folder, told)


def _run_epochs(
    model, dataset, recipe: Recipe, state: TrainingState, folder, say, progress: bool, *, until=None, after_epoch=None
) -> None:
    """Train the epochs that are left, or those up to `until`; `state` is what was reached, and is saved after each.

    Then `after_epoch` is told the row of the epoch.
    """
    steps = -(-len(dataset.train) // recipe.batch_size)  # rounded up: the last batch may be smaller
    teachers = distillation.Teachers(recipe, dataset) if recipe.teachers else None
    look_ahead = optimizers.Lookahead(model) if recipe.look_ahead else None
    learner = None
    with progress_bar(
        total=steps * recipe.epochs, initial=steps * state.epoch, unit="step", shown=progress
    ) as steps_bar:
        sizes = [recipe.image_size(epoch, dataset.train.images.shape[1]) for epoch in range(recipe.epochs)]
        clock = TimeEstimate(steps_bar, say, work=steps * sum(size**2 for size in sizes[state.epoch :]))
        while state.epoch < (until or recipe.epochs):
            started = time.perf_counter()
            steps_bar.set_description(f"epoch {state.epoch + 1}/{recipe.epochs}")
            if recipe.whitening and state.epoch >= _WHITENING_BIAS_EPOCHS:
                airbench.freeze_whitening(model)
            if learner is None or state.epoch == recipe.frozen_epochs:
                learner, train, validation = _stage(model, dataset, recipe, state.epoch, progress)
            before = model.get_weights() if recipe.keep in ("mean", "half-way") else None
            row = {"epoch": state.epoch + 1}
            row |= _one_epoch(learner, train, recipe, state.epoch, look_ahead, clock, sizes[state.epoch], teachers)
            row |= _validate(learner, validation)
            _check_finite(row, recipe)
            state.add(row, model, seconds=time.perf_counter() - started, keep=recipe.keep, before=before)
            checkpoint.save_checkpoint(folder, model, state)
            steps_bar.clear()
            say(_line(row, recipe))
            if after_epoch:
                after_epoch(row)


def _stage(model: keras.Model, dataset: Dataset, recipe: Recipe, epoch: int, progress: bool) -> tuple:
    """What learns from an epoch on, what it is shown, and what it is validated on.

    That is the network, on images; or in the frozen epochs its last layer, on what all the others make of the images.
    """
    if epoch < recipe.frozen_epochs:
        backbone, head = transfer.split_backbone_and_head(model)
        build.compile_model(head, recipe, model.optimizer)
        splits = (dataset.train, dataset.validation)
        return head, *(transfer.extract_features(backbone, split, progress=progress) for split in splits)
    if epoch == recipe.frozen_epochs > 0:
        build.compile_model(model, recipe)  # a new one: what it knew was about the last layer alone
    return model, dataset.train, _validation(dataset, recipe)


def _validation(dataset: Dataset, recipe: Recipe) -> Split | distillation.SoftLabels:
    """The validation split; with teachers the loss compares probabilities, and so its labels become such."""
    return distillation.one_hot(dataset.validation, len(dataset.class_names)) if recipe.teachers else dataset.validation


def _one_epoch(
    model,
    split: Split | Features,
    recipe: Recipe,
    epoch: int,
    look_ahead,
    clock: TimeEstimate,
    size: int,
    teachers=None,
) -> dict:
    """Take the steps of one epoch; returns the mean loss and accuracy over its images as they were shown.

    `size` is their height and width; 0 for features, which have none. With teachers, accuracy is how often the network
    says what they say.
    """
    totals = np.zeros(2)
    steps = -(-len(split) // recipe.batch_size)
    shown = batches(split, recipe.batch_size, seed=recipe.seed, epoch=epoch, augmentation=recipe.augmentation_in(epoch))
    if teachers:
        shown = teachers.answer(shown, epoch)
    rate = recipe.learning_rate * (recipe.unfrozen_rate if epoch >= recipe.frozen_epochs else 1)
    model.optimizer.learning_rate = rate
    for number, (images, labels) in enumerate(shown, start=1):
        done, all_steps = epoch * steps + number, recipe.epochs * steps
        if recipe.schedule == "triangle":
            model.optimizer.learning_rate = rate * optimizers.triangular_schedule(done - 1, all_steps)
        loss_and_accuracy = model.train_on_batch(shrink(images, size) if size else images, labels)
        totals += np.multiply(loss_and_accuracy, len(labels))
        # After the last step of an epoch too: then the two networks are the same, and a checkpoint needs only one.
        if look_ahead and (done % look_ahead.EVERY == 0 or number == steps):
            look_ahead.update(done / all_steps)
        clock.step(work=size**2)
    loss, accuracy = totals / len(split)
    return {"loss": float(loss), "accuracy": float(accuracy)}


def batches(
    split: Split | Features, batch_size: int, *, seed: int, epoch: int, augmentation: Augmentation | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All images of a split once, in an order that depends on the seed and the epoch alone.

    Args:
        split: images `(n, height, width, 3)` uint8, 0-255, and labels `(n,)` int64; or features of them.
        batch_size: images a batch; the last one may be smaller.
        seed: the recipe's seed.
        epoch: the number of the epoch, from 0.
        augmentation: what is done to the images; nothing when not given.

    Yields:
        `(images, labels)` of one batch.
    """
    augmentation = augmentation or Augmentation()
    order = np.random.default_rng([seed, epoch]).permutation(len(split))
    mirrored = augmentation.mirrored(len(split), seed=seed, epoch=epoch)
    rng = np.random.default_rng([seed, epoch, 2])
    for first in range(0, len(split), batch_size):
        chosen = order[first : first + batch_size]
        yield augmentation(split.images[chosen], mirrored[chosen], rng), split.labels[chosen]


def _validate(model: keras.Model, split: Split) -> dict:
    """Batch by batch: `model.evaluate` makes a pipeline of its own each time, which takes longer than a small split."""
    totals = np.zeros(2)
    count = batch_size_within_memory(model, split.images, 500)
    for first in range(0, len(split), count):
        images, labels = split.images[first : first + count], split.labels[first : first + count]
        totals += np.multiply(model.test_on_batch(images, labels), len(labels))
    loss, accuracy = totals / len(split)
    return {"validation_loss": float(loss), "validation_accuracy": float(accuracy)}


def _check_finite(row: dict, recipe: Recipe) -> None:
    if not np.isfinite([row["loss"], row["validation_loss"]]).all():
        raise DivergedError(
            f"The loss is no longer a number after epoch {row['epoch']}: the steps are too large. "
            f"Train with a smaller learning_rate than {recipe.learning_rate:g}, such as {recipe.learning_rate / 10:g}."
        )


def _finish(model: keras.Model, dataset: Dataset, recipe: Recipe, state: TrainingState, folder, facts: dict) -> Run:
    """Save the best network, then the card: a run with a card is a finished run."""
    model.set_weights(state.best_weights)
    reached = state.best
    if recipe.keep in ("mean", "half-way"):  # networks that no epoch has measured
        weight_averaging.update_batch_norm(model, dataset.train.images)
        if recipe.keep == "half-way":
            weight_averaging.interpolate_half_way(model, recipe.start, dataset)
        reached = _validate(model, _validation(dataset, recipe))
    path = folder / runs.MODEL
    stock = airbench.fold_batch_norm(model, dataset.train.images.shape[1]) if recipe.model == "fast" else model
    files.write_whole(path, lambda unfinished: stock.save(unfinished, include_optimizer=False))
    card = {
        "format": 1,
        "name": folder.name,
        "recipe": recipe.to_dict(),
        **facts,
        "metrics": {
            "validation": {"accuracy": reached["validation_accuracy"], "loss": reached["validation_loss"]},
            "best_epoch": state.best_epoch,
            "parameters": model.count_params(),
        },
        "history": state.history,
        "weights_sha256": checkpoint.weights_sha256(model.get_weights()),
        "model_sha256": files.sha256(path),
        "model_bytes": path.stat().st_size,
        "minutes": round(state.seconds / 60, 2),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": runs.describe_machine(),
        "versions": runs.package_versions() | {"backend": keras.config.backend()},
    }
    files.write_json(folder / runs.RECORD, card)
    (folder / checkpoint.FILE_NAME).unlink(missing_ok=True)
    return Run(folder, card)


def _line(row: dict, recipe: Recipe) -> str:
    seen = f"loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}"
    frozen = " (frozen)" if row["epoch"] <= recipe.frozen_epochs else ""
    return f"epoch {row['epoch']}/{recipe.epochs}: {seen}; on validation {row['validation_accuracy']:.1%}{frozen}"


def _silent(_line) -> None:
    pass
