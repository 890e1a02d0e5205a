"""The runs of an ablation: which recipes it trains, and training them, however often it is stopped."""

from collections.abc import Iterable
from itertools import product

from cifar_lab import training
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import evaluate, leaderboard
from cifar_lab.experiments.ablation.worth import WITHOUT
from cifar_lab.training import recipes, runs
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run

_MEAN_STEP = 0.55  # of the triangle schedule: (0.2 + 1) / 2 for 23 % of the steps, then (1 + 0.07) / 2


def without_each(recipe: str | Recipe) -> dict[str, Recipe]:
    """The recipes that lack one trick each, by the names of those tricks that the recipe uses."""
    base = recipes.get(recipe)
    tricks = {
        "whitening": {"whitening": False},
        "identity start": {"identity_start": False},
        "look-ahead": {"look_ahead": False},
        "fast biases": {"bias_rate": 1.0},
        "label smoothing": {"label_smoothing": 0.0},
        "pull to zero": {"l2": 0.0},
        "alternating flip": {"flip": "none" if base.flip == "none" else "random"},
        "flip": {"flip": "none"},
        "shift": {"shift": 0},
        "zoom": {"zoom": 0.0},
        "cutout": {"cutout": 0},
        # Without these two, steps as long as before on the whole: else it would be their length that is missed.
        "schedule": {"schedule": "constant", "learning_rate": base.learning_rate * _MEAN_STEP},
        "momentum": {"momentum": 0.0, "learning_rate": base.learning_rate / (1 - base.momentum)},
        "small images first": {"start_size": 0},
        "plain end": {"plain_epochs": 0},
    }
    unused = {"schedule": base.schedule == "constant", "momentum": base.momentum == 0}
    lacking = {trick: base.changed(**change) for trick, change in tricks.items() if not unused.get(trick)}
    return {
        trick: changed.changed(name=f"{base.name}{WITHOUT}{trick}")
        for trick, changed in lacking.items()
        if changed != base
    }


def run_ablation(
    dataset: Dataset,
    recipe: str | Recipe = "fast-mini",
    *,
    seeds: int = 3,
    tricks: Iterable[str] | None = None,
    progress: bool = True,
    command: str = "",
) -> list[Run]:
    """Train a recipe, and the recipe without each of its tricks, and measure all on the test split.

    What is finished already is not trained again, and a run that was killed goes on: so the same call goes on with a
    killed ablation. The first seed of all comes before the second of any.

    Args:
        dataset: what to learn.
        recipe: a name from `cifar_lab.training.recipes.RECIPES`, or a `Recipe`.
        seeds: how many runs of each, with seeds from 0.
        tricks: only these, by their names in `without_each`; all when not given.
        progress: show progress bars, and a line a run.
        command: what was typed to start this, for the run cards.

    Returns:
        The finished runs. One whose loss does not stay a number is left out, with a line that says so.

    Raises:
        ValueError: the recipe does not exist, or does not use a trick.
    """
    base = recipes.get(recipe)
    variants = [base, *_chosen(base, tricks)]
    facts, backend = runs.describe_dataset(dataset), keras.config.backend()
    finished = []
    for number, (seed, variant) in enumerate(product(range(seeds), variants), start=1):
        wanted = variant.changed(seed=seed)
        if progress:
            print(f"{number} of {seeds * len(variants)}: {wanted.name}, seed {seed}")
        try:
            done = runs.find_finished_run(wanted, facts, backend=backend) or training.train(
                dataset, wanted, resume=True, progress=progress, command=command
            )
        except training.DivergedError as error:
            print(f"Left out {wanted.name}, seed {seed}: {error}")
            continue
        finished.append(_measured(done, dataset, progress))
    return finished


def _chosen(base: Recipe, tricks: Iterable[str] | None) -> list[Recipe]:
    lacking = without_each(base)
    tricks = list(lacking) if tricks is None else list(tricks)
    if unknown := [trick for trick in tricks if trick not in lacking]:
        raise ValueError(f"{base.name} has no trick {', '.join(unknown)}. It has: {', '.join(lacking)}.")
    return [lacking[trick] for trick in tricks]


def _measured(done: Run, dataset: Dataset, progress: bool) -> Run:
    if not leaderboard.test_result(done):
        evaluate.evaluate_run(done, dataset, progress=progress)
    if not leaderboard.test_result(done, "test_mirror"):
        evaluate.evaluate_mirror(done, dataset, progress=progress)
    return runs.open_run(done.folder)
