"""MobileNetV2's ImageNet weights: one file in the Keras cache, downloaded once over HTTPS from Keras's host.

Keras publishes no SHA-256 for this file. Checked instead are the host's certificate, the exact size and, when the file
is opened (`load_weights`), that it holds finite values for the weights of the network and nothing else. The file
contains no code, so the worst that a wrong one can cause is wrong predictions. The card of each classifier made from
it records the SHA-256.
"""

from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.data import download

ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
SIZES = {1.0: 14_536_120}  # bytes of the file by alpha
_MAX_BYTES = 64 * 2**20  # the widest MobileNetV2 has 25 MB of weights


class WeightsError(ValueError):
    """A weight file is missing, damaged or of another network; the message says what to do."""


def weights_path(alpha: float = 1.0) -> Path:
    """Return the path of the weight file in the Keras cache, whether or not it exists.

    Args:
        alpha: width multiplier of the network; only 1.0 is supported.

    Raises:
        WeightsError: there is no file for this `alpha`.
    """
    if alpha not in SIZES:
        known = ", ".join(map(str, SIZES))
        raise WeightsError(
            f"ImageNet weights are available for alpha {known}, not {alpha}: pass the path of a weight file, or None."
        )
    name = f"mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{float(alpha)}_224.h5"
    return paths.keras_folder() / "models" / name


def weights_available(alpha: float = 1.0) -> bool:
    """Return whether the complete file is in the cache."""
    path = weights_path(alpha)
    return path.is_file() and path.stat().st_size == SIZES[alpha]


def fetch_weights(alpha: float = 1.0, *, progress: bool = True) -> Path:
    """Download the weight file unless it is in the cache; an interrupted download resumes.

    Args:
        alpha: width multiplier of the network.
        progress: show a progress bar.

    Returns:
        The path of the file.

    Raises:
        DownloadError: the download failed; the message says how to place the file by hand.
        WeightsError: an incomplete or different file is in its place.
    """
    path = weights_path(alpha)
    address = ADDRESS + path.name
    if path.exists() and not weights_available(alpha):
        raise WeightsError(
            f"{path} has {path.stat().st_size:,} bytes instead of {SIZES[alpha]:,}: it is incomplete or a different "
            "file. Delete it and try again."
        )
    by_hand = f"put it into {path.parent}, as it is: {address} ({SIZES[alpha]:,} bytes)"
    return download.fetch_file([address], path, sha256=None, size=SIZES[alpha], progress=progress, by_hand=by_hand)


def weight_facts(path: Path) -> dict:
    """Return name, size and SHA-256 of a weight file, for a model card."""
    return {"file": path.name, "bytes": path.stat().st_size, "sha256": files.sha256(path)}


def weights_origin() -> dict:
    """Describe the pretrained network for a run record, as `cifar_lab.training.start.describe_start` does."""
    return {"name": "imagenet", "sha256": files.sha256(weights_path()), "dataset": "imagenet", "class_names": None}


def load_weights(model, path: Path) -> None:
    """Load the weights of a file into a network, after checking that they fit.

    Args:
        model: Keras network with the architecture that the file is for.
        path: `.h5` file of weights.

    Raises:
        WeightsError: the file is missing, damaged or of another network.
    """
    import numpy as np

    if path.suffix != ".h5" or not path.is_file():
        raise WeightsError(f"There is no weight file {str(path)!r}. Pass the path of an .h5 file, 'imagenet', or None.")
    try:
        _check_sizes(path)
        # Keras follows no link to outside the file, and checks the shape of each weight.
        model.load_weights(path)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise WeightsError(
            f"{path} does not hold the weights of this network ({str(error)[:200]}). If it was downloaded, delete it "
            "and try again."
        ) from error
    if not all(np.isfinite(weight).all() for weight in model.get_weights()):
        raise WeightsError(f"{path} is damaged: it holds weights that are not finite. Delete it and download it again.")


def _check_sizes(path: Path) -> None:
    """Refuse a file that would decompress to more than `_MAX_BYTES`, before any weight is read."""
    import h5py

    total = 0

    def add(_name, entry):
        nonlocal total
        total += entry.nbytes if isinstance(entry, h5py.Dataset) else 0

    with h5py.File(path, "r") as file:
        file.visititems(add)
    if total > _MAX_BYTES:
        raise ValueError(f"it holds {total:,} bytes of weights")
