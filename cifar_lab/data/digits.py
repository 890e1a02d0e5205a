"""Load handwritten digits: MNIST if it is on this machine, else the 1,797 digits bundled with scikit-learn.

Every image shows one upright, centred digit in bright strokes on black. `cifar_lab.images.handwriting` renders it like
a photograph or a scan.
"""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_lab.core import files, paths
from cifar_lab.data.cifar10_files import DataError
from cifar_lab.data.dataset import Dataset, Split, stratified_split
from cifar_lab.data.download import DownloadError  # noqa: F401  (raised by `fetch_mnist`)
from cifar_lab.data.download import fetch_file as download

CLASS_NAMES = tuple("0123456789")
FILE = "mnist.npz"  # as distributed by Keras: four arrays, images of 28 x 28 uint8
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SIZE = 11_490_434
MIRRORS = (f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{FILE}",)
_VALIDATION, _SPLIT_SEED = 5_000, 10  # of MNIST's 60,000; another seed gives another validation split
# The bundled digits come in 14 series of about 130, apparently one writer each (13 people wrote them). The splits are
# cut between series (9, 2 and 3), so that the test digits are by different writers.
_VALIDATION_FROM, _TEST_FROM = 1157, 1415


def load_digits() -> Dataset:
    """Load MNIST if it is on this machine, else scikit-learn's digits; download nothing.

    MNIST is searched as `mnist.npz` at the place named by `CIFAR_LAB_DATA`, in `data/` and in the Keras cache: 55,000
    train, 5,000 validation and 10,000 test images, 28 x 28 with a black border. scikit-learn's digits are 1,157, 258
    and 382 images by different writers, enlarged from 8 x 8. All images are `(32, 32, 3)` uint8, 0-255.

    Raises:
        DataError: the `mnist.npz` found is not the known one.
    """
    place = locate_mnist()
    return _bundled() if place is None else _mnist(place)


def locate_mnist() -> Path | None:
    """Return the path of MNIST on this machine, or `None`, without downloading or opening anything."""
    placed = Path(os.environ.get("CIFAR_LAB_DATA") or paths.data_folder()).expanduser()
    cache = paths.keras_folder() / "datasets"
    places = (placed if placed.name == FILE else placed / FILE, paths.data_folder() / FILE, cache / FILE)
    return next(filter(Path.is_file, places), None)


def fetch_mnist(*, progress: bool = True) -> Path:
    """Download MNIST (11 MB) into `data/`, resuming an interrupted download.

    Args:
        progress: show a progress bar.

    Raises:
        DownloadError: no mirror served it.
    """
    return download(
        MIRRORS, paths.data_folder() / FILE, sha256=SHA256, size=SIZE, progress=progress, by_hand="put it into data/"
    )


def _mnist(place: Path) -> Dataset:
    with open(place, "rb") as file:
        content = file.read(SIZE + 1)  # a different file may be of any size
    if files.sha256_of(content) != SHA256:
        raise DataError(
            f"{place} is not the {FILE} distributed by Keras (its SHA-256 differs). Move it away to use the bundled "
            "digits, or download it again with: cifar-lab data digits"
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        parts = {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    train_and_validation, test = (
        Split(_in_colour(np.pad(parts[f"x_{part}"], ((0, 0), (2, 2), (2, 2)))), parts[f"y_{part}"].astype(np.int64))
        for part in ("train", "test")
    )
    count = min(_VALIDATION, len(train_and_validation) // 2)
    validation, train = stratified_split(train_and_validation.labels, count, seed=_SPLIT_SEED)
    origin = "MNIST (LeCun, Cortes and Burges, 1998), as Keras hands it out."
    splits = (train_and_validation.take(train), train_and_validation.take(validation), test)
    return Dataset("digits", CLASS_NAMES, *splits, origin)


def _bundled() -> Dataset:
    from sklearn.datasets import load_digits

    arrays = load_digits()
    images = _in_colour(np.stack([_enlarged(image) for image in arrays.images]))
    whole = Split(images, arrays.target.astype(np.int64))
    splits = [whole.take(part) for part in np.split(np.arange(len(whole)), [_VALIDATION_FROM, _TEST_FROM])]
    origin = "The 1,797 digits (Alpaydin and Kaynak, 1998) that scikit-learn brings along, 8 x 8 made larger."
    return Dataset("digits", CLASS_NAMES, *splits, origin)


def _enlarged(image: np.ndarray) -> np.ndarray:
    """Enlarge a digit of 8 x 8, 0-16, to MNIST's size: `(32, 32)` uint8, 0-255, the digit about 20 pixels high."""
    framed = np.pad(image * (255 / 16), 1).astype(np.uint8)  # black, so that strokes fade out at the border
    smooth = Image.fromarray(framed).resize((24, 24), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(smooth), 4)


def _in_colour(images: np.ndarray) -> np.ndarray:
    """Repeat grey images `(n, 32, 32)` as three channels, `(n, 32, 32, 3)`."""
    return np.repeat(images[..., None], 3, axis=3)
