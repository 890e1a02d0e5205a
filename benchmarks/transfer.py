"""Cats against dogs with few labels: from random weights, and from a network trained on other classes.

    python -m benchmarks.transfer --seeds 3

The start network was trained on the other eight classes of CIFAR-10. One that has been trained on cats and dogs, such
as `data/models/cifar10`, would only be tested on what it knows; that is measured too, under a name that says so.
Finished runs are not repeated, and the same command resumes an interrupted one.
"""

import shlex
import sys
from itertools import product
from pathlib import Path

import click

from benchmarks.ladder import spread
from cifar_lab import data, training
from cifar_lab.core import paths
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import evaluate, few_shot, run_table
from cifar_lab.training import recipes, runs
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.runs import Run

# Notebook 07 draws these cards.
CARDS = paths.home() / "notebooks" / "experiments" / "transfer"
TASK = ("cat", "dog")
LABELS = (10, 100, 1000)  # a class
# What the start was trained by. From random numbers the task is learnt by the same network, in smaller batches.
BACKBONE = recipes.get("fast-mini").changed(name="eight-classes")
# The fewer images, the more often each is seen: from random numbers; by the last layer alone; by all layers after that.
EPOCHS = {10: 60, 100: 40, 1000: 12}
FROZEN_EPOCHS = {10: 60, 100: 30, 1000: 10}
TUNED_EPOCHS = {10: 20, 100: 15, 1000: 8}
WARNING = "frozen, had seen them"  # starts from a network that has learnt cats and dogs already
BATCH_SIZE = {10: 4, 100: 16, 1000: 32}


def ways(labels: int, start: str) -> dict[str, Recipe]:
    """How the task is learnt from so many labels a class, by the names under which it is shown.

    No epoch is chosen: with ten labels a class nobody would have others to choose by.
    """
    scratch = {"epochs": EPOCHS[labels], "batch_size": 32, "learning_rate": 0.05, "start_size": 0, "keep": "last"}
    shared = {"batch_size": BATCH_SIZE[labels], "learning_rate": 0.003, "keep": "last"}
    frozen = shared | {"epochs": FROZEN_EPOCHS[labels]}
    tuned = shared | {"frozen_epochs": FROZEN_EPOCHS[labels], "flip": "random", "shift": 2}
    tuned["epochs"] = FROZEN_EPOCHS[labels] + TUNED_EPOCHS[labels]
    found = {
        "from scratch": BACKBONE.changed(**scratch),
        "frozen": recipes.get("transfer-frozen", start=start, **frozen),
        "fine-tuned": recipes.get("transfer", start=start, **tuned),
        WARNING: recipes.get("transfer-frozen", start="cifar10", **frozen),
    }
    return {way: recipe.changed(name=way) for way, recipe in found.items()}


def trained(dataset: Dataset, recipe: Recipe, command: str) -> Run:
    """The finished run of a recipe, trained now if need be, and measured on the test split."""
    facts = runs.describe_dataset(dataset)
    run = runs.find_finished_run(recipe, facts, backend=keras.config.backend()) or training.train(
        dataset, recipe, resume=True, progress=sys.stderr.isatty(), command=command
    )
    if not run_table.test_result(run):
        evaluate.evaluate_run(run, dataset)
    return runs.open_run(run.folder)


def measure(pictures: Dataset, *, seeds: int, labels: tuple[int, ...] = LABELS, folder: Path = CARDS) -> list[Run]:
    """Train and measure what is missing; the cards go into `folder`, the start's first."""
    command = shlex.join(["python", "-m", "benchmarks.transfer", *sys.argv[1:]])
    others = [name for name in pictures.class_names if name not in TASK]
    start = trained(pictures.subset(others), BACKBONE, command)
    found = [start]
    wanted = [(count, ways(count, start.folder.name)) for count in labels]
    learnt = [(count, recipe) for count, recipes_of in wanted for way, recipe in recipes_of.items() if way != WARNING]
    warnings = [(count, recipes_of[WARNING]) for count, recipes_of in wanted]
    for seed, (count, recipe) in product(range(seeds), learnt + warnings):
        # The validation images decide nothing here; a few are enough to draw curves.
        task = pictures.subset(TASK, train=count * len(TASK), validation=100, seed=seed)
        found.append(trained(task, recipe.changed(seed=seed), command))
        accuracy = found[-1].record["metrics"]["test"]["accuracy"]
        click.echo(f"{count} labels a class, {recipe.name}, seed {seed}: {accuracy:.1%}", err=True)
        run_table.write_records(map(short, found), folder)
    return found


def short(run: Run) -> Run:
    """A run whose card keeps no more than the last epoch of its history."""
    return Run(run.folder, run.record | {"history": run.history[-1:]})


def table(found: list[Run]) -> str:
    """The runs of the task as a Markdown table: a row for each number of labels, a column for each way."""
    accuracies = few_shot.accuracies_of_runs(
        run for run in found if len(run.record["dataset"]["class_names"]) == len(TASK)
    )
    lines = [f"| labels a class | {' | '.join(accuracies)} |", "|---" * (len(accuracies) + 1) + "|"]
    for count in sorted({count for row in accuracies.values() for count in row}):
        cells = [spread(row[count]) if count in row else "-" for row in accuracies.values()]
        lines.append(f"| {count:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Runs of each, on other labels.")
@click.option("--labels", type=click.Choice(list(map(str, LABELS))), multiple=True, help="Only this many a class.")
def main(seeds, labels):
    """Measure cats against dogs of CIFAR-10, and print a table: a row for each number of labels."""
    counts = tuple(map(int, labels)) or LABELS
    click.echo(table(measure(data.load("cifar10"), seeds=seeds, labels=counts)))


if __name__ == "__main__":
    main()
