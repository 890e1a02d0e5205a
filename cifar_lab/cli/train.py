"""`cifar-lab train`, `evaluate` and `export`: from a recipe to a classifier."""

import json
from pathlib import Path

import click

from cifar_lab.cli.data import folder_options, folder_wishes
from cifar_lab.cli.group import main, typed

_own_dataset_option = click.option(
    "--dataset", help="auto, cifar10, sketches, digits or a folder of pictures (default: what it was trained on)."
)


def precision_option(default: str):
    """`--precision`, for whatever writes a small network file."""
    return click.option(
        "--precision",
        type=click.Choice(["float32", "float16", "int8"]),
        default=default,
        show_default=True,
        help="How the weights of the small network file are stored.",
    )


framing_option = click.option(
    "--framing",
    "framings",
    type=click.Choice(["centre", "squash"]),
    multiple=True,
    default=["centre"],
    show_default=True,
    help="How a picture that is not square is framed; several are averaged.",
)

_NETWORK_FILES = (".keras", ".h5", ".hdf5")

held_out_option = click.option(
    "--held-out",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="cifar10: a file with the positions of the training images to keep for validation, one a line.",
)


@main.command()
@click.option(
    "--recipe",
    default="tutorial",
    show_default=True,
    help="How to train: tutorial, fast-mini and more; a wrong name lists all.",
)
@click.option(
    "--dataset", default="auto", show_default=True, help="auto, cifar10, sketches, digits, or a folder of pictures."
)
@folder_options
@held_out_option
@click.option("--classes", help="Learn these of its classes only, two or more: cat,dog.")
@click.option("--start", help="For transfer and distilled: the classifier or run to start from (default: cifar10).")
@click.option("--teachers", help="For the recipe distilled: classifiers to learn from, apart by commas.")
@click.option("--epochs", type=click.IntRange(1), help="How often every image is seen (default: the recipe's).")
@click.option("--seed", type=click.IntRange(0), help="Fixes the starting weights and the order of the images.")
@click.option("--batch-size", type=click.IntRange(1), help="Images a step.")
@click.option("--learning-rate", type=float, help="The optimiser's step size.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="What a fast network computes with: bfloat16 is quicker on processors with AVX-512 BF16 (default: float32).",
)
@click.option("--resume", is_flag=True, help="Go on with the newest unfinished run of the same recipe and dataset.")
@click.option("--tensorboard", is_flag=True, help="Write the curves for TensorBoard too, into the run's folder.")
def train(recipe, dataset, held_out, classes, teachers, resume, tensorboard, **changes):
    """Train a network.

    There is a checkpoint after every epoch: a run that was stopped or killed goes on with the same command and
    --resume.
    """
    from cifar_lab import data, training
    from cifar_lab.training import recipes

    wishes = folder_wishes(changes)
    if teachers:
        changes["teachers"] = tuple(name.strip() for name in teachers.split(","))
    recipe = recipes.get(recipe, **changes)  # before the wait for data and TensorFlow
    pictures = data.load(dataset, held_out=held_out, **wishes)
    if classes:
        pictures = pictures.subset([name.strip() for name in classes.split(",")])
    try:
        run = training.train(pictures, recipe, resume=resume, tensorboard=tensorboard, command=typed())
    except KeyboardInterrupt:
        click.echo("In a terminal: the same command with --resume.", err=True)
        raise
    accuracy = run.record["metrics"]["validation"]["accuracy"]
    click.echo(f"Run {run.folder.name}: {accuracy:.1%} on validation after {run.record['minutes']:.1f} minutes.")
    click.echo(f"Next: cifar-lab evaluate {run.folder.name}")
    if tensorboard:
        click.echo(f"Curves: tensorboard --logdir {run.folder.parent} (once: python -m pip install tensorboard)")


@main.command()
@click.argument("subject")
@_own_dataset_option
@click.option(
    "--photographs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure a classifier on this folder instead: a subfolder a class, others for other things.",
)
@click.option("--keep", is_flag=True, help="Keep the result on a classifier's card, and its answers beside it.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def evaluate(subject, dataset, photographs, keep, as_json):
    """Measure a network on the test split.

    SUBJECT is a finished run or a classifier, by its name or folder. A run's card keeps the result. Where the dataset
    is not on this machine, a shipped classifier is measured by the answers that were kept when it was made.
    """
    from cifar_lab import data
    from cifar_lab.experiments import evaluate

    if keep and Path(subject).is_file():
        raise click.UsageError(f"--keep writes beside the card. Make a folder of it first: cifar-lab unpack {subject}")
    if photographs:
        from cifar_lab.experiments import folder_accuracy as measuring
        from cifar_lab.inference.classifier import Classifier

        report = measuring.evaluate_folder(Classifier.load(subject), photographs, keep=keep, progress=True)
        click.echo(json.dumps(vars(report), indent=2) if as_json else "\n".join(report.lines()))
        return
    facts = evaluate.trained_on(subject)
    kept = None if dataset or keep or data.is_here(facts) else evaluate.evaluate_saved(subject)
    if kept:
        evaluation, about = kept
        click.echo(about, err=True)
    else:
        evaluation = evaluate.evaluate_named(
            subject, data.load_again(facts, dataset, say=not as_json), keep=keep, progress=True
        )
    click.echo(json.dumps(evaluation.to_dict(), indent=2) if as_json else evaluation.table())


@main.command()
@click.argument("run", metavar="RUN_OR_FILE")
@click.option("--name", required=True, help="What the classifier is called.")
@_own_dataset_option
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
def export(run, name, dataset, held_out, others, pixels, **options):
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
