"""MobileNetV2 (Sandler et al., 2018) from `keras.applications`, with uint8 input like all networks here."""

from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.data.download import DownloadError

SMALLEST = 96  # pixels: smaller images are enlarged to this size, see `build_mobilenet_for_classes`
_FILE = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
_BYTES = 14_536_120
_ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/{_FILE}"


def weights_path() -> Path:
    """Return the path of the ImageNet weights in Keras's cache, whether or not they are there."""
    return paths.keras_folder() / "models" / _FILE


def weights_available() -> bool:
    """Return whether the ImageNet weights are complete in Keras's cache."""
    return weights_path().is_file() and weights_path().stat().st_size == _BYTES


def fetch_weights() -> Path:
    """Download the ImageNet weights (14.5 MB) unless they are in Keras's cache, and return their path.

    Raises:
        DownloadError: they cannot be downloaded; the message says how to place them by hand.
    """
    from cifar_lab.core.keras_backend import keras

    if not weights_available():
        try:
            folder = str(paths.keras_folder())
            keras.utils.get_file(_FILE, _ADDRESS, cache_dir=folder, cache_subdir="models", force_download=True)
        except Exception as error:  # Keras raises a bare Exception
            raise DownloadError(
                f"MobileNetV2's weights could not be downloaded ({error}). Download {_ADDRESS} elsewhere, and put the "
                f"file into {weights_path().parent}."
            ) from error
    return weights_path()


def weights_origin() -> dict:
    """Describe the pretrained network for a run record, as `cifar_lab.training.start.describe_start` does."""
    sha256 = files.sha256(weights_path())
    return {"name": "imagenet", "sha256": sha256, "dataset": "imagenet", "class_names": None}


def build_mobilenet(input_size: int = 224, *, start: str = "imagenet"):
    """Build MobileNetV2 for ImageNet's 1,000 classes.

    Args:
        input_size: height and width of the images; they are enlarged if smaller than `SMALLEST`.
        start: `"imagenet"` for pretrained weights (downloaded if not in the cache), or empty for random ones.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, 1000)` float32 probabilities, whose layer
        `features` returns `(n, 1280)` float32.

    Raises:
        DownloadError: as for `fetch_weights`.
        ValueError: `start` is something else, the images are too small, or the weight file is damaged.
    """
    from cifar_lab.core.keras_backend import keras

    if start not in ("", "imagenet"):
        raise ValueError(
            f"MobileNetV2 starts from 'imagenet', not from {start!r}. To start from a classifier or a run, use the "
            "recipe transfer."
        )
    if input_size < 8:
        raise ValueError(f"MobileNetV2 takes images of at least 8 x 8 pixels, got {input_size} x {input_size}.")
    pixels = keras.Input((input_size, input_size, 3), dtype="uint8", name="pixels")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)  # to -1..1, as in pretraining
    if input_size < SMALLEST:
        x = keras.layers.Resizing(SMALLEST, SMALLEST, name="enlarge")(x)
    weights = fetch_weights() if start else None
    try:
        model = keras.applications.MobileNetV2(input_tensor=x, weights=weights, name="mobilenet")
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{weights} is damaged ({error}). Delete it and try again.") from error
    model.layers[-2].name = "features"
    return model


def build_mobilenet_for_classes(class_count: int = 10, input_size: int = 32, *, start: str = ""):
    """Build MobileNetV2 with a new, random head, to be trained on other classes.

    The network halves an image five times: 32 x 32 pixels would end as a single one. Its filters also expect objects
    of the size that they have in photographs. Small images are therefore enlarged to 96 x 96 first.

    With pretrained weights, batch normalisation stays frozen: its statistics come from a million photographs, and a few
    batches of other images would spoil them.

    Args:
        class_count: number of classes.
        input_size: height and width of the images, before they are enlarged.
        start: as for `build_mobilenet`; random weights by default.

    Returns:
        A model from `(n, input_size, input_size, 3)` uint8, 0-255, to `(n, class_count)` float32 probabilities.

    Raises:
        DownloadError, ValueError: as for `build_mobilenet`.
    """
    from cifar_lab.core.keras_backend import keras

    whole = build_mobilenet(input_size, start=start)
    logits = keras.layers.Dense(class_count, name="logits")(whole.get_layer("features").output)
    outputs = keras.layers.Softmax(name="probabilities")(logits)
    model = keras.Model(whole.inputs[0], outputs, name="mobilenet")
    for layer in model.layers if start else ():
        layer.trainable = not isinstance(layer, keras.layers.BatchNormalization)
    return model
