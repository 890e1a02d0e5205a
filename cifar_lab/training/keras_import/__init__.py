"""Adoption: a network that was made elsewhere becomes a classifier.

    classifier = adopt("digits.h5", data.load("digits"), "my-digits")

A network from elsewhere takes pixels as its maker prepared them, and may give scores that are no probabilities. So
layers are put around it: in front the step from uint8 pixels to what it takes, behind it a softmax if it has none.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from cifar_lab import images
from cifar_lab.core import files
from cifar_lab.data.dataset import Dataset, Split, stratified_split
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import ModelCard
from cifar_lab.models import keras_loader
from cifar_lab.training import runs
from cifar_lab.training.export import export_model
from cifar_lab.training.keras_import.adapters import PIXELS, input_size, wrap_model

MAX_BYTES = 2**30
_ENDINGS = {
    "softmax": "Its scores are probabilities.",
    "sigmoid": "Its scores are those of a sigmoid: there is a softmax in its place now.",
    "logits": "Its scores are no probabilities: there is a softmax behind them now.",
}
_MEMORY = 2**28  # bytes of validation images, where they are made larger


def import_model(path: str | Path, dataset: Dataset, name: str, *, pixels: str | None = None, **options) -> Classifier:
    """Turn a network from a `.keras` or `.h5` file into a classifier in the models folder.

    Loading such a file can run code that somebody has put into it. Files with other layers than the stock ones are
    refused, but adopt only what you have made yourself.

    Args:
        path: of the file.
        dataset: what the network was trained on, or the same kind of pictures in the same classes: its validation
            split calibrates it.
        name: what the classifier is called; its folder's name.
        pixels: what the network takes for a pixel: `"0-1"`, `"-1-1"` or `"0-255"`; what fits the validation split best
            when not given.
        **options: as for `export_model`.

    Returns:
        The classifier. Its card says under `imported` what was found out and put around the network.

    Raises:
        ValueError: the file cannot be read or is not made of stock layers, or the network is none for square images of
            these classes.
    """
    path = Path(path)
    if pixels not in (None, *PIXELS):
        raise ValueError(f"pixels must be one of {', '.join(PIXELS)}, but it is {pixels!r}.")
    content = _content(path)
    model = keras_loader.load_keras_file(content, path.name)
    fitted = resized(dataset, input_size(model) or dataset.validation.images.shape[1])
    network, found = wrap_model(model, fitted.validation, len(dataset.class_names), pixels=pixels)
    facts = {
        "imported": {"file": path.name, "sha256": files.sha256_of(content)} | found,
        "trained": {"dataset": runs.describe_dataset(dataset)},
    }
    made = export_model(network, fitted, name, facts=facts | options.pop("facts", {}), **options)
    right = made.raw_probabilities(fitted.validation.images).argmax(axis=1) == fitted.validation.labels
    metrics = made.card.content.get("metrics", {}) | {"validation": {"accuracy": float(right.mean())}}
    made.card.write(metrics=metrics)
    return Classifier.load(name)


def wanted_size(path: str | Path) -> int | None:
    """Height and width of the images that the network in a file takes; `None` if any will do. Errors as of
    `import_model`."""
    path = Path(path)
    return input_size(keras_loader.load_keras_file(_content(path), path.name))


def describe_import(card: ModelCard) -> list[str]:
    """What was found out about an adopted network, in sentences.

    Args:
        card: of the classifier that `import_model` has made.
    """
    found, accuracy = card.content["imported"], card.content["metrics"]["validation"]["accuracy"]
    losses = ", ".join(f"{name} {loss:.2f}" for name, loss in found.get("cross_entropy", {}).items())
    why = f", which fit best (cross-entropy on validation images: {losses})" if losses else ""
    lines = [f"Pixels go in as {found['pixels']}{why}.", _ENDINGS[found["ending"]]]
    lines.append(f"{accuracy:.1%} of the validation images are answered right.")
    if accuracy < 1 - 0.9 * (1 - 1 / len(card.class_names)):  # a tenth of the way from chance to all
        lines.append(
            "That is little more than chance. Are the classes in the network's own order? The dataset has them as: "
            f"{', '.join(card.class_names[:20])}. Or were its pixels prepared in another way than --pixels offers?"
        )
    return lines


def resized(dataset: Dataset, size: int) -> Dataset:
    """The dataset with a validation split of another size, and as many of its images as memory allows.

    Args:
        dataset: it stays as it was.
        size: height and width of the images.
    """
    validation = dataset.validation
    if validation.images.shape[1] == size:
        return dataset
    if (count := _MEMORY // (3 * size * size)) < len(validation):
        validation = validation.take(stratified_split(validation.labels, count)[0])
    shown = [images.to_input(image, size=size) for image in validation.images]
    return replace(dataset, validation=Split(np.stack(shown), validation.labels))


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ValueError(f"There is no file {str(path)!r}.")
    if (size := path.stat().st_size) > MAX_BYTES:
        raise ValueError(f"{path.name} has {size >> 20} MiB; networks of up to {MAX_BYTES >> 20} are read.")
    return path.read_bytes()
