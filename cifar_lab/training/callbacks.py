"""What a recipe adds to the training loop: one small interface, and a callback for each idea."""

import numpy as np

from cifar_lab.core.eta import TimeEstimate
from cifar_lab.core.progress import progress_bar
from cifar_lab.images.augmentation import shrink
from cifar_lab.models import airbench, transfer
from cifar_lab.training import build, checkpoint, optimizers

WHITENING_BIAS_EPOCHS = 3  # the bias of the whitening layer is trained this long; its kernel never is


class Callback:
    """Something that happens during training; each method does nothing unless it is overridden.

    `job` is the `cifar_lab.training.prepare.Job`: the callback may read and change it.
    """

    def on_epoch_begin(self, job) -> None:
        """Before the first batch of an epoch; `job.epoch` counts from 0."""

    def on_batch_begin(self, job, images: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Before a step. Return the images and labels that it is taken with."""
        return images, labels

    def on_batch_end(self, job) -> None:
        """After a step; `job.step` counts from 1 in each epoch."""

    def on_epoch_end(self, job, row: dict) -> None:
        """After an epoch and its validation; `row` is its entry in the history, and `job.epoch` the next epoch."""

    def on_train_end(self, job) -> None:
        """When the loop ends, however it ends."""


class WhiteningFreeze(Callback):
    """Stop training the bias of the whitening layer after `WHITENING_BIAS_EPOCHS` (Jordan, 2024)."""

    def on_epoch_begin(self, job) -> None:
        if job.epoch >= WHITENING_BIAS_EPOCHS:
            airbench.freeze_whitening(job.model)


class FrozenBackbone(Callback):
    """Train the head alone, on features computed once, for the recipe's `frozen_epochs`; then the whole network."""

    def on_epoch_begin(self, job) -> None:
        frozen = job.epoch < job.recipe.frozen_epochs
        if frozen and job.learner is job.model:
            backbone, job.learner = transfer.split_backbone_and_head(job.model)
            build.compile_model(job.learner, job.recipe, job.model.optimizer)
            splits = (job.dataset.train, job.dataset.validation)
            job.train, job.validation = (
                transfer.extract_features(backbone, split, progress=job.progress) for split in splits
            )
        elif job.epoch == job.recipe.frozen_epochs:
            job.learner, job.train, job.validation = job.model, job.dataset.train, job.dataset.validation
            build.compile_model(job.model, job.recipe)  # a new optimizer: the old one's state is of the head alone


class ProgressiveResizing(Callback):
    """Shrink the images to the size that the recipe has for the epoch."""

    def on_batch_begin(self, job, images, labels):
        size = job.image_size
        return (shrink(images, size) if size else images), labels


class LearningRate(Callback):
    """Set the learning rate of each step by the recipe's schedule."""

    def on_epoch_begin(self, job) -> None:
        recipe = job.recipe
        self._rate = recipe.learning_rate * (recipe.unfrozen_rate if job.epoch >= recipe.frozen_epochs else 1)
        job.learner.optimizer.learning_rate = self._rate

    def on_batch_begin(self, job, images, labels):
        if job.recipe.schedule == "triangle":
            share = optimizers.triangular_schedule(job.steps_done - 1, job.total_steps)
            job.learner.optimizer.learning_rate = self._rate * share
        return images, labels


class LookaheadSteps(Callback):
    """Pull the network back to its slow average every few steps, and at the end of each epoch.

    At the end of an epoch the two are equal, so that a checkpoint needs only one of them.
    """

    def __init__(self):
        self._lookahead: optimizers.Lookahead | None = None

    def on_epoch_begin(self, job) -> None:
        if self._lookahead is None:  # here, since a checkpoint may have been restored since the job was prepared
            self._lookahead = optimizers.Lookahead(job.model)

    def on_batch_end(self, job) -> None:
        if job.steps_done % self._lookahead.EVERY == 0 or job.step == job.steps_per_epoch:
            self._lookahead.update(job.steps_done / job.total_steps)


class KeepWeights(Callback):
    """Keep the weights that the run ends with, as the recipe's `keep` says: of one epoch, or a mean of two."""

    def on_epoch_begin(self, job) -> None:
        self._before = job.model.get_weights() if job.recipe.keep in ("mean", "half-way") else None

    def on_epoch_end(self, job, row) -> None:
        job.state.keep(job.model, keep=job.recipe.keep, before=self._before)


class Checkpoint(Callback):
    """Save the whole state of the run after every epoch."""

    def on_epoch_end(self, job, row) -> None:
        checkpoint.save_checkpoint(job.folder, job.model, job.state)


class ProgressReport(Callback):
    """Show a progress bar, estimate the time that is left, and print a line per epoch."""

    def __init__(self):
        self._bar = None

    def on_epoch_begin(self, job) -> None:
        recipe = job.recipe
        if self._bar is None:
            done, total = job.epoch * job.steps_per_epoch, job.total_steps
            self._bar = progress_bar(total=total, initial=done, unit="step", shown=job.progress)
            sizes = [recipe.image_size(epoch, job.full_size) for epoch in range(job.epoch, recipe.epochs)]
            work = job.steps_per_epoch * sum(size**2 for size in sizes)
            self._estimate = TimeEstimate(self._bar, job.say, work=work)
        self._bar.set_description(f"epoch {job.epoch + 1}/{recipe.epochs}")

    def on_batch_end(self, job) -> None:
        self._estimate.step(work=job.image_size**2)

    def on_epoch_end(self, job, row) -> None:
        self._bar.clear()
        frozen = " (frozen)" if row["epoch"] <= job.recipe.frozen_epochs else ""
        job.say(
            f"epoch {row['epoch']}/{job.recipe.epochs}: loss {row['loss']:.3f}, accuracy {row['accuracy']:.1%}; "
            f"on validation {row['validation_accuracy']:.1%}{frozen}"
        )

    def on_train_end(self, job) -> None:
        if self._bar is not None:
            self._bar.close()
