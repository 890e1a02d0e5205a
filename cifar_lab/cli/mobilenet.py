"""`cifar-lab mobilenet`: a classifier for photographs, with ImageNet's thousand classes."""

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import framing_option, precision_option, replace_option


@main.command("mobilenet")
@click.option("--name", default="mobilenet", show_default=True, help="Name of the new classifier.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False),
    help="An .h5 file with the weights (default: ImageNet weights, downloaded once: 14.5 MB).",
)
@precision_option("float16")
@framing_option
@replace_option
def mobilenet_command(name, weights, precision, framings, replace):
    """Download MobileNetV2 and export it as a classifier.

    It knows ImageNet's 1,000 classes and takes 224 x 224 pixels. The weights are downloaded once, into Keras's cache;
    without internet, the error message says which file to put where.
    """
    from cifar_lab.core import paths
    from cifar_lab.inference import model_card
    from cifar_lab.training import mobilenet_export

    if (paths.models_folder() / model_card.check_name(name)).exists() and not replace:  # before the download
        raise ValueError(f"There is a classifier {name!r} already. Choose another --name, or replace it (--replace).")
    click.echo("Downloading the weights if necessary, then converting the network (about half a minute).")
    classifier = mobilenet_export.export_mobilenet(
        name, weights=weights or "imagenet", precision=precision, framings=framings, replace=replace
    )
    click.echo(f"Classifier {name} is in {classifier.card.folder}: {len(classifier.class_names):,} classes.")
    click.echo(
        "There are no photographs here to calibrate it on: its scores are not calibrated, and it never predicts "
        "'none of these'."
    )
    click.echo(f"Next: cifar-lab predict PHOTO --model {name}; or choose it on the page (make app) or in the widget.")
