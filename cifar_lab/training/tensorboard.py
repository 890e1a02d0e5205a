"""A run's curves as event files, which TensorBoard shows while the run goes on.

    training.train(dataset, "fast-mini", tensorboard=True)

and then, in a terminal with the package tensorboard installed: `tensorboard --logdir runs`.

The files are written here, in a few lines, because each ready-made writer asks for a package that training needs for
nothing else, and Keras's own for TensorFlow too: these work on each of Keras's backends. The format is TensorFlow's
(`event.proto`, `summary.proto`, and the frame of a TFRecord around each event).
"""

import os
import struct
import time
from collections.abc import Iterable
from pathlib import Path

from cifar_lab.core import files

FOLDER = "tensorboard"
# TensorBoard draws what has the same name into one chart, a line for each folder.
_SPLITS = {"train": "", "validation": "validation_"}
_QUANTITIES = ("loss", "accuracy")


class EventLog:
    """The curves of one run: a line for the training images and one for the validation images.

    Each start of a run makes a new file that has all epochs so far, and takes the one before away: so nothing is
    missing or there twice after a kill, and TensorBoard goes on where it was.
    """

    def __init__(self, folder: Path, history: Iterable[dict] = ()):
        """Begin the log of the run in `folder`, with the epochs that it has behind it; see `training` for the rows."""
        name = f"events.out.tfevents.{time.time():010.0f}.{os.getpid()}"
        self._paths = {split: folder / FOLDER / split / name for split in _SPLITS}
        history = list(history)
        for split, path in self._paths.items():
            content = _record(_version()) + b"".join(_record(_event(row, split)) for row in history)
            files.write_whole(path, lambda unfinished, content=content: unfinished.write_bytes(content))
            for other in path.parent.glob("events.out.tfevents.*"):
                if other != path:
                    other.unlink(missing_ok=True)

    def add(self, row: dict) -> None:
        """Append one finished epoch."""
        for split, path in self._paths.items():
            with open(path, "ab") as file:
                file.write(_record(_event(row, split)))


def is_logged(folder: Path) -> bool:
    """Whether the run in `folder` has a log."""
    return (folder / FOLDER).is_dir()


def _version() -> bytes:
    version = b"brain.Event:2"  # what each event file has to open with
    return struct.pack("<Bd", 0x09, time.time()) + b"\x1a" + _sized(version)


def _event(row: dict, split: str) -> bytes:
    """One epoch of one split, in protocol buffers: each field is its number and kind in one byte, then its value."""
    values = b""
    for quantity in _QUANTITIES:
        tag = b"\x0a" + _sized(f"epoch_{quantity}".encode())
        values += b"\x0a" + _sized(tag + struct.pack("<Bf", 0x15, row[_SPLITS[split] + quantity]))
    step = b"\x10" + _varint(row["epoch"])
    return struct.pack("<Bd", 0x09, time.time()) + step + b"\x2a" + _sized(values)


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth says that there are more."""
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(rest) if rest else bytes([low])


def _record(content: bytes) -> bytes:
    """A TFRecord: the length, its checksum, the content, its checksum."""
    length = struct.pack("<Q", len(content))
    return length + _masked_crc(length) + content + _masked_crc(content)


def _masked_crc(content: bytes) -> bytes:
    crc = 0xFFFFFFFF
    for byte in content:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    # Rotated and moved, so that a checksum over data that holds checksums stays a good one.
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


def _table() -> list[int]:
    """CRC-32C (Castagnoli, 1993) of each byte."""
    table = list(range(256))
    for _ in range(8):
        table = [entry >> 1 ^ (0x82F63B78 if entry & 1 else 0) for entry in table]
    return table


_TABLE = _table()
