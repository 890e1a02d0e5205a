"""Handwritten digits: MNIST where it is at hand, else the 1,797 that scikit-learn brings along.

Both show one digit a picture, bright strokes on black, upright and in the middle. `cifar_lab.images.handwriting` makes
of them what a photograph or a scan looks like.
"""

import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from cifar_lab.core import files, paths
from cifar_lab.data.cifar10_files import DataError
from cifar_lab.data.dataset import Dataset, Split, stratified_split
from cifar_lab.data.download import DownloadError  # noqa: F401  (what `fetch_mnist` raises)
from cifar_lab.data.download import fetch_file as download

CLASS_NAMES = tuple("0123456789")
FILE = "mnist.npz"  # as Keras hands it out: four arrays, 28 x 28 uint8
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
SIZE = 11_490_434
MIRRORS = (f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{FILE}",)
_VALIDATION, _SPLIT_SEED = 5_000, 10  # of MNIST's 60,000; another seed is another validation split
# The bundled digits come in 14 series of about 130, each in one hand as it seems (13 people wrote them). The splits are
# cut between two series, 9, 2 and 3 of them, so that the digits that are tested on are by other hands.
_VALIDATION_FROM, _TEST_FROM = 1157, 1415


def load_digits() -> Dataset:
    """Load the digits: what lies on this machine decides which; nothing is fetched.

    MNIST is looked for where `CIFAR_LAB_DATA` says, in `data/` and in the Keras cache, as `mnist.npz`: 55,000 train,
    5,000 validation and 10,000 test images, 28 x 28 with a black border. Else it is scikit-learn's digits: 1,157, 258
    and 382 images by different hands, 8 x 8 made larger.

    Raises:
        DataError: the `mnist.npz` that lies there is not the known one.
    """
    place = locate_mnist()
    return _bundled() if place is None else _mnist(place)


def locate_mnist() -> Path | None:
    """Where MNIST lies on this machine, or `None`. Nothing is fetched, and nothing is opened."""
    placed = Path(os.environ.get("CIFAR_LAB_DATA") or paths.data_folder()).expanduser()
    cache = paths.keras_folder() / "datasets"
    places = (placed if placed.name == FILE else placed / FILE, paths.data_folder() / FILE, cache / FILE)
    return next(filter(Path.is_file, places), None)


def fetch_mnist(*, progress: bool = True) -> Path:
    """Download MNIST (11 MB) into `data/`, going on where an earlier download stopped.

    Args:
        progress: show a progress bar.

    Raises:
        DownloadError: it could not be fetched.
    """
    return download(
        MIRRORS, paths.data_folder() / FILE, sha256=SHA256, size=SIZE, progress=progress, by_hand="put it into data/"
    )


def _mnist(place: Path) -> Dataset:
    with open(place, "rb") as file:
        content = file.read(SIZE + 1)  # no more: another file may be of any size
    if files.sha256_of(content) != SHA256:
        raise DataError(
            f"{place} is not the {FILE} that Keras hands out (its SHA-256 differs). Move it away: then the bundled "
            "digits are used, and `cifar-lab data digits` fetches it anew."
        )
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        parts = {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    learnt, test = (
        Split(_in_colour(np.pad(parts[f"x_{part}"], ((0, 0), (2, 2), (2, 2)))), parts[f"y_{part}"].astype(np.int64))
        for part in ("train", "test")
    )
    validation, train = stratified_split(learnt.labels, min(_VALIDATION, len(learnt) // 2), seed=_SPLIT_SEED)
    origin = "MNIST (LeCun, Cortes and Burges, 1998), as Keras hands it out."
    return Dataset("digits", CLASS_NAMES, learnt.take(train), learnt.take(validation), test, origin)


def _bundled() -> Dataset:
    from sklearn.datasets import load_digits

    arrays = load_digits()
    images = _in_colour(np.stack([_enlarged(image) for image in arrays.images]))
    whole = Split(images, arrays.target.astype(np.int64))
    splits = [whole.take(part) for part in np.split(np.arange(len(whole)), [_VALIDATION_FROM, _TEST_FROM])]
    origin = "The 1,797 digits (Alpaydin and Kaynak, 1998) that scikit-learn brings along, 8 x 8 made larger."
    return Dataset("digits", CLASS_NAMES, *splits, origin)


def _enlarged(image: np.ndarray) -> np.ndarray:
    """One digit of 8 x 8, 0-16, as large as MNIST's are: `(32, 32)` uint8, 0-255, about 20 pixels high."""
    framed = np.pad(image * (255 / 16), 1).astype(np.uint8)  # a black frame, so that strokes fade out at the border
    smooth = Image.fromarray(framed).resize((24, 24), Image.Resampling.BICUBIC)
    return np.pad(np.asarray(smooth), 4)


def _in_colour(images: np.ndarray) -> np.ndarray:
    """Grey `(n, 32, 32)` as `(n, 32, 32, 3)`."""
    return np.repeat(images[..., None], 3, axis=3)
