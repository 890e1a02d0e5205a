"""`cifar-lab search`: which settings of a recipe work best."""

import dataclasses
from pathlib import Path

import click

from cifar_lab.cli.group import main, typed
from cifar_lab.cli.options import recipe_option


@main.command("search")
@recipe_option
@click.option("--dataset", default="auto", show_default=True, help="What to learn: auto, cifar10, sketches or digits.")
@click.option(
    "--try",
    "tried",
    multiple=True,
    required=True,
    metavar="FIELD=VALUES",
    help="A field of the recipe and its values: 0.001,0.003, or a range: 0.0001..0.01. Give it once for each field.",
)
@click.option("--trials", type=click.IntRange(1), help="Try so many combinations by chance (default: all of them).")
@click.option("--epochs", type=click.IntRange(1), help="How long a trial that is not stopped trains.")
@click.option("--first", type=click.IntRange(1), default=1, show_default=True, help="Epochs before the first stop.")
@click.option("--reduction", type=click.IntRange(1), default=3, show_default=True, help="One in so many goes on.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Fixes what is drawn by chance.")
@click.option(
    "--cluster", metavar="ADDRESS", help="Spread the trials over this Ray cluster; auto: the one started here."
)
@click.option("--cpus-per-trial", type=click.IntRange(1), default=1, show_default=True, help="Cores, on a cluster.")
@click.option("--gpus-per-trial", type=click.FloatRange(0), default=0, show_default=True, help="GPUs, on a cluster.")
@click.option(
    "--storage",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the search keeps its trials (default: runs/); all machines of a cluster must see this folder.",
)
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished search of just these trials.")
def search_command(recipe, dataset, tried, epochs, **options):
    """Try settings of a recipe, and print the best.

    Bad ones are stopped early. There is a checkpoint after every epoch of every trial: a search that was stopped or
    killed goes on with the same command and --resume. Trials are judged on the validation images; the test images stay
    unseen.

    \b
    cifar-lab search --try learning_rate=0.0003..0.003 --try batch_size=32,64 --trials 4 --epochs 4
    """
    from cifar_lab import data
    from cifar_lab.experiments.search import find_recipe
    from cifar_lab.training import recipes

    base = recipes.get(recipe, epochs=epochs)  # before the wait for data and TensorFlow
    fields = dict(_choice(text) for text in tried)
    pictures = data.load(dataset)
    try:
        found = find_recipe(pictures, base, command=typed(), **fields, **options)
    except KeyboardInterrupt:
        click.echo("In a terminal: the same command with --resume.", err=True)
        raise
    click.echo(found.table())
    click.echo(f"Next: cifar-lab evaluate {found.best_trial.folder}")


def _choice(text: str):
    """A `--try` as the name of a field and its values: a list, or a range."""
    from cifar_lab.experiments.search import Between
    from cifar_lab.training.recipe import Recipe

    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    defaults = {field.name: getattr(Recipe(name=""), field.name) for field in dataclasses.fields(Recipe)}
    if not equals or name not in defaults or name in ("name", "seed"):
        known = ", ".join(sorted(set(defaults) - {"name", "seed"}))
        raise click.UsageError(f"--try {text}: a field and its values are wanted, such as batch_size=32,64. {known}.")
    try:
        if ".." in values:
            return name, Between(*(_value(part, defaults[name]) for part in values.split("..")))
        return name, [_value(part, defaults[name]) for part in values.split(",")]
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"--try {text}: {error}") from error


def _value(text: str, like):
    """A value of the same kind as a field's default; widths are written 16/64/64."""
    text = text.strip()
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError(f"true or false is wanted, not {text!r}.")
        return text == "true"
    if isinstance(like, tuple):
        return tuple(int(part) for part in text.split("/"))
    return type(like)(text)
