"""`cifar-lab search`: hyperparameter search."""

import dataclasses

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import dataset_option, epochs_option, recipe_option


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
@click.option("--trials", type=click.IntRange(1), help="Number of trials, over all processes (default: all of a grid).")
@epochs_option
@click.option(
    "--sampler",
    type=click.Choice(["tpe", "random", "grid"]),
    help="How values are chosen (default: tpe with --trials, otherwise grid).",
)
@click.option(
    "--pruner",
    type=click.Choice(["halving", "median", "none"]),
    default="halving",
    show_default=True,
    help="Which trials to stop early.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
@click.option("--storage", help="Optuna journal or database URL, to share a search (default: a journal in runs/).")
def search_command(recipe, dataset, tried, epochs, sampler, pruner, storage, **options):
    """Search for the best hyperparameters of a recipe with Optuna.

    Poor trials are stopped early. The same command continues a search that was stopped or killed; given in several
    terminals, or on several machines with the same --storage, it shares the trials among them. Trials are compared by
    validation accuracy; the test images are not used.

    \b
    cifar-lab search --try learning_rate=0.0003..0.003 --try batch_size=32,64 --trials 4 --epochs 4
    """
    from cifar_lab import data, experiments
    from cifar_lab.core.text import printable
    from cifar_lab.training import recipes

    base = recipes.get(recipe, epochs=epochs)  # fail on a wrong value before loading data and TensorFlow
    space = dict(_parse_choice(text) for text in tried)
    options |= {"sampler": sampler or ("tpe" if options["trials"] else "grid"), "storage": storage}
    # A database URL may hold a password, which must not get into run records.
    command = "" if "://" in (storage or "") else typed_command()
    pruner = None if pruner == "none" else pruner
    found = experiments.search(data.load(dataset), base, space, pruner=pruner, command=command, **options)
    click.echo(found.table())
    best = found.best_trial
    click.echo(f"Best: trial {best.number}. Next: cifar-lab evaluate {printable(best.user_attrs['run'])}")


def _parse_choice(text: str):
    """Parse a `--try` into the name of a field and its values, a list or a range."""
    from cifar_lab.experiments import Between
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
