"""`cifar-lab export`: from a run to a classifier."""

from pathlib import Path

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import (
    framing_option,
    held_out_option,
    own_dataset_option,
    precision_option,
    replace_option,
)

_KERAS_EXTENSIONS = (".keras", ".h5", ".hdf5")


@main.command("export")
@click.argument("run", metavar="RUN_OR_FILE")
@click.option("--name", required=True, help="Name of the new classifier.")
@own_dataset_option
@held_out_option
@precision_option("float32")
@click.option(
    "--mirror", is_flag=True, help="Average the predictions for each image and its mirror image: better, half as fast."
)
@framing_option
@click.option(
    "--others",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An .npz file whose array `images` shows none of the classes: the card then says how well they are rejected.",
)
@click.option(
    "--pixels",
    type=click.Choice(["0-1", "-1-1", "0-255"]),
    help="For a Keras file: the pixel range that the network expects (default: the one that fits best).",
)
@replace_option
def export_command(run, name, dataset, held_out, others, pixels, **options):
    """Export a finished run, or a Keras file, as a classifier.

    The classifier goes to data/models/NAME: the network, its model card, and calibrated scores. A Keras file is .keras
    or .h5, from Keras 3 or older; --dataset says which classes it knows. Export only files that you made yourself:
    opening one can run code hidden in it. Files with other than stock layers are refused.
    """
    options |= {
        "others": _read_images(others) if others else None,
        "facts": {"command": typed_command()},
        "progress": True,
    }
    if Path(run).suffix.lower() in _KERAS_EXTENSIONS:
        classifier = _import_file(Path(run), name, dataset, held_out, pixels=pixels, **options)
    elif pixels:
        raise click.UsageError("--pixels is for a network in a file: the network of a run takes pixels 0-255.")
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


def _import_file(path: Path, name: str, dataset, held_out, **options):
    """Import a Keras file as a classifier and print what was detected in it."""
    if dataset is None:
        raise click.UsageError(f"--dataset is needed: what was the network in {path.name} trained on?")
    from cifar_lab import data
    from cifar_lab.training import keras_import

    size = keras_import.wanted_size(path)  # also refuses a bad file before the data is loaded
    folder_options = {"size": size} if size and data.is_folder(dataset) else {}
    loaded = data.load(dataset, held_out=held_out, **folder_options)
    classifier = keras_import.import_model(path, loaded, name, **options)
    click.echo("\n".join(keras_import.describe_import(classifier.card)))
    return classifier


def _read_images(path: Path):
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["images"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:  # TypeError: an .npy file
        raise click.UsageError(f"{path} has no array `images`: {error}") from error
