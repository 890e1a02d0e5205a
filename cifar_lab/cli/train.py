"""`cifar-lab train`: from a recipe to a run."""

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import (
    dataset_option,
    epochs_option,
    folder_options,
    held_out_option,
    pop_folder_options,
    recipe_option,
    seed_option,
)


@main.command("train")
@recipe_option
@dataset_option
@folder_options
@held_out_option
@click.option("--classes", help="Train on these classes only, at least two: cat,dog.")
@click.option(
    "--start", help="For transfer and distilled: classifier or run to take the weights from (default: cifar10)."
)
@click.option("--teachers", help="For distilled: classifiers to learn from, separated by commas.")
@epochs_option
@seed_option
@click.option("--batch-size", type=click.IntRange(1), help="Images per step.")
@click.option("--learning-rate", type=float, help="Learning rate of the optimiser.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Compute precision of a fast network; bfloat16 is faster on CPUs with AVX-512 BF16 (default: float32).",
)
@click.option("--resume", is_flag=True, help="Resume the newest unfinished run of this recipe and dataset.")
@click.option("--tensorboard", is_flag=True, help="Also write TensorBoard logs into the run's folder.")
def train_command(recipe, dataset, held_out, classes, teachers, resume, tensorboard, **changes):
    """Train a network.

    A checkpoint is saved after every epoch. To resume a run that was stopped or killed, give the same command with
    --resume.
    """
    from cifar_lab import data, training
    from cifar_lab.training import recipes

    options = pop_folder_options(changes)
    if teachers:
        changes["teachers"] = tuple(name.strip() for name in teachers.split(","))
    recipe = recipes.get(recipe, **changes)  # fail on a wrong value before loading data and TensorFlow
    loaded = data.load(dataset, held_out=held_out, **options)
    if classes:
        loaded = loaded.subset([name.strip() for name in classes.split(",")])
    try:
        run = training.train(loaded, recipe, resume=resume, tensorboard=tensorboard, command=typed_command())
    except KeyboardInterrupt:
        click.echo("On the command line: the same command with --resume.", err=True)
        raise
    accuracy = run.record["metrics"]["validation"]["accuracy"]
    click.echo(f"Run {run.folder.name}: {accuracy:.1%} on validation after {run.record['minutes']:.1f} minutes.")
    click.echo(f"Next: cifar-lab evaluate {run.folder.name}")
    if tensorboard:
        click.echo(f"Curves: tensorboard --logdir {run.folder.parent} (once: python -m pip install tensorboard)")
