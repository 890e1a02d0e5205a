"""The network that training starts from, by the name of a classifier or of a run."""

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.inference.model_card import KERAS_FILE, ModelCard
from cifar_lab.models import bn_unfolding, imagenet_weights
from cifar_lab.models.loading import load_network
from cifar_lab.training.runs import Run
from cifar_lab.training.store import find_by_name

_IMAGES = 2000  # so many tell a filter's mean over all places and images to a few thousandths


def load_start(start: str) -> keras.Model:
    """The network of a classifier or a finished run, by its name or folder, after checking that its file is its own.

    Raises:
        ValueError: there is neither, it is no network, or its file is not the one its card states.
    """
    found = find_by_name(start)
    if isinstance(found, ModelCard):
        return load_network(found.folder)
    if found.is_baseline:
        raise ValueError(f"The run {found.folder.name!r} is of no network: there are no layers to start from.")
    return found.load_model()


def describe_start(start: str) -> dict:
    """What a run card says of the network that training starts from: its name, its file, what it was trained on."""
    if start == "imagenet":
        return imagenet_weights.weights_origin()
    found = find_by_name(start)
    if isinstance(found, Run):
        sha256, dataset = found.record["model_sha256"], found.record["dataset"]
    else:
        sha256, dataset = (
            found.content["files"][KERAS_FILE]["sha256"],
            found.content.get("trained", {}).get("dataset", {}),
        )
    return {"name": start, "sha256": sha256, "dataset": dataset.get("name"), "class_names": dataset.get("class_names")}


def load_unfolded(start: str, dataset: Dataset, *, precision: str = "float32") -> keras.Model:
    """The network of a classifier or a run, unfolded.

    Args:
        start: a classifier in `data/models/`, or a finished run, by its name or folder: of a fast network.
        dataset: of the same classes and image size; its training images are looked at, not its labels.
        precision: as for `cifar_lab.models.airbench.build_airbench`.

    Raises:
        ValueError: there is no such classifier or run, its file is not the one its card states, or it is another
            network, or one for other images or classes.
    """
    folded = load_start(start)
    size, class_count = dataset.train.images.shape[1], len(dataset.class_names)
    if folded.name != "fast":
        raise ValueError(
            f"Only a fast network can go on learning as one, and that of {start!r} is called {folded.name!r}. "
            "For another: the recipe transfer."
        )
    if folded.input_shape[1:3] != (size, size) or folded.output_shape[1] != class_count:
        raise ValueError(
            f"The network of {start!r} knows {folded.output_shape[1]} classes of {folded.input_shape[1]} x "
            f"{folded.input_shape[1]} pixels, and {dataset.name} has {class_count} of {size} x {size}. For other "
            "classes: the recipe transfer."
        )
    return bn_unfolding.unfold_batch_norm(folded, dataset.train.images[:_IMAGES], precision=precision)
