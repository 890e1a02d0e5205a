"""`cifar-lab pack` and `unpack`: a classifier as one file, to be mailed."""

from pathlib import Path

import click

from cifar_lab.cli.group import main


@main.command("pack")
@click.argument("model")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="Replace a file that is there.")
def pack_command(model, file, replace):
    """Make one FILE of a classifier, to be mailed.

    MODEL is its name or folder; FILE ends in .cifarlab (default: MODEL.cifarlab, in this folder). The network, the
    class names, how pictures are prepared and the card are in it. It answers as it is:
    cifar-lab predict PICTURE --model FILE
    """
    from cifar_lab.inference import archive
    from cifar_lab.inference.classifier import Classifier

    classifier = Classifier.load(model)
    name = classifier.card.folder.name.removesuffix(archive.ENDING)
    path = classifier.save(file or Path(name + archive.ENDING), replace=replace)
    click.echo(f"{path} has {path.stat().st_size / 1e6:.1f} MB. Whoever gets it: cifar-lab unpack {path.name}")


@main.command("unpack")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", help="What the classifier is called here (default: as its card says).")
@click.option("--replace", is_flag=True, help="Replace a classifier that has the name.")
def unpack_command(file, name, replace):
    """Put a classifier that came as one FILE into data/models.

    There the page and the upload widget find it. Everything in it is checked against its card first.
    """
    from cifar_lab.inference import packing

    card = packing.unpack(file, name, replace=replace).card
    click.echo(f"Classifier {card.name} is in {card.folder}. It knows {_named(card.class_names)}.")
    click.echo(f"Next: cifar-lab predict PICTURE --model {card.name}; or choose it in the page (make app).")


def _named(class_names) -> str:
    named, more = ", ".join(class_names[:12]), len(class_names) - 12
    return f"{named} and {more} more" if more > 0 else named
