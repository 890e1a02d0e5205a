"""`cifar-lab export`: from a run to a classifier."""

from pathlib import Path

import click

from cifar_lab.cli.group import main, typed
from cifar_lab.cli.options import framing_option, held_out_option, own_dataset_option, precision_option

_NETWORK_FILES = (".keras", ".h5", ".hdf5")


@main.command("export")
@click.argument("run", metavar="RUN_OR_FILE")
@click.option("--name", required=True, help="What the classifier is called.")
@own_dataset_option
@held_out_option
@precision_option("float32")
@click.option("--mirror", is_flag=True, help="Answer from each image and its mirror image: better, in twice the time.")
@framing_option
@click.option(
    "--others",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An .npz file whose `images` show none of the classes: how well those are told apart goes onto the card.",
)
@click.option(
    "--pixels",
    type=click.Choice(["0-1", "-1-1", "0-255"]),
    help="For a file: what its network takes for a pixel (default: what fits best).",
)
@click.option("--replace", is_flag=True, help="Replace a classifier that has the name.")
def export_command(run, name, dataset, held_out, others, pixels, **options):
    """Make a classifier of a finished run, or of a network in a file.

    It goes to data/models/NAME: the network, its card, and calibrated scores. The file is a .keras or .h5 of Keras 3 or
    an older one, made anywhere; --dataset says which classes it knows. Give only files of your own: to open one can
    run code that somebody has put into it. Those with other layers than the stock ones are refused.
    """
    options |= {"others": _images_in(others) if others else None, "facts": {"command": typed()}, "progress": True}
    if Path(run).suffix.lower() in _NETWORK_FILES:
        classifier = _adopt(Path(run), name, dataset, held_out, pixels=pixels, **options)
    elif pixels:
        raise click.UsageError("--pixels is for a network in a file: a run's network takes them as they are.")
    else:
        classifier = _export_run(run, name, dataset, held_out, **options)
    click.echo(f"Classifier {name} is in {classifier.card.folder}. Next: cifar-lab predict PICTURE --model {name}")


def _export_run(run: str, name: str, dataset, held_out, **options):
    from cifar_lab import data
    from cifar_lab.training import runs
    from cifar_lab.training.export import export_run

    finished = runs.open_run(run)
    return export_run(
        finished, data.load_again(finished.record["dataset"], dataset, held_out=held_out), name, **options
    )


def _adopt(path: Path, name: str, dataset, held_out, **options):
    """Make a classifier of a file, and say what was found out about it."""
    if dataset is None:
        raise click.UsageError(f"--dataset is needed: what was the network in {path.name} trained on?")
    from cifar_lab import data
    from cifar_lab.training import keras_import

    size = keras_import.wanted_size(path)  # first: a file that is refused is told before the wait for data
    wishes = {"size": size} if size and data.is_folder(dataset) else {}
    classifier = keras_import.import_model(path, data.load(dataset, held_out=held_out, **wishes), name, **options)
    click.echo("\n".join(keras_import.describe_import(classifier.card)))
    return classifier


def _images_in(path: Path):
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["images"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:  # TypeError: an .npy file
        raise click.UsageError(f"{path} holds no array `images`: {error}") from error
