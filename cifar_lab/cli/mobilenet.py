"""`cifar-lab mobilenet`: a classifier for photographs, with ImageNet's thousand classes."""

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import framing_option, precision_option, replace_option


@main.command("mobilenet")
@click.option("--name", default="mobilenet", show_default=True, help="Name of the new classifier.")
@precision_option("float16")
@framing_option
@replace_option
def mobilenet_command(name, **options):
    """Download MobileNetV2 and export it as a classifier.

    It knows ImageNet's 1,000 classes and takes 224 x 224 pixels. The weights are downloaded once, into Keras's cache;
    without internet, the error message says which file to put where.
    """
    from cifar_lab.core import paths
    from cifar_lab.inference import model_card
    from cifar_lab.training.mobilenet_export import export_mobilenet

    if (paths.models_folder() / model_card.check_name(name)).exists() and not options["replace"]:  # before the download
        raise ValueError(f"There is a classifier {name!r} already. Choose another --name, or replace it (--replace).")
    click.echo("Downloading the weights if necessary, then converting the network (about half a minute).")
    folder = export_mobilenet(name, **options).card.folder
    click.echo(f"Classifier {name} is in {folder}: 1,000 classes, but not calibrated, for lack of photographs here.")
    click.echo(f"Next: cifar-lab predict PHOTO --model {name}; or choose it on the page (make app) or in the widget.")
