"""`cifar-lab make`: from a folder of pictures to a classifier with one command."""

import re
from pathlib import Path

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import (
    epochs_option,
    folder_options,
    pop_folder_options,
    recipe_option,
    replace_option,
    seed_option,
)


@main.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the new classifier (default: the folder's name).")
@recipe_option
@epochs_option
@seed_option
@folder_options
@click.option("--resume", is_flag=True, help="Resume an interrupted training run.")
@replace_option
def make_command(folder, name, recipe, resume, replace, **changes):
    """Make a classifier from a FOLDER of pictures.

    FOLDER has one subfolder per class. Checks the pictures, trains a network, evaluates it and exports it to
    data/models/NAME, where `cifar-lab predict`, the web page and the upload widget find it.
    """
    from cifar_lab import data
    from cifar_lab.core import paths
    from cifar_lab.data.folder import checks
    from cifar_lab.inference import model_card
    from cifar_lab.training import recipes

    options = pop_folder_options(changes)
    recipe = recipes.get(recipe, **changes)
    scanned = {option: options[option] for option in ("size", "keep_alike") if option in options}
    report = checks.check_folder(folder, **scanned)  # before training, which may take an hour
    name = model_card.check_name(name or re.sub(r"[^A-Za-z0-9._-]+", "-", report.name).strip("-._")[:64])
    if (paths.models_folder() / name).exists() and not replace:
        raise ValueError(f"There is a classifier {name!r} already. Choose another --name, or replace it (--replace).")
    click.echo(f"{report}\n")
    _make(data.load(folder, say=False, **options), recipe, name, resume=resume, replace=replace)


def _make(dataset, recipe, name: str, *, resume: bool, replace: bool) -> None:
    from cifar_lab import training
    from cifar_lab.experiments import evaluate
    from cifar_lab.training.export import export_run

    try:
        run = training.train(dataset, recipe, resume=resume, command=typed_command())
    except KeyboardInterrupt:
        click.echo("On the command line: the same command with --resume.", err=True)
        raise
    result = evaluate.evaluate_run(run, dataset)
    click.echo(f"\nOn the test split:\n{result.table()}")
    classifier = export_run(run, dataset, name, replace=replace, facts={"command": typed_command()}, progress=True)
    click.echo(f"\nClassifier {name} is in {classifier.card.folder}.")
    click.echo(f"Next: cifar-lab predict PICTURE --model {name}; or choose it on the page (make app) or in the widget.")
