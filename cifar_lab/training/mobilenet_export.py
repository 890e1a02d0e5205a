"""MobileNetV2 with ImageNet's weights: a network for photographs of a thousand things, as one more classifier here.

    models.weights_available()                    # are its weights on this machine?
    classifier = export_mobilenet()               # fetches them if need be (14.5 MB, once); data/models/mobilenet
    classifier.predict("photo.jpg").top           # of 1,000 classes, seen at 224 x 224 pixels

To train it on other classes, the recipe `mobilenet` starts from the same weights.
"""

from pathlib import Path

import numpy as np

from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import imagenet_weights as weight_files
from cifar_lab.models.imagenet_labels import imagenet_labels
from cifar_lab.training.export import export_model

_ORIGIN = "Keras's weights for ImageNet (ILSVRC 2012: 1.28 million photographs in 1,000 classes)."


def export_mobilenet(
    name: str = "mobilenet",
    *,
    weights: str | Path = "imagenet",
    alpha: float = 1.0,
    input_size: int = 224,
    precision: str = "float16",
    framings: tuple[str, ...] = ("centre",),
    replace: bool = False,
) -> Classifier:
    """Make a classifier of it in the models folder: widget, page and command line then have it in their choice.

    There are no photographs here to calibrate it on. So its scores are the network's own, it never answers "none of
    these", and its card says so.

    Args:
        name: what the classifier is called.
        weights: `"imagenet"`, which fetches them unless they are here, or the path of such a file.
        alpha: how wide each layer is; the file's width.
        input_size: height and width of what it sees, in pixels.
        precision: how the weights of `model.tflite` are stored. `"float16"` halves the file and rounds each weight by
            less than a thousandth; what `"int8"` costs could only be measured on photographs.
        framings: how a picture that is not square is framed, see `images.to_input`; several are averaged.
        replace: put it in the place of one that has the name.

    Raises:
        DownloadError: the weights are not here and cannot be fetched; the sentence says how to place them by hand.
        WeightsError: the file is damaged or of another network.
        ValueError: the name is taken or no name.
    """
    from cifar_lab.models.mobilenet import build_mobilenet  # Keras takes seconds to start

    model = build_mobilenet(input_size=input_size, weights=weights, alpha=alpha)
    read = weight_files.weights_path(alpha) if weights == "imagenet" else Path(weights)
    none = Split(np.empty((0, input_size, input_size, 3), np.uint8), np.empty(0, np.int64))
    dataset = Dataset("imagenet", imagenet_labels(), none, none, none, _ORIGIN)
    facts = {
        "network": f"MobileNetV2, alpha {alpha}",
        "weights": weight_files.weight_facts(read),
        "trained": {"dataset": {"name": dataset.name, "origin": dataset.origin}},
    }
    return export_model(model, dataset, name, precision=precision, framings=framings, facts=facts, replace=replace)
