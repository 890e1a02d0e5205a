"""`cifar-lab make`: from a folder of pictures to a classifier, in one go."""

import re
from pathlib import Path

import click

from cifar_lab.cli.group import main, typed
from cifar_lab.cli.options import folder_options, folder_wishes, recipe_option


@main.command("make")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--name", help="What the classifier is called (default: as the folder is).")
@recipe_option
@click.option("--epochs", type=click.IntRange(1), help="How often every image is seen (default: the recipe's).")
@click.option("--seed", type=click.IntRange(0), help="Fixes the starting weights and the order of the images.")
@folder_options
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped.")
@click.option("--replace", is_flag=True, help="Replace a classifier that has the name.")
def make_command(folder, name, recipe, resume, replace, **changes):
    """Make a classifier of a FOLDER of pictures.

    FOLDER has a subfolder a class. It is looked through, a network is trained on it, measured and exported to
    data/models/NAME, where `cifar-lab predict`, the page and the upload widget find it.
    """
    from cifar_lab import data
    from cifar_lab.core import paths
    from cifar_lab.data.folder import checks
    from cifar_lab.inference import model_card
    from cifar_lab.training import recipes

    wishes = folder_wishes(changes)
    recipe = recipes.get(recipe, **changes)
    checked = {wish: wishes[wish] for wish in ("size", "keep_alike") if wish in wishes}
    report = checks.check_folder(folder, **checked)  # first, so that an hour's training is not for nothing
    name = model_card.check_name(name or re.sub(r"[^A-Za-z0-9._-]+", "-", report.name).strip("-._")[:64])
    if (paths.models_folder() / name).exists() and not replace:
        raise ValueError(f"There is a classifier {name!r} already. Choose another --name, or replace it (--replace).")
    click.echo(f"{report}\n")
    _make(data.load(folder, say=False, **wishes), recipe, name, resume=resume, replace=replace)


def _make(dataset, recipe, name: str, *, resume: bool, replace: bool) -> None:
    from cifar_lab import training
    from cifar_lab.experiments import evaluate
    from cifar_lab.training.export import export_run

    try:
        run = training.train(dataset, recipe, resume=resume, command=typed())
    except KeyboardInterrupt:
        click.echo("In a terminal: the same command with --resume.", err=True)
        raise
    result = evaluate.evaluate_run(run, dataset)
    click.echo(f"\nOn the test split:\n{result.table()}")
    classifier = export_run(run, dataset, name, replace=replace, facts={"command": typed()}, progress=True)
    click.echo(f"\nClassifier {name} is in {classifier.card.folder}.")
    click.echo(f"Next: cifar-lab predict PICTURE --model {name}; or choose it in the page (make app) or the widget.")
