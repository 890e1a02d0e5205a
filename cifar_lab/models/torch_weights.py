"""Read a file of PyTorch weights without PyTorch, and without executing anything in it.

`torch.save` wrote the format before PyTorch 1.6: five pickles (a magic number, a version, a description of the machine,
the state dict, the list of storage keys), then the storages as raw little-endian numbers, each after its length.
https://github.com/pytorch/pytorch/blob/v1.5.0/torch/serialization.py
"""

import collections
import io
import pickle
from typing import NamedTuple

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _Tensor(NamedTuple):
    """Where a tensor lies: a storage, an offset in numbers, its shape and strides."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage, offset, shape, strides, *_gradient_facts) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _Unpickler(pickle.Unpickler):
    """An unpickler that knows four names, all of them harmless, and refuses every other."""

    allowed = {  # noqa: RUF012
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
        ("torch", "FloatStorage"): "FloatStorage",
        ("torch", "LongStorage"): "LongStorage",
    }

    def __init__(self, file: io.BytesIO):
        super().__init__(file)
        self.dtypes: dict[str, np.dtype] = {}

    def find_class(self, module, name):
        if (module, name) not in self.allowed:
            raise pickle.UnpicklingError(f"the file refers to {module}.{name}, which is no part of plain weights")
        return self.allowed[module, name]

    def persistent_load(self, reference):
        _, storage_type, key, *_ = reference
        self.dtypes[key] = _DTYPES[storage_type]
        return key


def read_state_dict(content: bytes) -> dict[str, np.ndarray]:
    """Read the tensors of a weights file.

    Args:
        content: the file. Verify its SHA-256 first.

    Returns:
        The tensors by name, float32 or int64, in the shapes that PyTorch gave them.

    Raises:
        ValueError: the file has another format, refers to other names than plain weights need, or is cut off.
    """
    file = io.BytesIO(content)
    try:
        if _Unpickler(file).load() != _MAGIC:
            raise ValueError("it has another format")
        _Unpickler(file).load()  # version of the protocol
        _Unpickler(file).load()  # byte order and integer sizes of the machine that wrote it
        unpickler = _Unpickler(file)
        tensors = unpickler.load()
        storages = {key: _read_storage(file, unpickler.dtypes[key]) for key in _Unpickler(file).load()}
        return {name: _array(tensor, storages[tensor.storage]) for name, tensor in tensors.items()}
    except (
        pickle.UnpicklingError,
        ValueError,
        KeyError,
        EOFError,
        AttributeError,
        TypeError,
        IndexError,
        OverflowError,
    ) as error:
        raise ValueError(f"The file is not a readable file of PyTorch weights: {error}.") from error


def _read_storage(file: io.BytesIO, dtype: np.dtype) -> np.ndarray:
    count = int(np.frombuffer(file.read(8), "<i8", count=1)[0])
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count=count)


def _array(tensor: _Tensor, storage: np.ndarray) -> np.ndarray:
    """Return one tensor as a view of its storage; a stride counts numbers, not bytes."""
    reach = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    if min((tensor.offset, *tensor.shape, *tensor.strides)) < 0 or reach >= len(storage):
        raise ValueError("a tensor reaches beyond its storage")
    strides = [stride * storage.itemsize for stride in tensor.strides]
    return np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.shape, strides, writeable=False)
