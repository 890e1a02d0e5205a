"""MobileNetV2 with ImageNet weights, exported as a classifier of photographs in 1,000 classes."""

import numpy as np

from cifar_lab.core import files
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import mobilenet
from cifar_lab.models.imagenet_labels import imagenet_labels
from cifar_lab.training.export import export_model


def export_mobilenet(name: str = "mobilenet", *, precision: str = "float16", **options) -> Classifier:
    """Export MobileNetV2 as a classifier, after downloading its weights if necessary.

    There are no photographs of ImageNet here to calibrate it on: it never predicts "none of these".

    Args:
        name: name of the classifier.
        precision: storage dtype of the weights in `model.tflite`; `"float16"` rounds by less than a thousandth.
        **options: as for `export_model`.

    Raises:
        DownloadError: the weights cannot be downloaded; the message says how to place them by hand.
        ValueError: the name is taken or invalid, or the weight file is damaged.
    """
    model = mobilenet.build_mobilenet()
    none = Split(np.empty((0, *model.input_shape[1:]), np.uint8), np.empty(0, np.int64))
    origin = "Keras's weights for ImageNet (ILSVRC 2012: 1.28 million photographs in 1,000 classes)."
    dataset = Dataset("imagenet", imagenet_labels(), none, none, none, origin)
    path = mobilenet.weights_path()
    facts = {
        "network": "MobileNetV2",
        "weights": {"file": path.name, "bytes": path.stat().st_size, "sha256": files.sha256(path)},
        "trained": {"dataset": {"name": dataset.name, "origin": origin}},
    }
    return export_model(model, dataset, name, precision=precision, facts=facts, **options)
