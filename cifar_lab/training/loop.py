"""The training loop: from a recipe and a dataset to a finished run, with a checkpoint after every epoch.

    run = training.train(dataset, "tutorial", epochs=8)
    run.record["metrics"]["validation"]["accuracy"]

`prepare` builds everything once, `train_epochs` is the loop, `finish` writes the run. What a recipe adds to the loop is
in `callbacks`. All randomness comes from the recipe's seed and the number of the epoch, never from what happened
before: a run that was killed and resumed ends with the same weights, to the last bit, as one that was not, on the
same machine: another processor rounds differently.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from cifar_lab.core.keras_backend import evaluate_in_batches
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.images.augmentation import Augmentation
from cifar_lab.models.transfer import Features
from cifar_lab.training import recipes, runs
from cifar_lab.training.callbacks import Callback
from cifar_lab.training.finish import finish
from cifar_lab.training.prepare import Job, prepare
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run
from cifar_lab.training.tensorboard import FOLDER, TensorBoard


class DivergedError(ValueError):
    """The loss is no longer a number: the learning rate was too large."""


def train(
    dataset: Dataset,
    recipe: str | Recipe = "tutorial",
    *,
    resume: bool = False,
    progress: bool = True,
    tensorboard: bool = False,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    **changes,
) -> Run:
    """Train a network by a recipe, and leave a run with its record in `runs/`.

    Only the train and validation splits are used; the test split is for `cifar_lab.evaluation`.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        recipe: a name from `cifar_lab.training.RECIPES`, or a `Recipe`.
        resume: continue the newest unfinished run of the same recipe and dataset, if there is one.
        progress: show a progress bar, and print a line per epoch.
        tensorboard: write the curves for TensorBoard into the run's folder; a resumed run that has them continues
            them in any case. To see them: `pip install tensorboard`, then `tensorboard --logdir runs`.
        command: what was typed to start this, for the record.
        callbacks: called after those of the recipe, such as one that raises an exception to stop the run.
        **changes: fields of the recipe to change, such as `epochs=2` or `seed=1`.

    Returns:
        The finished run. Its network is that of the epoch with the best validation accuracy, or of the last epoch, or a
            mean of several, as the recipe's `keep` says.

    Raises:
        ValueError: the recipe does not exist or is inconsistent, the checkpoint does not fit, or the loss has become
            NaN or infinite.
        KeyboardInterrupt: passed on, after a line that says how to resume.
    """
    recipe = recipes.get(recipe, **changes)
    job = prepare(dataset, recipe, progress=progress, command=command)  # first: if it fails, no run is left behind
    facts = job.facts["dataset"]
    job.resume((runs.find_unfinished_run(recipe, facts) if resume else None) or runs.start_run(recipe, facts))
    if job.epoch:
        job.say(f"Resuming {job.folder.name} after epoch {job.epoch} of {recipe.epochs}.")
    if tensorboard or (job.folder / FOLDER).is_dir():
        job.callbacks.append(TensorBoard())
    job.callbacks += callbacks
    try:
        train_epochs(job)
    except KeyboardInterrupt:
        job.say(f"Stopped after epoch {job.epoch} of {recipe.epochs}. To resume, train the same with resume=True.")
        raise
    return finish(job)


def train_epochs(job: Job) -> None:
    """Train the epochs that are left.

    Args:
        job: from `prepare`, with a folder.

    Raises:
        DivergedError: the loss has become NaN or infinite.
    """
    recipe = job.recipe
    try:
        while job.epoch < recipe.epochs:
            started, totals, job.step = time.perf_counter(), np.zeros(2), 0
            job.call("on_epoch_begin")
            augmentation = recipe.augmentation_in(job.epoch)
            for images, labels in batches(
                job.train, recipe.batch_size, seed=recipe.seed, epoch=job.epoch, augmentation=augmentation
            ):
                job.step += 1
                for callback in job.callbacks:
                    images, labels = callback.on_batch_begin(job, images, labels)
                loss_and_accuracy = job.learner.train_on_batch(images, labels)
                totals += np.multiply(loss_and_accuracy, len(labels))
                job.call("on_batch_end")
            loss, accuracy = totals / len(job.train)
            row = {"epoch": job.epoch + 1, "loss": float(loss), "accuracy": float(accuracy)}
            row |= evaluate_in_batches(job.learner, job.validation)
            _check_finite(row, recipe)
            job.state.add(row, seconds=time.perf_counter() - started)
            job.call("on_epoch_end", row)
    finally:
        job.call("on_train_end")


def batches(
    split: Split | Features, batch_size: int, *, seed: int, epoch: int, augmentation: Augmentation | None = None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield all images of a split once, in an order that depends on the seed and the epoch alone.

    Args:
        split: images `(n, height, width, 3)` uint8, 0-255, and labels `(n,)` int64; or features of them.
        batch_size: images per batch; the last one may be smaller.
        seed: the recipe's seed.
        epoch: the number of the epoch, from 0.
        augmentation: how the images are augmented; not at all when not given.

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


def _check_finite(row: dict, recipe: Recipe) -> None:
    if not np.isfinite([row["loss"], row["validation_loss"]]).all():
        raise DivergedError(
            f"The loss is no longer a number after epoch {row['epoch']}: the steps are too large. "
            f"Train with a smaller learning_rate than {recipe.learning_rate:g}, such as {recipe.learning_rate / 10:g}."
        )
