"""Read CIFAR-10's batch files from a folder or an archive, in either of the two official formats.

The Python version of CIFAR-10 consists of pickles, and loading a pickle can run arbitrary code. The unpickler used here
replaces the names that a pickled NumPy array needs by inert stand-ins and rejects every other name.
"""

import hashlib
import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

FOLDERS = ("cifar-10-batches-py", "cifar-10-batches-bin")
BATCHES = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch")
CLASSES = 10
_ROW = 3 * 32 * 32  # a red, a green and a blue plane of 32 x 32
_LARGEST_FILE = 64 * 2**20  # an official batch is 31 MB

# MD5 of the official Python batches, as published with them (also in torchvision's cifar.py).
_OFFICIAL_MD5 = dict(
    zip(
        BATCHES,
        (
            "c99cafc152244af753f735de768cd75f",
            "d4bba439e000b95fd0a9bffe97cbabec",
            "54ebc095f3ab1f0389bbae665268c751",
            "634d18415352ddfa80567beed471001a",
            "482c414d41f54cd18b22e5b47cb7c3cb",
            "40351d587109b95175f43aff81a1287e",
        ),
        strict=True,
    )
)


class DataError(ValueError):
    """The files of a dataset are missing, damaged or unexpected; the message says what to do."""


def read_batches(place: Path, per_batch: int = 10_000) -> tuple[np.ndarray, np.ndarray, bool]:
    """Read all six batches of a folder or archive, the five training batches first.

    Args:
        place: a folder that holds the batch files, or an archive (`.tar.gz`) of them.
        per_batch: images per batch.

    Returns:
        `(images, labels, official)`: `(6 * per_batch, 32, 32, 3)` uint8, 0-255, RGB; `(6 * per_batch,)` int64, 0-9;
        and whether every file is bit-identical to the official one.

    Raises:
        DataError: a file is missing, damaged or not a batch of CIFAR-10.
    """
    contents = _archive_contents(place) if place.is_file() else _folder_contents(place)
    rows, labels, official = [], [], True
    for name in BATCHES:
        file_name = name if name in contents else f"{name}.bin"
        if file_name not in contents:
            raise DataError(f"{place} has no {name}; it must hold all six batches of CIFAR-10.")
        content = contents[file_name]()
        parse = _parse_binary if file_name.endswith(".bin") else _parse_pickle
        batch_rows, batch_labels = parse(content, f"{place.name}/{file_name}")
        _check(batch_rows, batch_labels, per_batch, f"{place.name}/{file_name}")
        rows.append(batch_rows)
        labels.append(batch_labels)
        official = official and hashlib.md5(content, usedforsecurity=False).hexdigest() == _OFFICIAL_MD5[name]
    planes = np.concatenate(rows).reshape(-1, 3, 32, 32)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), np.concatenate(labels), official


def find_batches(folder: Path) -> Path | None:
    """Return the batch folder or archive at or in `folder`, or `None`, judging by file names only."""
    for candidate in (folder, *(folder / name for name in FOLDERS)):
        if any(_has(candidate, name) for name in BATCHES):
            return candidate
    archives = [folder] if folder.is_file() else sorted(folder.glob("cifar-10-*.tar.gz"))
    return archives[0] if archives else None


def is_whole(folder: Path) -> bool:
    """Return whether a folder holds all six batches: a process that filled a cache may have been killed."""
    return all(_has(folder, name) for name in BATCHES)


def _has(folder: Path, name: str) -> bool:
    return (folder / name).is_file() or (folder / f"{name}.bin").is_file()


def extract(archive: Path, folder: Path) -> None:
    """Extract the six batch files of an archive into `folder`, and nothing else."""
    for name, content in _archive_contents(archive).items():
        (folder / name).write_bytes(content())


def _folder_contents(folder: Path) -> dict[str, Callable[[], bytes]]:
    names = [file_name for name in BATCHES for file_name in (name, f"{name}.bin") if (folder / file_name).is_file()]
    return {name: lambda path=folder / name: _read_limited(path) for name in names}


def _read_limited(path: Path) -> bytes:
    if path.stat().st_size > _LARGEST_FILE:
        raise DataError(f"{path} is larger than any batch of CIFAR-10. Replace it with the official file.")
    return path.read_bytes()


def _archive_contents(archive: Path) -> dict[str, Callable[[], bytes]]:
    """Read the batch files of an archive into memory, picking members by file name; nothing is extracted."""
    names = {file_name for name in BATCHES for file_name in (name, f"{name}.bin")}
    found = {}
    try:
        with tarfile.open(archive, "r:*") as tar:
            for member in tar:
                if member.size > _LARGEST_FILE:
                    raise DataError(f"{archive} holds a file that is too large for CIFAR-10 ({member.name!r}).")
                name = member.name.rsplit("/", 1)[-1]
                if member.isfile() and name in names:
                    found[name] = tar.extractfile(member).read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise DataError(f"{archive} is damaged or not an archive of CIFAR-10: {error}. Download it again.") from error
    return {name: lambda content=content: content for name, content in found.items()}


def _check(rows: np.ndarray, labels: np.ndarray, per_batch: int, where: str) -> None:
    if rows.shape != (per_batch, _ROW) or labels.shape != (per_batch,):
        raise DataError(f"{where} holds {len(rows)} images and {len(labels)} labels instead of {per_batch} each.")
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise DataError(f"{where} has labels from {labels.min()} to {labels.max()}; CIFAR-10 has 0 to {CLASSES - 1}.")


def _parse_binary(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Parse a batch of the binary version: per image one byte for the label and 3072 for the pixels."""
    if len(content) % (1 + _ROW):
        raise DataError(f"{where} is {len(content):,} bytes, which is not a whole number of images. Download it again.")
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + _ROW)
    return records[:, 1:], records[:, 0].astype(np.int64)


def _parse_pickle(content: bytes, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Parse a batch of the Python version: a pickled dictionary with `data` and `labels`."""
    try:
        batch = _BatchUnpickler(io.BytesIO(content), encoding="bytes").load()
        batch = {key.decode() if isinstance(key, bytes) else key: value for key, value in batch.items()}
        rows, labels = batch["data"].rows(), np.array(batch["labels"], dtype=np.int64)
    except DataError:
        raise
    # A damaged pickle can raise nearly any exception.
    except Exception as error:
        raise DataError(
            f"{where} is damaged or not a batch of CIFAR-10 ({type(error).__name__}). Download it again."
        ) from error
    return rows, labels


class _Dtype:
    """Stand-in for `numpy.dtype` that keeps its name only."""

    def __init__(self, name="", *_):
        self.name = name.decode() if isinstance(name, bytes) else str(name)

    def __setstate__(self, state):
        pass


class _Array:
    """Stand-in for `numpy.ndarray` that keeps shape and bytes, and builds an array from plain uint8 only."""

    def __setstate__(self, state):
        _, self.shape, self.dtype, self.fortran, self.content = state

    def rows(self) -> np.ndarray:
        if self.dtype.name not in ("u1", "uint8", "|u1") or self.fortran or not isinstance(self.content, bytes):
            raise DataError("A batch holds an array that is not plain uint8. Replace it with the official file.")
        return np.frombuffer(self.content, np.uint8).reshape(self.shape)


def _reconstruct(*_):
    return _Array()


def _encode(text, encoding="latin1"):
    """Stand-in for `_codecs.encode`, with which Python 3 pickles bytes in the old protocols."""
    if encoding not in ("latin1", b"latin1"):
        raise DataError("A batch holds bytes in an unexpected encoding. Replace it with the official file.")
    return text.encode("latin1")


class _BatchUnpickler(pickle.Unpickler):
    """Unpickler of dictionaries, lists, numbers, bytes and stand-ins for arrays; rejects any other name."""

    _STAND_INS = {  # noqa: RUF012
        ("numpy", "ndarray"): _Array,
        ("numpy", "dtype"): _Dtype,
        ("numpy.core.multiarray", "_reconstruct"): _reconstruct,  # NumPy 1
        ("numpy._core.multiarray", "_reconstruct"): _reconstruct,  # NumPy 2
        ("_codecs", "encode"): _encode,
    }

    def find_class(self, module, name):
        if (module, name) not in self._STAND_INS:
            raise DataError(
                f"A batch refers to {module}.{name}, which could run foreign code and is refused. "
                "Replace it with the official file of CIFAR-10."
            )
        return self._STAND_INS[module, name]

    def persistent_load(self, _identifier):
        raise DataError("A batch refers to an external object, which is refused. Replace it with the official file.")
