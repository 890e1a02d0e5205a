"""Import a Keras network that was trained elsewhere as a classifier.

    classifier = import_model("digits.h5", data.load("digits"), "my-digits")

Such a network expects pixels as they were preprocessed for its training, and its scores may not be probabilities. So
layers are added around it: rescaling of uint8 pixels before it and, if it has none, a softmax after it.
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
    "sigmoid": "Its scores came from a sigmoid, which is replaced by a softmax.",
    "logits": "Its scores are not probabilities: a softmax is added after them.",
}
_MEMORY = 2**28  # bytes of resized validation images


def import_model(path: str | Path, dataset: Dataset, name: str, *, pixels: str | None = None, **options) -> Classifier:
    """Turn a network from a `.keras` or `.h5` file into a classifier in the models folder.

    Loading such a file can run malicious code. Files with layers other than Keras's own are refused, but import only
    files that you have made yourself.

    Args:
        path: path of the file.
        dataset: the dataset that the network was trained on, or one with similar pictures and the same classes; its
            validation split is used for calibration.
        name: name of the classifier and of its folder.
        pixels: pixel range that the network expects: `"0-1"`, `"-1-1"` or `"0-255"`; by default the one with the best
            fit to the validation split.
        **options: as for `export_model`.

    Returns:
        The classifier. The entry `imported` of its card states what was detected and added.

    Raises:
        ValueError: the file cannot be read, has custom layers, or its network does not take square images or does not
            have these classes.
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
    """Return the height and width of the images that the network in a file takes; `None` if any size is accepted.

    Raises:
        ValueError: as for `import_model`.
    """
    path = Path(path)
    return input_size(keras_loader.load_keras_file(_content(path), path.name))


def describe_import(card: ModelCard) -> list[str]:
    """Describe in sentences what was detected in an imported network.

    Args:
        card: card of a classifier that `import_model` has made.
    """
    found, accuracy = card.content["imported"], card.content["metrics"]["validation"]["accuracy"]
    losses = ", ".join(f"{name} {loss:.2f}" for name, loss in found.get("cross_entropy", {}).items())
    why = f", which fit best (cross-entropy on validation images: {losses})" if losses else ""
    lines = [f"Pixels go in as {found['pixels']}{why}.", _ENDINGS[found["ending"]]]
    lines.append(f"{accuracy:.1%} of the validation images are classified correctly.")
    if accuracy < 1 - 0.9 * (1 - 1 / len(card.class_names)):  # a tenth of the way from chance to 100%
        lines.append(
            "That is little more than chance. Are the classes in the same order as in the network? The dataset has: "
            f"{', '.join(card.class_names[:20])}. Or does its pixel range differ from those of --pixels?"
        )
    return lines


def resized(dataset: Dataset, size: int) -> Dataset:
    """Return a dataset whose validation images are resized, with as many of them as memory allows.

    Args:
        dataset: the original, which is not changed.
        size: new height and width of the validation images.
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
        raise ValueError(f"{path.name} has {size >> 20} MiB, but the limit is {MAX_BYTES >> 20} MiB.")
    return path.read_bytes()
