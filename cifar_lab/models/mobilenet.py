"""MobileNetV2 (Sandler et al., 2018), as Keras has it; but with uint8 pixels going in, like all networks here."""

from pathlib import Path

from cifar_lab.core.keras_backend import keras
from cifar_lab.models import imagenet_weights as files

layers = keras.layers
CLASSES = 1000
SMALLEST = 96  # pixels: what images are enlarged to before they are looked at, see `build_mobilenet_for_classes`


def build_mobilenet(
    class_count: int = CLASSES,
    *,
    input_size: int = 224,
    weights: str | Path | None = "imagenet",
    alpha: float = 1.0,
    progress: bool = True,
) -> keras.Model:
    """MobileNetV2 with its last layer: for ImageNet's 1,000 classes, or with random weights for others.

    3,538,984 parameters and 300 million multiplications an image, at its own size and width.

    Args:
        class_count: how many classes come out; 1,000 unless the weights are random.
        input_size: height and width of the images, at least 32. The weights are from images of 224.
        weights: `"imagenet"`, which fetches them unless they are here; the path of such a file; or `None` for random
            ones.
        alpha: how wide each layer is, beside the published network: 0.35 to 1.4.
        progress: show a progress bar while fetching.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        DownloadError: the weights are not here and cannot be fetched; the sentence says how to place them by hand.
        WeightsError: the file is damaged or of another network.
        ValueError: the size is too small.
    """
    if weights is not None and class_count != CLASSES:
        raise ValueError(
            f"ImageNet's weights are for its {CLASSES} classes, not for {class_count}. Take weights=None, or train "
            "with the recipe mobilenet, which starts from them."
        )
    path = files.fetch_weights(alpha, progress=progress) if weights == "imagenet" else weights
    pixels, x = _backbone(input_size, alpha, shown_at=input_size)
    scores = layers.Dense(class_count, name="logits")(x)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(scores), name="mobilenet")
    if path is not None:
        files.load_weights(model, Path(path))
    return model


def build_mobilenet_for_classes(
    class_count: int = 10, input_size: int = 32, *, start: str = "", alpha: float = 1.0
) -> keras.Model:
    """MobileNetV2 with a new, random last layer, to be trained on other classes.

    It halves an image five times: of 32 x 32 pixels one would be left, and nothing of where things are. Its filters
    look for things of the size that they have in a photograph, too. So small images are enlarged first, to 96 x 96:
    they get no sharper, but its filters fit, and an image costs a fifth of one of 224 x 224.

    Batch normalisation stays as it was on ImageNet, in training too: its means and variances are those of a million
    photographs, and a few batches of other ones would spoil them, and with them whatever was learnt above.

    Args:
        class_count: how many classes come out.
        input_size: height and width of the images, as they go in.
        start: `"imagenet"`, whose weights are fetched unless they are here; random weights when empty.
        alpha: how wide each layer is.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        DownloadError, WeightsError: as for `build_mobilenet`.
        ValueError: it cannot start from there.
    """
    if start not in ("", "imagenet"):
        raise ValueError(
            f"MobileNetV2 starts from 'imagenet', not from {start!r}. For the network of a classifier or a run: the "
            "recipe transfer."
        )
    path = files.fetch_weights(alpha) if start else None
    pixels, x = _backbone(input_size, alpha, shown_at=max(SMALLEST, input_size))
    if path:
        # The file's last layer, for 1,000 classes, is read with the rest and let go of: one file for both uses.
        scores = layers.Dense(CLASSES, name="logits")(x)
        files.load_weights(keras.Model(pixels, scores), path)
    scores = layers.Dense(class_count, name="logits")(x)
    model = keras.Model(pixels, layers.Softmax(name="probabilities")(scores), name="mobilenet")
    for layer in model.layers if start else ():
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    return model


def _backbone(input_size: int, alpha: float, *, shown_at: int) -> tuple:
    """The pixels, and the 1,280 features that the network makes of them."""
    if input_size < 8 or shown_at < 32:
        raise ValueError(f"MobileNetV2 takes images of at least 32 pixels, not {input_size}.")
    pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # to -1..1, as it was on ImageNet
    if shown_at != input_size:
        x = layers.Resizing(shown_at, shown_at, name="enlarge")(x)
    mobile = keras.applications.MobileNetV2(input_tensor=x, include_top=False, weights=None, alpha=alpha)
    return pixels, layers.GlobalAveragePooling2D(name="features")(mobile.output)
