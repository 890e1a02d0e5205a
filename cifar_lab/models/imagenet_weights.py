"""MobileNetV2's weights from ImageNet: one file in Keras's own cache, fetched once, over https, from Keras's own host.

Keras states no SHA-256 for this file, and nobody else does. What is checked instead: the host's certificate, the size
to the byte, and, when the file is opened (`load_weights`), that it holds a number for each weight of the network and
nothing
else. Such a file is numbers without code, so that a wrong one can make wrong answers, and no more. What was used is
named by its SHA-256 on the card of each classifier that is made of it.
"""

from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.data import download

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
SIZES = {1.0: 14_536_120}  # bytes of the file, by the network's width
_MOST = 64 * 2**20  # bytes; the widest MobileNetV2 has 25 MB of weights


class WeightsError(ValueError):
    """A weight file that is not here or not right, with a sentence that says what to do."""


def weights_path(alpha: float = 1.0) -> Path:
    """Where the file lies, or would: where Keras itself leaves it, so that it is there once for both.

    Args:
        alpha: the network's width; the file of 1.0 is the one that is known here.

    Raises:
        WeightsError: no file is known for this width.
    """
    if alpha not in SIZES:
        known = ", ".join(map(str, SIZES))
        raise WeightsError(
            f"ImageNet weights are known here for alpha {known}, not {alpha}: give the path of a file, or None."
        )
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_224.h5"
    return paths.keras_folder() / "models" / name


def weights_available(alpha: float = 1.0) -> bool:
    """Whether the file is here, and all of it."""
    path = weights_path(alpha)
    return path.is_file() and path.stat().st_size == SIZES[alpha]


def fetch_weights(alpha: float = 1.0, *, progress: bool = True) -> Path:
    """Download the file, unless it is here; a download that was stopped goes on where it was.

    Args:
        alpha: the network's width.
        progress: show a progress bar.

    Returns:
        Where it lies.

    Raises:
        DownloadError: it could not be fetched; the sentence says how to place it by hand.
        WeightsError: another file has its place, such as a half one.
    """
    path = weights_path(alpha)
    address = ADDRESS + path.name
    if path.exists() and not weights_available(alpha):
        raise WeightsError(
            f"{path} has {path.stat().st_size:,} bytes, and MobileNetV2's weights have {SIZES[alpha]:,}: it is not all "
            "there, or another file. Delete it, then do the same again."
        )
    by_hand = f"put it into {path.parent}, as it is: {address} ({SIZES[alpha]:,} bytes)"
    return download.fetch_file([address], path, sha256=None, size=SIZES[alpha], progress=progress, by_hand=by_hand)


def weight_facts(path: Path) -> dict:
    """What a card says of a weight file."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": files.sha256(path)}


def weights_origin() -> dict:
    """What a run card says of the network that training starts from, in the words of
    `cifar_lab.models.transfer.origin`."""
    return {"name": "imagenet", "sha256": files.sha256(weights_path()), "dataset": "imagenet", "class_names": None}


def load_weights(model, path: Path) -> None:
    """Give a network the weights of a file, after seeing that they are its own.

    Args:
        model: a Keras network of the same form as the one the file is of.
        path: an `.h5` file of weights.

    Raises:
        WeightsError: there is no such file, or it is damaged, or of another network.
    """
    import numpy as np

    if path.suffix != ".h5" or not path.is_file():
        raise WeightsError(f"There is no weight file {str(path)!r}. Give an .h5 file, 'imagenet', or None.")
    try:
        _check_sizes(path)
        # Keras follows no link out of the file, and compares the shape of each weight with that of the network.
        model.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not hold the weights of this network ({str(error)[:200]}). If it was fetched, delete it and "
            "do the same again."
        ) from error
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise WeightsError(f"{path} holds weights that are no numbers: it is damaged. Delete it, then fetch it again.")


def _check_sizes(path: Path) -> None:
    """Refuse a file that would unfold to more than it may, before any of it is read."""
    import h5py

    unfolded = 0

    def add(_name, entry):
        nonlocal unfolded
        unfolded += entry.nbytes if isinstance(entry, h5py.Dataset) else 0

    with h5py.File(path, "r") as file:
        file.visititems(add)
    if unfolded > _MOST:
        raise ValueError(f"it holds {unfolded:,} bytes of weights")
