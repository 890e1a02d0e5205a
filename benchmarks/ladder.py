"""The ladder of recipes: accuracy against minutes on this machine, one row per recipe.

    python -m benchmarks.ladder tutorial fast-mini fast-small --seeds 3

Trains what is missing, and prints the table. This takes from minutes to hours; the same command resumes an interrupted
ladder. Minutes compare only if nothing else ran on the machine.
"""

import statistics
from functools import partial

import click

from cifar_lab import data, evaluation, training
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.training import recipes, runs
from cifar_lab.training.recipe import COMPUTE_PRECISIONS
from cifar_lab.training.runs import Run


def climb(preset: str, seed: int, dataset: Dataset, precision: str) -> Run:
    """The finished run of a preset, trained now if need be, with its test accuracy in each kind of view on its card."""
    recipe = recipes.get(preset, seed=seed)
    if recipe.model == "fast":
        recipe = recipe.changed(precision=precision)
    finished = runs.find_finished_run(recipe, runs.describe_dataset(dataset), backend=keras.config.backend())
    run = finished or training.train(dataset, recipe, resume=True)
    if "test_views" in run.record["metrics"]:
        return run
    predict = partial(run.load_model().predict, batch_size=500, verbose=0)
    answers = {kind: evaluation.predict_with_views(predict, dataset.test.images, kind) for kind in evaluation.VIEWS}
    right = {kind: float((rows.argmax(axis=1) == dataset.test.labels).mean()) for kind, rows in answers.items()}
    return run.add_metrics(test_views=right)


def table(ladder: dict[str, list[Run]]) -> str:
    """The runs as a Markdown table; the first preset is what the others' minutes are compared with."""
    base = statistics.mean(run.record["minutes"] for run in next(iter(ladder.values())))
    lines = [
        "| preset | widths | epochs | minutes | times the first's speed | one view | mirror | six views | runs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for preset, found in ladder.items():
        minutes = statistics.mean(run.record["minutes"] for run in found)
        recipe = found[0].record["recipe"]
        cells = [f"`{preset}`", "/".join(map(str, recipe["widths"])) or "-", recipe["epochs"]]
        cells += [f"{minutes:.1f}", f"{base / minutes:.1f}"]
        cells += [spread([run.record["metrics"]["test_views"][kind] for run in found]) for kind in evaluation.VIEWS]
        lines.append(f"| {' | '.join(map(str, [*cells, len(found)]))} |")
    return "\n".join(lines)


def spread(shares: list[float]) -> str:
    """The mean of some shares from 0 to 1, in per cent, and their standard deviation where there are several."""
    mean = f"{statistics.mean(shares):.1%}"
    return mean if len(shares) == 1 else f"{mean} ± {statistics.stdev(shares):.1%}"


@click.command()
@click.argument("presets", nargs=-1, required=True)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Runs a preset.")
@click.option("--dataset", default="cifar10", show_default=True)
@click.option("--precision", type=click.Choice(COMPUTE_PRECISIONS), default="float32", help="Of fast networks.")
def main(presets, seeds, dataset, precision):
    """Train PRESETS, if need be, and print what each took and reached."""
    pictures = data.load(dataset)
    ladder = {preset: [climb(preset, seed, pictures, precision) for seed in range(seeds)] for preset in presets}
    click.echo(table(ladder))


if __name__ == "__main__":
    main()
