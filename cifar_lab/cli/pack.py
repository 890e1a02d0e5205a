"""`cifar-lab pack` and `unpack`: a classifier in a single file."""

from pathlib import Path

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import replace_option


@main.command("pack")
@click.argument("model")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite an existing file.")
def pack_command(model, file, replace):
    """Pack a classifier into a single FILE, for example to mail it.

    MODEL is a name or folder; FILE ends in .cifarlab (default: MODEL.cifarlab in this folder). It contains the network
    and its model card, and predicts without unpacking: cifar-lab predict PICTURE --model FILE
    """
    from cifar_lab.inference import archive
    from cifar_lab.inference.classifier import Classifier

    classifier = Classifier.load(model)
    name = classifier.card.folder.name.removesuffix(archive.EXTENSION)
    path = classifier.save(file or Path(name + archive.EXTENSION), replace=replace)
    click.echo(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB). To install it: cifar-lab unpack {path.name}")


@main.command("unpack")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="Name of the classifier here (default: the one on its card).")
@replace_option
def unpack_command(file, name, replace):
    """Install a packed classifier from FILE into data/models.

    The web page and the upload widget find it there. All contents are first verified against the model card.
    """
    from cifar_lab.images.display import join_names
    from cifar_lab.inference import unpack

    card = unpack(file, name, replace=replace).card
    click.echo(f"Classifier {card.name} is in {card.folder}. Its classes: {join_names(card.class_names)}.")
    click.echo(f"Next: cifar-lab predict PICTURE --model {card.name}; or choose it on the page (make app).")
