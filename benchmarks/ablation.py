"""Ablation of a recipe: train it whole and without each of its tricks, and store the run records.

    python -m benchmarks.ablation --recipe fast-mini --seeds 3

On two cores this takes hours with CIFAR-10. The same command resumes an interrupted ablation; finished runs are not
repeated. If other work slowed a run down, only its minutes are affected.
"""

import shlex
import sys
from pathlib import Path

import click

from cifar_lab import data
from cifar_lab.core import paths
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import ablation, run_table
from cifar_lab.training import recipes

# The notebook on experiments shows these cards, and can train any of them again.
CARDS = paths.home() / "notebooks" / "experiments" / "ablation"


def measure(pictures: Dataset, recipe: str, *, seeds: int, tricks: tuple[str, ...] = (), folder: Path = CARDS) -> str:
    """Train what is missing, write all cards into `folder`, and return the result as a Markdown table."""
    command = shlex.join(["python", "-m", "benchmarks.ablation", *sys.argv[1:]])
    found = ablation.run_ablation(pictures, recipe, seeds=seeds, tricks=tricks or None, command=command)
    run_table.write_records(found, folder)
    return ablation.summarise_ablation(found).table()


@click.command()
@click.option("--recipe", default="fast-mini", show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Runs of each.")
@click.option("--dataset", default="cifar10", show_default=True)
@click.option("--trick", "tricks", multiple=True, help="Only this one; may be given several times.")
@click.option("--list", "listed", is_flag=True, help="Name the tricks of the recipe, and train nothing.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=CARDS,
    help="Where the run records go (default: notebooks/experiments/ablation).",
)
def main(recipe, seeds, dataset, tricks, listed, folder):
    """Train a recipe whole and without each of its tricks, and print what each is worth."""
    if listed:
        click.echo("\n".join(ablation.without_each(recipes.get(recipe))))
        return
    click.echo(measure(data.load(dataset), recipe, seeds=seeds, tricks=tricks, folder=folder))


if __name__ == "__main__":
    main()
