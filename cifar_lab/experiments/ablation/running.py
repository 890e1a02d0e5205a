"""Run an ablation: which recipes to train, and training them resumably."""

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

_MEAN_RATE = 0.55  # mean of the triangular schedule: (0.2 + 1) / 2 for 23 % of the steps, then (1 + 0.07) / 2


def without_each(recipe: str | Recipe) -> dict[str, Recipe]:
    """Return, by the name of each trick that a recipe uses, the recipe without that trick."""
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
        # Keep the mean step size the same, so that only the schedule or the momentum is compared.
        "schedule": {"schedule": "constant", "learning_rate": base.learning_rate * _MEAN_RATE},
        "momentum": {"momentum": 0.0, "learning_rate": base.learning_rate / (1 - base.momentum)},
        "small images first": {"start_size": 0},
        "plain end": {"plain_epochs": 0},
    }
    unused = {"schedule": base.schedule == "constant", "momentum": base.momentum == 0}
    variants = {trick: base.changed(**change) for trick, change in tricks.items() if not unused.get(trick)}
    return {
        trick: variant.changed(name=f"{base.name}{WITHOUT}{trick}")
        for trick, variant in variants.items()
        if variant != base
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
    """Train a recipe with and without each of its tricks, and evaluate all runs on the test split.

    Finished runs are not repeated and unfinished ones are resumed, so call it again to resume an ablation. All recipes
    are trained with the first seed before any is with the second.

    Args:
        dataset: the dataset to train on.
        recipe: a name from `cifar_lab.training.recipes.RECIPES`, or a `Recipe`.
        seeds: runs per recipe, with seeds from 0.
        tricks: names from `without_each`; default: all.
        progress: show progress bars and a line per run.
        command: the command line, for the run records.

    Returns:
        The finished runs. Diverged runs are left out, and a line reports each.

    Raises:
        ValueError: the recipe does not exist, or does not use one of `tricks`.
    """
    base = recipes.get(recipe)
    variants = [base, *_chosen(base, tricks)]
    facts, backend = runs.describe_dataset(dataset), keras.config.backend()
    finished = []
    for number, (seed, variant) in enumerate(product(range(seeds), variants), start=1):
        seeded = variant.changed(seed=seed)
        if progress:
            print(f"{number} of {seeds * len(variants)}: {seeded.name}, seed {seed}")
        try:
            run = runs.find_finished_run(seeded, facts, backend=backend) or training.train(
                dataset, seeded, resume=True, progress=progress, command=command
            )
        except training.DivergedError as error:
            print(f"Left out {seeded.name}, seed {seed}: {error}")
            continue
        finished.append(_evaluated(run, dataset, progress))
    return finished


def _chosen(base: Recipe, tricks: Iterable[str] | None) -> list[Recipe]:
    variants = without_each(base)
    tricks = list(variants) if tricks is None else list(tricks)
    if unknown := [trick for trick in tricks if trick not in variants]:
        raise ValueError(f"{base.name} does not use {', '.join(unknown)}. Its tricks are: {', '.join(variants)}.")
    return [variants[trick] for trick in tricks]


def _evaluated(run: Run, dataset: Dataset, progress: bool) -> Run:
    if not leaderboard.test_result(run):
        evaluate.evaluate_run(run, dataset, progress=progress)
    if not leaderboard.test_result(run, "test_mirror"):
        evaluate.evaluate_mirror(run, dataset, progress=progress)
    return runs.open_run(run.folder)
