"""Load the network that training starts from, by the name of a classifier or run."""

from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.inference.model_card import KERAS_FILE, ModelCard
from cifar_lab.models import bn_unfolding, mobilenet
from cifar_lab.models.loading import load_network
from cifar_lab.training.runs import Run
from cifar_lab.training.store import find_by_name

_IMAGES = 2000  # enough for the mean activation of a filter to within a few thousandths


def load_start(start: str) -> keras.Model:
    """Load the network of a classifier or finished run, by name or folder, after checking the SHA-256 of its file.

    Raises:
        ValueError: there is no such classifier or run, it is not a network, or its file is not the one stated in its
            card or record.
    """
    found = find_by_name(start)
    if isinstance(found, ModelCard):
        return load_network(found.folder)
    return found.load_model()


def describe_start(start: str) -> dict:
    """Describe the network that training starts from, for a run record: its name, SHA-256, dataset and class names."""
    if start == "imagenet":
        return mobilenet.weights_origin()
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
    """Load the fast network of a classifier or run, with its batch normalisation unfolded again for training.

    Args:
        start: a classifier in `data/models/` or a finished run with a fast network, by name or folder.
        dataset: has the same number of classes and the same image size; only its training images are used, not their
            labels.
        precision: as for `cifar_lab.models.airbench.build_airbench`.

    Raises:
        ValueError: there is no such classifier or run, its file is not the one stated in its card or record, it is not
            a fast network, or its image size or number of classes differs.
    """
    folded = load_start(start)
    size, class_count = dataset.train.images.shape[1], len(dataset.class_names)
    if folded.name != "fast":
        raise ValueError(
            f"The network of {start!r} is {folded.name!r}, but only a fast network can be trained further as one: "
            "use the recipe transfer."
        )
    if folded.input_shape[1:3] != (size, size) or folded.output_shape[1] != class_count:
        raise ValueError(
            f"The network of {start!r} has {folded.output_shape[1]} classes and images of {folded.input_shape[1]} x "
            f"{folded.input_shape[1]} pixels, but {dataset.name} has {class_count} and {size} x {size}. For different "
            "classes, use the recipe transfer."
        )
    return bn_unfolding.unfold_batch_norm(folded, dataset.train.images[:_IMAGES], precision=precision)
