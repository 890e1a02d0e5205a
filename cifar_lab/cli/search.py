"""`cifar-lab search`: hyperparameter search."""

import dataclasses
from pathlib import Path

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import dataset_option, recipe_option


@main.command("search")
@recipe_option
@dataset_option
@click.option(
    "--try",
    "tried",
    multiple=True,
    required=True,
    metavar="FIELD=VALUES",
    help="A field of the recipe and its values (0.001,0.003) or range (0.0001..0.01). May be repeated.",
)
@click.option("--trials", type=click.IntRange(1), help="Random combinations to try (default: all).")
@click.option("--epochs", type=click.IntRange(1), help="Epochs of a trial that is not stopped early.")
@click.option("--first", type=click.IntRange(1), default=1, show_default=True, help="Epochs before the first stop.")
@click.option(
    "--reduction",
    type=click.IntRange(1),
    default=3,
    show_default=True,
    help="Continue one trial in this many.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@click.option("--cluster", metavar="ADDRESS", help="Run on this Ray cluster; auto: the one started here.")
@click.option(
    "--cpus-per-trial", type=click.IntRange(1), default=1, show_default=True, help="For a cluster: cores per trial."
)
@click.option(
    "--gpus-per-trial", type=click.FloatRange(0), default=0, show_default=True, help="For a cluster: GPUs per trial."
)
@click.option(
    "--storage",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the trials (default: runs/); all machines of a cluster must see it.",
)
@click.option("--resume", is_flag=True, help="Resume the newest unfinished search of these trials.")
def search_command(recipe, dataset, tried, epochs, **options):
    """Search for the best hyperparameters of a recipe.

    Poor trials are stopped early. To resume a search that was stopped or killed, give the same command with --resume.
    Trials are compared by validation accuracy; the test images are not used.

    \b
    cifar-lab search --try learning_rate=0.0003..0.003 --try batch_size=32,64 --trials 4 --epochs 4
    """
    from cifar_lab import data
    from cifar_lab.experiments.search import find_recipe
    from cifar_lab.training import recipes

    base = recipes.get(recipe, epochs=epochs)  # fail on a wrong value before loading data and TensorFlow
    fields = dict(_parse_choice(text) for text in tried)
    loaded = data.load(dataset)
    try:
        found = find_recipe(loaded, base, command=typed_command(), **fields, **options)
    except KeyboardInterrupt:
        click.echo("On the command line: the same command with --resume.", err=True)
        raise
    click.echo(found.table())
    click.echo(f"Next: cifar-lab evaluate {found.best_trial.folder}")


def _parse_choice(text: str):
    """Parse a `--try` into the name of a field and its values, a list or a range."""
    from cifar_lab.experiments.search import Between
    from cifar_lab.training.recipe import Recipe

    name, equals, values = text.partition("=")
    name = name.strip().replace("-", "_")
    defaults = {field.name: getattr(Recipe(name=""), field.name) for field in dataclasses.fields(Recipe)}
    if not equals or name not in defaults or name in ("name", "seed"):
        known = ", ".join(sorted(set(defaults) - {"name", "seed"}))
        raise click.UsageError(f"--try {text}: expected FIELD=VALUES, for example batch_size=32,64. Fields: {known}.")
    try:
        if ".." in values:
            return name, Between(*(_parse_value(part, defaults[name]) for part in values.split("..")))
        return name, [_parse_value(part, defaults[name]) for part in values.split(",")]
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"--try {text}: {error}") from error


def _parse_value(text: str, like):
    """Parse a value of the same type as the field's default; widths are written 16/64/64."""
    text = text.strip()
    if isinstance(like, bool):
        if text not in ("true", "false"):
            raise ValueError(f"expected true or false, not {text!r}.")
        return text == "true"
    if isinstance(like, tuple):
        return tuple(int(part) for part in text.split("/"))
    return type(like)(text)
