"""The search for a recipe: trials that start from the same weights, of which the bad ones are stopped early."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cifar_lab.core import paths
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.search import space, state
from cifar_lab.experiments.search.state import Search
from cifar_lab.training import recipes, runs
from cifar_lab.training.recipe import Recipe


def find_recipe(
    dataset: Dataset,
    recipe: str | Recipe = "tutorial",
    *,
    trials: int | None = None,
    first: int = 1,
    reduction: int = 3,
    seed: int = 0,
    resume: bool = False,
    progress: bool = True,
    cluster: str | None = None,
    cpus_per_trial: int = 1,
    gpus_per_trial: float = 0,
    storage: str | Path | None = None,
    command: str = "",
    **fields,
) -> Search:
    """Try recipes, stop the bad ones early, and find the best, judged on the validation images.

    All trials have `first` epochs; the best third goes on to three times as many, the best third of those to nine
    times, and so on, until the last ones have all their epochs (successive halving: Jamieson and Talwalkar, 2016). What
    starts slowly and ends well can be lost by that; `reduction=1` trains every trial to its end.

    Each trial leaves a checkpoint after every epoch, from which it goes on. The test images are not looked at.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        recipe: what the trials have in common: a name from `cifar_lab.training.recipes.RECIPES`, or a `Recipe`.
        trials: how many combinations to try, drawn by chance; `None` for all of them.
        first: epochs that each trial has before the first are stopped.
        reduction: one in how many goes on.
        seed: fixes which combinations are drawn, and is the seed of every trial's recipe.
        resume: go on with the newest unfinished search of just these trials, if there is one.
        progress: show a progress bar, and a line a trial.
        cluster: spread the trials over this Ray cluster: `"auto"`, or its address such as `"10.0.0.1:6379"`. There no
            trial waits for others: it is stopped unless it is among the best of those that have come as far before it
            (asynchronous successive halving: Li and others, 2020).
        cpus_per_trial: processor cores for each trial on a cluster.
        gpus_per_trial: GPUs for each trial on a cluster.
        storage: the folder to make the search's folder in, `runs/` when not given. All machines of a cluster must
            see it under the same name.
        command: what was typed to start this.
        **fields: fields of the recipe. A list of values, or `search.Between(low, high)`, is searched; any other value
            is the same in all trials, such as `epochs=4`.

    Returns:
        The finished search: `.best` is the recipe, `.best_run` the network, `.table()` and `.trials` the rest.

    Raises:
        ValueError: the choices make no sense, no trial finished, or there is no such cluster, or no Ray.
        KeyboardInterrupt: passed on, after a line that says how to go on.
    """
    say = print if progress else _silent
    plan = {"first": first, "reduction": reduction}
    tried = _recipes(recipes.get(recipe, seed=seed), fields, trials, plan)
    # Trials don't get the test images at all: so nothing can be chosen by them.
    visible = replace(dataset, test=dataset.test.take(np.arange(0)))
    with _place(cluster, cpus=cpus_per_trial, gpus=gpus_per_trial) as run_trials:
        search = _begin(dataset, tried, plan, resume=resume, storage=storage, command=command, say=say)
        try:
            run_trials(search, visible, say=say, progress=progress)
        except KeyboardInterrupt:
            say(f"Stopped after {search.epochs} epochs of all trials. To go on, search the same with resume=True.")
            raise
        search.finish()
    say(search.sentence())
    return search


def _recipes(recipe: Recipe, fields: dict, trials: int | None, plan: dict) -> list[tuple[dict, Recipe]]:
    """For each trial what is special about it, and its whole recipe."""
    searched, same = space.split_choices(fields)
    if plan["reduction"] < 1 or plan["first"] < 1:
        raise ValueError(f"first and reduction must be at least 1, not {plan['first']!r} and {plan['reduction']!r}.")
    if "epochs" in searched and plan["reduction"] > 1:
        raise ValueError(
            "Trials of different epochs can't be stopped early in a fair way: add reduction=1, or fix epochs."
        )
    common = space.recipe_with(recipe, same)
    drawn = space.draw_changes(searched, trials=trials, seed=recipe.seed)
    names = (f"{recipe.name}-trial{number}" for number in range(1, len(drawn) + 1))
    return [(changes, space.recipe_with(common, changes | {"name": next(names)})) for changes in drawn]


def _begin(dataset, tried: list, plan: dict, *, resume: bool, storage, command: str, say) -> Search:
    """The unfinished search to go on with, or a new one."""
    parent = Path(storage or paths.runs_folder()).expanduser().resolve()
    facts = runs.describe_dataset(dataset)
    plan |= {"fingerprint": facts["fingerprint"]}
    search = state.find_unfinished_search(tried, plan=plan, parent=parent) if resume else None
    if search:
        say(f"Resuming {search.folder.name}: {search.epochs} epochs are done.")
    return search or state.start_search(tried, plan=plan, dataset_facts=facts, command=command, parent=parent)


@contextmanager
def _place(address: str | None, *, cpus: int, gpus: float) -> Iterator[Callable]:
    """Where the trials run; what a cluster lacks is said before anything is written."""
    if not address:
        yield run_here
        return
    from cifar_lab.experiments.search import cluster  # here: it needs Ray, which others need not have

    with cluster.connected_search(address):
        yield partial(cluster.spread, cpus=cpus, gpus=gpus)


def cuts(epochs: int, *, first: int, reduction: int) -> list[int]:
    """After how many epochs the worst trials are stopped, and at last the whole number of epochs."""
    found, cut = [], first
    while reduction > 1 and cut < epochs:
        found.append(cut)
        cut *= reduction
    return [*found, epochs]


def run_here(search: Search, dataset: Dataset, *, say, progress: bool) -> None:
    """Train the trials of a search one after the other, in rounds, and stop the worst after each round."""
    from cifar_lab.experiments.search import trials  # here, so that only who trains waits for Keras

    plan = search.plan
    running, most = search.trials, max(trial.recipe.epochs for trial in search.trials)
    for cut in cuts(most, first=plan["first"], reduction=plan["reduction"]):
        for trial in running:
            if len(trial.history) < min(cut, trial.recipe.epochs) and not trial.problem:
                until = min(cut, trial.recipe.epochs)
                trials.advance(
                    trial, search, dataset, until=until, progress=progress, after_epoch=lambda _: search.save()
                )
                search.save()
                say(trial.sentence())
        ranked = sorted(running, key=lambda trial: (-trial.accuracy(cut), trial.number))
        running = ranked[: math.ceil(len(ranked) / plan["reduction"])]
        running.sort(key=lambda trial: trial.number)


def _silent(_line: str) -> None:
    pass
