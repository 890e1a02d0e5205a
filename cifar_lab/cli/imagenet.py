"""`cifar-lab imagenet` and `cifar-lab photos`: classifiers of photographs, on networks trained on ImageNet."""

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import dataset_option, framing_option, held_out_option, precision_option, replace_option


@main.command("imagenet")
@click.option("--name", default="imagenet", show_default=True, help="Name of the new classifier.")
@click.option(
    "--backbone",
    default="efficientnet_lite0",
    show_default=True,
    help="Network: efficientnet_lite0, efficientnet_lite1, efficientnet_lite2 or mobilenet.",
)
@precision_option("float16")
@framing_option
@replace_option
def imagenet_command(name, **options):
    """Export a network that knows ImageNet's 1,000 classes as a classifier.

    The weights of EfficientNet-Lite0 come with the lab, those of Lite1 and Lite2 with a Python package. MobileNetV2's
    are downloaded once, into Keras's cache; without internet, the error message says which file to put where.
    """
    from cifar_lab.training.imagenet_export import export_imagenet

    click.echo("Converting the network (about half a minute).")
    folder = export_imagenet(name, **options).card.folder
    click.echo(f"Classifier {name} is in {folder}: 1,000 classes, but not calibrated, for lack of photographs here.")
    click.echo(f"Next: cifar-lab predict PHOTO --model {name}; or choose it on the page (make app) or in the widget.")


@main.command("photos")
@click.option("--name", default="photos", show_default=True, help="Name of the new classifier.")
@dataset_option
@held_out_option
@replace_option
def photos_command(name, dataset, held_out, **options):
    """Train a classifier of CIFAR-10's ten classes for photographs, in minutes.

    A network trained on ImageNet looks at the pictures, in 224 x 224 pixels. Only its last layer is trained, on 4,000
    of CIFAR-10's images.
    """
    from cifar_lab import data
    from cifar_lab.training.photos import train_photos

    classifier = train_photos(data.load(dataset, held_out=held_out), name, **options)
    minutes = classifier.card.content["trained"]["minutes"]
    click.echo(f"Classifier {name} is in {classifier.card.folder}, trained in {minutes:.1f} minutes.")
    click.echo(f"Next: cifar-lab predict PHOTO --model {name}; or choose it on the page (make app) or in the widget.")
