"""Ablation: train a recipe without each of its tricks to measure what each contributes.

    found = run_ablation(dataset, "fast-mini", seeds=3)  # hours on CIFAR-10; run it again to resume
    print(summarise_ablation(found).table())

Use several seeds: two seeds of the same recipe differ by about as much as some tricks contribute. `cifar_lab.plots`
draws the result (`ablation_bars`).
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from statistics import fmean

from cifar_lab import evaluation, training
from cifar_lab.core.text import markdown_table
from cifar_lab.data.dataset import Dataset
from cifar_lab.evaluation import Difference
from cifar_lab.experiments import evaluate
from cifar_lab.experiments.run_table import Spread, one_per_seed, test_result
from cifar_lab.training import recipes, runs
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run

MIRROR = "mirror images at the end"  # the only trick that needs no training of its own
_WITHOUT = " without "  # in the names of the ablated recipes
_MEAN_RATE = 0.55  # mean of the triangular schedule: (0.2 + 1) / 2 for 23 % of the steps, then (1 + 0.07) / 2


def without_each(recipe: str | Recipe) -> dict[str, Recipe]:
    """Return, by the name of each trick that a recipe uses, the recipe without that trick."""
    base = recipes.get(recipe)
    scheduled = base.schedule != "constant"
    tricks = {
        "whitening": {"whitening": False},
        "identity start": {"identity_start": False},
        "look-ahead": {"look_ahead": False},
        "fast biases": {"bias_rate": 1.0},
        "label smoothing": {"label_smoothing": 0.0},
        "pull to zero": {"l2": 0.0},
        "alternating flip": {"flip": "random"} if base.flip == "alternating" else {},
        "flip": {"flip": "none"},
        "shift": {"shift": 0},
        "zoom": {"zoom": 0.0},
        "cutout": {"cutout": 0},
        # Keep the mean step size the same, so that only the schedule or the momentum is compared.
        "schedule": {"schedule": "constant", "learning_rate": base.learning_rate * _MEAN_RATE} if scheduled else {},
        "momentum": {"momentum": 0.0, "learning_rate": base.learning_rate / (1 - base.momentum)},
        "small images first": {"start_size": 0},
        "plain end": {"plain_epochs": 0},
    }
    variants = {trick: base.changed(**change) for trick, change in tricks.items()}
    used = {trick: variant for trick, variant in variants.items() if variant != base}
    return {trick: variant.changed(name=f"{base.name}{_WITHOUT}{trick}") for trick, variant in used.items()}


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
        recipe: the name of a recipe, or a `Recipe`.
        seeds: runs per recipe, with seeds from 0.
        tricks: names from `without_each`; default: all.
        progress: show progress bars and a line per run.
        command: the command line, for the run records.

    Returns:
        The finished runs. Diverged runs are left out, and a line reports each.

    Raises:
        ValueError: the recipe does not exist, or does not use one of `tricks`.
    """
    base, variants = recipes.get(recipe), without_each(recipe)
    chosen = list(variants if tricks is None else tricks)
    if unknown := [trick for trick in chosen if trick not in variants]:
        raise ValueError(f"{base.name} does not use {', '.join(unknown)}. Its tricks are: {', '.join(variants)}.")
    finished = []
    planned = list(product(range(seeds), [base, *(variants[trick] for trick in chosen)]))
    for number, (seed, variant) in enumerate(planned, start=1):
        if progress:
            print(f"{number} of {len(planned)}: {variant.name}, seed {seed}")
        try:
            finished.append(_evaluated_run(dataset, variant.changed(seed=seed), progress=progress, command=command))
        except training.DivergedError as error:
            print(f"Left out {variant.name}, seed {seed}: {error}")
    return finished


def _evaluated_run(dataset: Dataset, recipe: Recipe, *, progress: bool, command: str) -> Run:
    from cifar_lab.core.keras_backend import keras  # here, so that a summary does not import TensorFlow

    run = runs.find_finished_run(recipe, runs.describe_dataset(dataset), backend=keras.config.backend())
    run = run or training.train(dataset, recipe, resume=True, progress=progress, command=command)
    if not test_result(run):
        evaluate.evaluate_run(run, dataset, progress=progress)
    if not test_result(run, "test_mirror"):
        evaluate.evaluate_mirror(run, dataset, progress=progress)
    return runs.open_run(run.folder)


@dataclass(frozen=True)
class Trick:
    """Runs without one trick, and its effect.

    Attributes:
        name: name of the trick.
        accuracies: accuracy on the test split with mirror test-time augmentation, one per seed, 0-1.
        minutes: mean training time.
        lost: mean accuracy of the full recipe minus mean accuracy without the trick, -1 to 1.
        difference: the statistical comparison; `None` with too few seeds for one.
    """

    name: str
    accuracies: tuple[float, ...]
    minutes: float
    lost: float
    difference: Difference | None


@dataclass(frozen=True)
class Ablation:
    """The result: names of recipe and dataset, the runs of the full recipe, and its tricks, most important first."""

    recipe: str
    dataset: str
    full: Trick
    tricks: tuple[Trick, ...]

    def table(self) -> str:
        """Return the result as a Markdown table."""
        rows = [("without", "accuracy", "points lost", "95 % interval", "minutes", "runs")]
        for trick in (self.full, *self.tricks):
            lost = "" if trick is self.full else f"{round(100 * trick.lost, 1) + 0:.1f}"  # + 0: no "-0.0"
            interval = " to ".join(f"{100 * end:.1f}" for end in trick.difference.interval) if trick.difference else "-"
            accuracy, minutes = Spread.of(trick.accuracies).percent(), f"{trick.minutes:.1f}"
            rows.append((trick.name, accuracy, lost, interval, minutes, str(len(trick.accuracies))))
        return markdown_table(rows)


def summarise_ablation(found: Iterable[Run]) -> Ablation:
    """Summarise the evaluated runs of an ablation, from `run_ablation` or `read_runs`; other runs are left out.

    Raises:
        ValueError: no run has the full recipe, or there are several recipes or datasets.
    """
    groups: dict[str, list[Run]] = {}
    for run in found:
        if test_result(run) and test_result(run, "test_mirror"):
            groups.setdefault(run.record["recipe"]["name"], []).append(run)
    full_names = [name for name in groups if _WITHOUT not in name]
    datasets = {run.record["dataset"]["fingerprint"] for group in groups.values() for run in group}
    if len(full_names) != 1 or len(datasets) != 1:
        names = ", ".join(full_names) or "none"
        raise ValueError(f"An ablation needs runs of one full recipe on one dataset; the full recipes are: {names}.")
    full_runs = one_per_seed(groups.pop(full_names[0]))
    full = _trick("nothing: the full recipe", full_runs)
    tricks = [_trick(MIRROR, full_runs, full.accuracies, key="test")]
    for name, group in groups.items():
        tricks.append(_trick(name.partition(_WITHOUT)[2], one_per_seed(group), full.accuracies))
    tricks.sort(key=lambda trick: -trick.lost)
    return Ablation(full_names[0], full_runs[0].record["dataset"]["name"], full, tuple(tricks))


def _trick(name: str, group: list[Run], full: Sequence[float] = (), *, key: str = "test_mirror") -> Trick:
    accuracies = tuple(run.record["metrics"][key]["accuracy"] for run in group)
    lost, difference = fmean(full or accuracies) - fmean(accuracies), None
    with contextlib.suppress(ValueError):  # too few seeds, or no variance
        difference = evaluation.compare_seeds(full, accuracies, same_networks=key == "test")
    return Trick(name, accuracies, fmean(run.record["minutes"] for run in group), lost, difference)
