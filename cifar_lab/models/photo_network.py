"""A network that recognises CIFAR-10's classes on photographs: a backbone that has seen ImageNet, and one dense layer.

Two kinds of evidence meet in that layer. The backbone's features are what a new head learns on. And ImageNet has
classes of its own for most of ours (118 breeds of dog, 59 birds, two kinds of aeroplane): for each of our classes, the
network also looks up the largest logit among its ImageNet classes. An eleventh output, "none of these", has all the
other ImageNet classes, and is trained on images that show nothing (`images.nonpictures`).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from cifar_lab.core.keras_backend import keras
from cifar_lab.models.backbones import load_backbone

layers = keras.layers

# ImageNet's classes, by their number, that are kinds of one of CIFAR-10's; see `imagenet_labels`.
CIFAR10_ON_IMAGENET: Mapping[str, tuple[int, ...]] = {
    "airplane": (404, 895),
    "automobile": (407, 436, 468, 511, 609, 627, 656, 661, 751, 817),
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "cat": tuple(range(281, 286)),
    "deer": (351, 352, 353),  # antelopes: ImageNet has no deer
    "dog": tuple(range(151, 269)),
    "frog": (30, 31, 32),
    "horse": (339,),
    "ship": (403, 472, 484, 510, 536, 554, 576, 625, 628, 724, 780, 814, 833, 871, 914),
    "truck": (555, 569, 675, 717, 734, 864, 867),
}


def build_photo_network(
    groups: Sequence[Sequence[int]], *, backbone: str = "efficientnet_lite0", input_size: int = 224
) -> keras.Model:
    """Build the network with its ImageNet weights, and a last layer that has learned nothing yet.

    Args:
        groups: for each class the numbers of its ImageNet classes, at least one. "None of these" gets all the others.
        backbone: one of `BACKBONES`.
        input_size: height and width of the images in pixels.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, len(groups) + 1)` float32 probabilities, the
        last of which is that of "none of these". Its layer `evidence` puts out what the last layer, `logits`, gets:
        the backbone's features, then the largest ImageNet logit of each group.
    """
    pretrained = load_backbone(backbone, input_size=input_size)
    features, head = pretrained.get_layer("features").output, pretrained.get_layer("logits")
    kernel, bias = head.get_weights()
    used = {number for group in groups for number in group}
    evidence = [features]
    for index, group in enumerate([*groups, [number for number in range(len(bias)) if number not in used]]):
        dense = layers.Dense(len(group), name=f"imagenet_{index}")
        x = layers.Reshape((len(group), 1), name=f"group_{index}")(dense(features))
        evidence.append(layers.GlobalMaxPooling1D(name=f"largest_{index}")(x))
        dense.set_weights([kernel[:, list(group)], bias[list(group)]])
    x = layers.Concatenate(name="evidence")(evidence)
    logits = layers.Dense(len(groups) + 1, name="logits", kernel_initializer="zeros")(x)
    return keras.Model(pretrained.input, layers.Softmax(name="probabilities")(logits), name="photos")


def set_head(model: keras.Model, kernel: np.ndarray, bias: np.ndarray, *, imagenet_weight: float) -> None:
    """Set the last layer of the network.

    The logits become `features @ kernel + bias + imagenet_weight * evidence`: those of a head trained on the features,
    plus ImageNet's as a prior (the product of two experts: Hinton, 2002).

    Args:
        model: from `build_photo_network`.
        kernel: `(features, classes + 1)` float.
        bias: `(classes + 1,)` float.
        imagenet_weight: exponent of ImageNet's probabilities in the product; 0 to ignore them.
    """
    prior = imagenet_weight * np.eye(len(bias), dtype=np.float32)
    model.get_layer("logits").set_weights([np.concatenate([kernel, prior]).astype(np.float32), bias])
