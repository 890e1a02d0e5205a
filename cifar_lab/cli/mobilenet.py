"""`cifar-lab mobilenet`: a network for photographs of a thousand things."""

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import framing_option, precision_option


@main.command("mobilenet")
@click.option("--name", default="mobilenet", show_default=True, help="What the classifier is called.")
@click.option(
    "--weights",
    type=click.Path(exists=True, dir_okay=False),
    help="An .h5 file with its weights (default: ImageNet's, fetched once: 14.5 MB).",
)
@precision_option("float16")
@framing_option
@click.option("--replace", is_flag=True, help="Replace a classifier that has the name.")
def mobilenet_command(name, weights, precision, framings, replace):
    """Fetch MobileNetV2 and make a classifier of it.

    It knows ImageNet's 1,000 classes, and sees pictures at 224 x 224 pixels. Its weights come from Keras's host, once,
    into Keras's own cache; without internet it says which file to put where.
    """
    from cifar_lab.core import paths
    from cifar_lab.inference import model_card
    from cifar_lab.training import mobilenet_export

    if (paths.models_folder() / model_card.check_name(name)).exists() and not replace:  # before the download
        raise ValueError(f"There is a classifier {name!r} already. Choose another --name, or replace it (--replace).")
    click.echo("Fetching the weights, unless they are here; then about half a minute for the small network file.")
    classifier = mobilenet_export.export_mobilenet(
        name, weights=weights or "imagenet", precision=precision, framings=framings, replace=replace
    )
    click.echo(f"Classifier {name} is in {classifier.card.folder}: {len(classifier.class_names):,} classes.")
    click.echo(
        "Its scores are not calibrated, and it never says 'none of these': there are no photographs here for it."
    )
    click.echo(f"Next: cifar-lab predict PHOTO --model {name}; or choose it in the page (make app) or the widget.")
