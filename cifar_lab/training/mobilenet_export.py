"""MobileNetV2 with ImageNet weights, exported as a classifier of photographs in 1,000 classes.

    models.weights_available()                    # are its weights on this machine?
    classifier = export_mobilenet()               # downloads them if needed (14.5 MB); data/models/mobilenet
    classifier.predict("photo.jpg").top           # from 1,000 classes, at 224 x 224 pixels

To train on different classes, use the recipe `mobilenet`, which starts from the same weights.
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
    """Export MobileNetV2 as a classifier in the models folder, available to the widget, the page and the command line.

    The classifier is not calibrated, since the lab has no ImageNet photographs: it never predicts "none of these", and
    its card says so.

    Args:
        name: name of the classifier.
        weights: `"imagenet"`, which downloads the weights unless they are on this machine, or the path of a weights
            file.
        alpha: width multiplier; must match the weights.
        input_size: height and width of the input images, in pixels.
        precision: storage dtype of the weights in `model.tflite`. `"float16"` halves the file and rounds each weight by
            less than a thousandth; the accuracy that `"int8"` costs could only be measured on photographs.
        framings: how a picture that is not square is framed, see `images.to_input`; several are averaged.
        replace: replace an existing classifier of that name.

    Raises:
        DownloadError: the weights are not on this machine and cannot be downloaded; the message says how to place them
            manually.
        WeightsError: the file is damaged or belongs to a different network.
        ValueError: the name is taken or invalid.
    """
    from cifar_lab.models.mobilenet import build_mobilenet  # here, since Keras takes seconds to import

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
