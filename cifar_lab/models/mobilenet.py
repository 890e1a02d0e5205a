"""MobileNetV2 (Sandler et al., 2018) from `keras.applications`, with uint8 input like all networks here."""

from pathlib import Path

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import imagenet_weights as files

layers = keras.layers
CLASSES = 1000
SMALLEST = 96  # pixels: smaller images are enlarged to this size, see `build_mobilenet_for_classes`


def build_mobilenet(
    class_count: int = CLASSES,
    *,
    input_size: int = 224,
    weights: str | Path | None = "imagenet",
    alpha: float = 1.0,
    progress: bool = True,
) -> keras.Model:
    """Build MobileNetV2 with its head: pretrained for ImageNet's 1,000 classes, or with random weights for others.

    3,538,984 parameters and 300 million multiplications per image with the default arguments.

    Args:
        class_count: number of classes; 1,000 unless the weights are random.
        input_size: height and width of the images, at least 32. The network was pretrained on 224 x 224.
        weights: `"imagenet"` (downloaded if not in the cache), the path of such a file, or `None` for random weights.
        alpha: width multiplier, 0.35 to 1.4.
        progress: show a progress bar during the download.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        DownloadError: the weights cannot be downloaded; the message says how to place them by hand.
        WeightsError: the file is damaged or of another network.
        ValueError: the images are too small, or ImageNet weights are combined with another number of classes.
    """
    if weights is not None and class_count != CLASSES:
        raise ValueError(
            f"ImageNet weights are for {CLASSES} classes, not for {class_count}. Use weights=None, or train with the "
            "recipe mobilenet, which starts from them."
        )
    path = files.fetch_weights(alpha, progress=progress) if weights == "imagenet" else weights
    pixels, features = _backbone(input_size, alpha, resized_to=input_size)
    logits = layers.Dense(class_count, name="logits")(features)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(logits), name="mobilenet")
    if path is not None:
        files.load_weights(model, Path(path))
    return model


def build_mobilenet_for_classes(
    class_count: int = 10, input_size: int = 32, *, start: str = "", alpha: float = 1.0
) -> keras.Model:
    """Build MobileNetV2 with a new, random head, to be trained on other classes.

    The network halves an image five times: 32 x 32 pixels would end as a single one. Its filters also expect objects
    of the size that they have in photographs. Small images are therefore enlarged to 96 x 96 first: they do not get
    sharper, but fit the filters, at a fifth of the cost of 224 x 224.

    With pretrained weights, batch normalisation stays frozen: its statistics come from a million photographs, and a few
    batches of other images would spoil them.

    Args:
        class_count: number of classes.
        input_size: height and width of the images, before they are enlarged.
        start: `"imagenet"` for pretrained weights (downloaded if not in the cache), or empty for random weights.
        alpha: width multiplier.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        DownloadError, WeightsError: as for `build_mobilenet`.
        ValueError: `start` is something else, or the images are too small.
    """
    if start not in ("", "imagenet"):
        raise ValueError(
            f"MobileNetV2 starts from 'imagenet', not from {start!r}. To start from a classifier or a run, use the "
            "recipe transfer."
        )
    path = files.fetch_weights(alpha) if start else None
    pixels, features = _backbone(input_size, alpha, resized_to=max(SMALLEST, input_size))
    if path:
        # The file includes a head for 1,000 classes, so it is loaded into a model with that head, which is discarded.
        files.load_weights(keras.Model(pixels, layers.Dense(CLASSES, name="logits")(features)), path)
    logits = layers.Dense(class_count, name="logits")(features)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(logits), name="mobilenet")
    for layer in model.layers if start else ():
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    return model


def _backbone(input_size: int, alpha: float, *, resized_to: int) -> tuple:
    """Return the symbolic input and the backbone's output, 1,280 features."""
    if input_size < 8 or resized_to < 32:
        raise ValueError(f"MobileNetV2 takes images of at least 32 x 32 pixels, got {input_size} x {input_size}.")
    pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # to -1..1, as in pretraining
    if resized_to != input_size:
        x = layers.Resizing(resized_to, resized_to, name="enlarge")(x)
    mobile = keras.applications.MobileNetV2(input_tensor=x, include_top=False, weights=None, alpha=alpha)
    return pixels, layers.GlobalAveragePooling2D(name="features")(mobile.output)
