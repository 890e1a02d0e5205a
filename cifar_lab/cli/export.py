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
_MAX_BYTES = 2**30  # of a Keras file


@main.command("export")
@click.argument("run", metavar="RUN_OR_FILE")
@click.option("--name", help="Name of the new classifier; for a Keras file by default the file's.")
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
    help="For a Keras file: the pixel range that the network expects (default: the one that fits best, or 0-1).",
)
@click.option(
    "--classes", help="For a Keras file: the classes in the order of its outputs: cat,dog (default: the dataset's)."
)
@replace_option
def export_command(run, name, dataset, held_out, others, pixels, classes, **options):
    """Export a finished run, or a Keras file, as a classifier.

    The classifier goes to data/models/NAME: the network, its model card, and calibrated scores. A Keras file is .keras
    or .h5, from Keras 3 or TensorFlow 2; without the --dataset that it was trained on, its scores are not calibrated.
    Export only files that you trust; those with other than stock layers are refused.
    """
    options |= {
        "others": _read_images(others) if others else None,
        "facts": {"command": typed_command()},
        "progress": True,
    }
    if Path(run).suffix.lower() in _KERAS_EXTENSIONS:
        name = name or Path(run).stem
        classifier = _import_file(Path(run), name, dataset, held_out, pixels=pixels, classes=classes, **options)
    elif pixels or classes:
        raise click.UsageError("--pixels and --classes are for a Keras file: a run has recorded both.")
    elif not name:
        raise click.UsageError("--name is needed: how should the classifier be called?")
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


def _import_file(path: Path, name: str, dataset, held_out, *, classes, pixels, facts, **options):
    """Export the network of a Keras file and print what was assumed about it."""
    from cifar_lab.core import files
    from cifar_lab.models import keras_loader
    from cifar_lab.training import runs
    from cifar_lab.training.export import export_model

    if not path.is_file() or path.stat().st_size > _MAX_BYTES:
        raise ValueError(f"There is no file {str(path)!r} of at most {_MAX_BYTES >> 20} MiB.")
    content = path.read_bytes()
    model = keras_loader.load_keras_file(content, path.name)
    known = _known(dataset, held_out, classes, size=keras_loader.as_classifier(model).input_shape[1])
    pixels, reason = (pixels, "as stated") if pixels else _pixel_range(model, known.validation)
    facts["imported"] = {"file": path.name, "sha256": files.sha256_of(content), "pixels": pixels}
    facts["trained"] = {"dataset": runs.describe_dataset(known)} if dataset else {}
    classifier = export_model(keras_loader.as_classifier(model, pixels), known, name, facts=facts, **options)
    click.echo(f"Pixels go in as {pixels} ({reason}).")
    order = "as stated" if classes else f"assumed to be that of {known.name}"
    click.echo(f"Order of the outputs, {order}: {', '.join(known.class_names)}.")
    return classifier


def _known(name: str | None, held_out, classes: str | None, *, size: int):
    """Load the dataset that a network was trained on, in the order of its classes; without a name, one of no images."""
    import numpy as np

    from cifar_lab import data

    class_names = tuple(part.strip() for part in classes.split(",")) if classes else ()
    if name:
        dataset = data.load(name, held_out=held_out, **({"size": size} if data.is_folder(name) else {}))
        return dataset.subset(class_names) if class_names else dataset
    if len(set(class_names)) < max(2, len(class_names)):
        raise click.UsageError(
            "Which classes does the network know? List them in the order of its outputs (--classes cat,dog), or name "
            "the dataset that it was trained on (--dataset)."
        )
    none = data.Split(np.empty((0, size, size, 3), np.uint8), np.empty(0, np.int64))
    return data.Dataset("--classes", class_names, none, none, none, "")


def _pixel_range(model, split) -> tuple[str, str]:
    """Return the pixel range that a network seems to expect, and the reason; the split can be empty."""
    from cifar_lab.data.dataset import stratified_split
    from cifar_lab.evaluation import cross_entropy
    from cifar_lab.models.keras_loader import PIXELS, as_classifier

    if '"Rescaling"' in model.to_json():
        return "0-255", "it has a rescaling layer"
    if not len(split):
        return "0-1", "assumed, as in most tutorials; else state --pixels"
    few = split.take(stratified_split(split.labels, min(500, len(split)))[0])
    predict = {pixels: as_classifier(model, pixels).predict for pixels in PIXELS}
    losses = {pixels: cross_entropy(predict[pixels](few.images, verbose=0), few.labels) for pixels in PIXELS}
    # Larger inputs lower the loss of an accurate network, so a small difference does not tell ranges apart.
    best = next(pixels for pixels, loss in losses.items() if loss <= min(losses.values()) + 0.05)
    return best, "cross-entropy on validation images: " + ", ".join(f"{key} {loss:.2f}" for key, loss in losses.items())


def _read_images(path: Path):
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["images"]
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:  # TypeError: an .npy file
        raise click.UsageError(f"{path} has no array `images`: {error}") from error
