"""A network with ImageNet weights, exported as a classifier of photographs in 1,000 classes."""

import numpy as np

from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import backbones
from cifar_lab.models.imagenet_labels import imagenet_labels
from cifar_lab.training.export import export_model


def export_imagenet(
    name: str = "imagenet", *, backbone: str = "efficientnet_lite0", precision: str = "float16", **options
) -> Classifier:
    """Export a network with its ImageNet weights as a classifier.

    There are no photographs of ImageNet here to calibrate it on: it never predicts "none of these".

    Args:
        name: name of the classifier.
        backbone: one of `models.BACKBONES`.
        precision: storage dtype of the weights in `model.tflite`; with `"float16"` the predictions stay the same, with
            `"int8"` one in twenty photographs gets another label.
        **options: as for `export_model`.

    Raises:
        ValueError: there is no such backbone, its weights are not installed or damaged, or the name is taken or
            invalid.
        DownloadError: MobileNetV2's weights cannot be downloaded; the message says how to place them by hand.
    """
    model_card.check_new_name(name, replace=options.get("replace", False))
    model = backbones.load_backbone(backbone)
    none = Split(np.empty((0, *model.input_shape[1:]), np.uint8), np.empty(0, np.int64))
    origin = "ImageNet (ILSVRC 2012): 1.28 million photographs in 1,000 classes."
    dataset = Dataset("imagenet", imagenet_labels(), none, none, none, origin)
    facts = {
        "backbone": backbones.describe_backbone(backbone),
        "trained": {"dataset": {"name": dataset.name, "origin": origin}},
    }
    return export_model(model, dataset, name, precision=precision, facts=facts, **options)
