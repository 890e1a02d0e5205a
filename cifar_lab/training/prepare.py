"""Build everything that a training run needs, once, from a dataset and a recipe."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.models.transfer import Features
from cifar_lab.training import build, callbacks, distillation, runs
from cifar_lab.training.callbacks import Callback
from cifar_lab.training.checkpoint import TrainingState, restore_checkpoint
from cifar_lab.training.distillation import SoftLabels
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.start import describe_start


@dataclass
class Job:
    """A training run under way: what the loop and its callbacks read and change.

    Attributes:
        recipe: how the network is trained.
        dataset: what it learns.
        model: the whole network.
        learner: what the steps train: the network, or its head alone while the backbone is frozen.
        train: what the learner is trained on: the training images, or their features.
        validation: likewise for validation.
        callbacks: called in their order.
        facts: what the run record says besides the result: dataset, start, teachers, command.
        folder: the run's folder.
        state: how far the run is.
        progress: show progress bars.
        printed: print a line per epoch.
        step: steps taken in this epoch.
    """

    recipe: Recipe
    dataset: Dataset
    model: keras.Model
    learner: keras.Model
    train: Split | Features
    validation: Split | Features | SoftLabels
    callbacks: list[Callback]
    facts: dict
    folder: Path | None = None
    state: TrainingState = field(default_factory=TrainingState)
    progress: bool = False
    printed: bool = False
    step: int = 0

    @property
    def epoch(self) -> int:
        """Epochs finished, which is the number of the running epoch counted from 0."""
        return self.state.epoch

    @property
    def steps_per_epoch(self) -> int:
        """Steps in each epoch; the last batch may be smaller."""
        return -(-len(self.dataset.train) // self.recipe.batch_size)

    @property
    def steps_done(self) -> int:
        """Steps since the first epoch began."""
        return self.epoch * self.steps_per_epoch + self.step

    @property
    def total_steps(self) -> int:
        """Steps of the whole run."""
        return self.recipe.epochs * self.steps_per_epoch

    @property
    def full_size(self) -> int:
        """Height and width of the dataset's images in pixels."""
        return self.dataset.train.images.shape[1]

    @property
    def image_size(self) -> int:
        """Height and width of the images in this epoch; 0 while features are trained on."""
        return self.recipe.image_size(self.epoch, self.full_size)

    @property
    def say(self) -> Callable[[str], None]:
        """Print a line, if the run prints its progress."""
        return print if self.printed else lambda line: None

    def call(self, event: str, *arguments) -> None:
        """Call the method named `event` of every callback."""
        for callback in self.callbacks:
            getattr(callback, event)(self, *arguments)

    def resume(self, folder: Path) -> None:
        """Run in `folder`, from its checkpoint if it has one.

        Raises:
            ValueError: the checkpoint is damaged, or of another network.
        """
        self.folder, self.state = folder, restore_checkpoint(folder, self.model)


def prepare(dataset: Dataset, recipe: Recipe, *, progress: bool = False, **facts) -> Job:
    """Build the network, its callbacks and the facts for the run record; nothing is written.

    Args:
        dataset: what to learn; the test split is not used.
        recipe: how.
        progress: show progress bars and print a line per epoch.
        **facts: more facts for the record, such as the `command`.

    Raises:
        ValueError: the recipe does not fit the dataset, or a start or teacher does not exist or does not fit.
    """
    model = build.build_model(dataset, recipe)
    facts |= {"dataset": runs.describe_dataset(dataset)}
    if recipe.start:
        facts["start"] = describe_start(recipe.start)
    chosen: list[Callback] = []
    validation: Split | SoftLabels = dataset.validation
    if recipe.whitening:
        chosen.append(callbacks.WhiteningFreeze())
    if recipe.frozen_epochs:
        chosen.append(callbacks.FrozenBackbone())
    if recipe.teachers:
        chosen.append(distillation.Teachers(recipe, dataset))
        facts["teachers"] = [describe_start(name) for name in recipe.teachers]
        # The loss then compares probabilities, so the labels become such.
        validation = distillation.one_hot(dataset.validation, len(dataset.class_names))
    if recipe.start_size:
        chosen.append(callbacks.ProgressiveResizing())
    chosen.append(callbacks.LearningRate())
    if recipe.look_ahead:
        chosen.append(callbacks.LookaheadSteps())
    chosen += [callbacks.KeepWeights(), callbacks.Checkpoint(), callbacks.ProgressReport()]
    shown = {"progress": progress, "printed": progress}
    return Job(recipe, dataset, model, model, dataset.train, validation, chosen, facts, **shown)
