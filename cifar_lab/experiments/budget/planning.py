"""From run cards to what can be had in a time, and how this machine compares with theirs."""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import leaderboard
from cifar_lab.experiments.leaderboard.reading import without_seed
from cifar_lab.training import build, recipes, runs
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run

_FIRST = 3  # steps that are not timed: the first prepares the network, and its like are slower than the rest


@dataclass(frozen=True)
class Offer:
    """What a recipe reached, and what that took.

    Attributes:
        recipe: its name, for `training.train`.
        epochs: how many.
        minutes: of training.
        accuracy: on the validation split, 0-1, the mean over the seeds: by this it is chosen, so that the test split
            stays unused.
        seeds: how many runs the figures are from.
    """

    recipe: str
    epochs: int
    minutes: float
    accuracy: float
    seeds: int = 1

    def sentence(self) -> str:
        """The offer in words."""
        time_taken = f"{60 * self.minutes:.0f} seconds" if self.minutes < 1 else f"{self.minutes:.1f} minutes"
        epochs = "1 epoch" if self.epochs == 1 else f"{self.epochs} epochs"
        return f"{self.recipe}, {epochs}: {self.accuracy:.1%} on validation in about {time_taken}"


def budget_offers(found: Sequence[Run], *, backend: str = "tensorflow") -> list[Offer]:
    """What some runs show that can be had, the quickest first.

    A run whose steps all have the same length may as well stop early: it is an offer after each of its epochs. With a
    schedule the last epochs are what the others were for, and only the whole run is one.

    Args:
        found: finished runs on one dataset, or recorded cards. Those by other recipes than those that
            `cifar_lab.training.recipes.RECIPES` names are left out, but for their epochs, and so are baselines.
        backend: only what was trained with Keras on this: the others' minutes are different.

    Raises:
        ValueError: the runs are about different pictures.
    """
    known = [run for run in found if _is_named(run) and run.record["versions"].get("backend") == backend]
    if len({run.record["dataset"]["fingerprint"] for run in known}) > 1:
        raise ValueError("A budget is about one dataset, but these runs are about different pictures.")
    groups: dict[str, list[Run]] = {}
    for run in known:
        groups.setdefault(without_seed(run), []).append(run)
    listed = [offer for group in groups.values() for offer in _offers_of(leaderboard.one_per_seed(group))]
    return sorted(listed, key=lambda offer: offer.minutes)


def _is_named(run: Run) -> bool:
    """Whether `training.train` does the same by the recipe's name, but for epochs and seed."""
    recipe = runs.full_recipe(run.record)
    base = recipes.RECIPES.get(recipe["name"])
    return bool(base) and base.to_dict() | {key: recipe.get(key) for key in ("epochs", "seed")} == recipe


def _offers_of(group: list[Run]) -> list[Offer]:
    recipe = group[0].record["recipe"]
    name, whole = recipe["name"], recipe["epochs"]
    minutes = statistics.fmean(run.record["minutes"] for run in group)
    may_stop = recipe.get("schedule", "constant") == "constant" and recipe.get("keep", "best") == "best"
    if not may_stop or any(len(run.history) != whole for run in group):
        accuracy = statistics.fmean(run.record["metrics"]["validation"]["accuracy"] for run in group)
        return [Offer(name, whole, minutes, accuracy, len(group))]
    return [
        Offer(name, epochs, minutes * epochs / whole, statistics.fmean(_kept(run, epochs) for run in group), len(group))
        for epochs in range(1, whole + 1)
    ]


def _kept(run: Run, epochs: int) -> float:
    """The validation accuracy of the network that a run would have kept after some epochs."""
    return max(row["validation_accuracy"] for row in run.history[:epochs])


def machine_slowness(reference: Run, dataset: Dataset, *, steps: int = 40) -> float:
    """How many times as long a step of training takes here as it took in a run elsewhere.

    It trains a fresh network by the recipe of the run's name for some steps and throws it away. Other programs that are
    running count, as they would later. A step's length in the run is its minutes over its steps, its validations
    included.

    Args:
        reference: a finished run of a network whose steps are all alike, such as one of the recipe `"tutorial"`.
        dataset: of images as large as the run's; at least one batch of them.
        steps: how many are timed.

    Returns:
        1 on a machine like the run's, 2 on one that is half as fast.

    Raises:
        ValueError: the dataset has not enough images, the run took no time, `steps` is below 1, or there is no recipe
            of that name.
    """
    recipe = recipes.get(reference.record["recipe"]["name"], epochs=reference.record["recipe"]["epochs"])
    train, minutes = reference.record["dataset"]["sizes"]["train"], reference.record["minutes"]
    if steps < 1 or minutes <= 0:
        raise ValueError(f"At least one step and a run that took time are needed, not {steps} and {minutes} minutes.")
    if len(dataset.train) < recipe.batch_size:
        raise ValueError(f"A step takes {recipe.batch_size} images, but there are only {len(dataset.train)}.")
    there = 60 * minutes / (recipe.epochs * -(-train // recipe.batch_size))
    return _seconds_a_step(dataset, recipe, steps) / there


def _seconds_a_step(dataset: Dataset, recipe: Recipe, steps: int) -> float:
    model = build.build_model(dataset, recipe)
    whole = len(dataset.train) // recipe.batch_size * recipe.batch_size  # no smaller batch at the end
    images, labels = dataset.train.images[:whole], dataset.train.labels[:whole]
    started = 0.0
    for step in range(_FIRST + steps):
        if step == _FIRST:
            started = time.perf_counter()
        first = step * recipe.batch_size % whole
        model.train_on_batch(*(part[first : first + recipe.batch_size] for part in (images, labels)))
    return (time.perf_counter() - started) / steps


def best_offer(found: Sequence[Offer], *, minutes: float, slowness: float = 1.0) -> Offer:
    """The most accurate offer that fits into a time; of equally accurate ones the quickest.

    Args:
        found: from `budget_offers`.
        minutes: the time there is.
        slowness: how many times as long everything takes here, from the function of that name.

    Returns:
        The offer, with its minutes as they will be here.

    Raises:
        ValueError: nothing fits; the sentence says what would be the quickest.
    """
    here = [dataclasses.replace(offer, minutes=offer.minutes * slowness) for offer in found]
    if not here:
        raise ValueError("Nothing was measured, so there is nothing to choose from.")
    fitting = [offer for offer in here if offer.minutes <= minutes]
    if not fitting:
        quickest = min(here, key=lambda offer: offer.minutes)
        raise ValueError(
            f"Nothing that was measured fits into {minutes:g} minutes. The quickest is {quickest.sentence()}."
        )
    return max(fitting, key=lambda offer: (offer.accuracy, -offer.minutes))
