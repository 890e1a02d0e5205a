"""`cifar-lab train`: from a recipe to a run."""

import click

from cifar_lab.cli.group import main, typed
from cifar_lab.cli.options import folder_options, folder_wishes, held_out_option, recipe_option


@main.command("train")
@recipe_option
@click.option(
    "--dataset", default="auto", show_default=True, help="auto, cifar10, sketches, digits, or a folder of pictures."
)
@folder_options
@held_out_option
@click.option("--classes", help="Learn these of its classes only, two or more: cat,dog.")
@click.option("--start", help="For transfer and distilled: the classifier or run to start from (default: cifar10).")
@click.option("--teachers", help="For the recipe distilled: classifiers to learn from, apart by commas.")
@click.option("--epochs", type=click.IntRange(1), help="How often every image is seen (default: the recipe's).")
@click.option("--seed", type=click.IntRange(0), help="Fixes the starting weights and the order of the images.")
@click.option("--batch-size", type=click.IntRange(1), help="Images a step.")
@click.option("--learning-rate", type=float, help="The optimiser's step size.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="What a fast network computes with: bfloat16 is quicker on processors with AVX-512 BF16 (default: float32).",
)
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished run of the same recipe and dataset.")
@click.option("--tensorboard", is_flag=True, help="Write the curves for TensorBoard too, into the run's folder.")
def train_command(recipe, dataset, held_out, classes, teachers, resume, tensorboard, **changes):
    """Train a network.

    There is a checkpoint after every epoch: a run that was stopped or killed goes on with the same command and
    --resume.
    """
    from cifar_lab import data, training
    from cifar_lab.training import recipes

    wishes = folder_wishes(changes)
    if teachers:
        changes["teachers"] = tuple(name.strip() for name in teachers.split(","))
    recipe = recipes.get(recipe, **changes)  # before the wait for data and TensorFlow
    pictures = data.load(dataset, held_out=held_out, **wishes)
    if classes:
        pictures = pictures.subset([name.strip() for name in classes.split(",")])
    try:
        run = training.train(pictures, recipe, resume=resume, tensorboard=tensorboard, command=typed())
    except KeyboardInterrupt:
        click.echo("In a terminal: the same command with --resume.", err=True)
        raise
    accuracy = run.record["metrics"]["validation"]["accuracy"]
    click.echo(f"Run {run.folder.name}: {accuracy:.1%} on validation after {run.record['minutes']:.1f} minutes.")
    click.echo(f"Next: cifar-lab evaluate {run.folder.name}")
    if tensorboard:
        click.echo(f"Curves: tensorboard --logdir {run.folder.parent} (once: python -m pip install tensorboard)")
