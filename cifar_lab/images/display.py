"""What may be shown of a file that somebody sent: its name, what it is, and the picture itself."""

import base64
import io
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from cifar_lab.images import formats

_CUT = "Only the square in the middle is looked at."
_SQUEEZED = "The picture is squeezed into a square."
_BOTH = "Both the square in the middle and the whole picture, squeezed into a square, are looked at."


class FileFacts(NamedTuple):
    """What a file holds.

    Attributes:
        format: `JPEG`, `PNG`, `WEBP`, `GIF` or `BMP`.
        width: of the upright picture, in pixels.
        height: likewise.
        notes: sentences on what was done to fit it in.
    """

    format: str
    width: int
    height: int
    notes: list[str]


def safe_name(file_name: str | None) -> str | None:
    """A file's name to show, never to open: its last part, without control and direction characters, not endless.

    Returns:
        Up to 80 characters, not escaped for HTML; `None` if nothing is left.
    """
    last = (file_name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:80] or None


def join_names(names: Sequence[str], most: int = 12) -> str:
    """Names in a row, as many as can be read: `cat, dog`, or the first of 1,000 `and 988 more`."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def describe_file(content: bytes, opened: Image.Image, framings: tuple[str, ...] = ("centre",)) -> FileFacts:
    """Say what a file holds, and what was done to fit it in.

    Args:
        content: the file.
        opened: what `images.open_picture` made of it.
        framings: how the network looks at it, as its card says.
    """
    header = Image.open(io.BytesIO(content), formats=formats.ACCEPTED)  # its pixels stay undecoded
    width, height = header.size
    if (width - height) * (opened.width - opened.height) < 0:  # it was turned upright
        width, height = height, width
    notes = []
    if max(width, height) > 1.05 * min(width, height):
        notes.append({("centre",): _CUT, ("squash",): _SQUEEZED}.get(framings, _BOTH))
    if header.has_transparency_data:
        notes.append("Transparent parts are laid on white.")
    if _moves(header):
        notes.append("Only the first frame is looked at.")
    kind = header.format.replace("MPO", "JPEG")  # a phone's JPEG with further pictures behind it
    return FileFacts(kind, width, height, notes)


def _moves(header: Image.Image) -> bool:
    if header.format == "GIF":
        return "loop" in header.info  # counting the frames would read all of a file that may be broken
    return header.format in ("PNG", "WEBP") and header.n_frames > 1


def encode(picture: Image.Image | np.ndarray, kind: str) -> bytes:
    """A picture, or an image `(height, width, 3)` uint8, 0-255, as a file of a kind such as `"PNG"`."""
    stream = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(stream, kind)
    return stream.getvalue()


def data_url(picture: Image.Image | np.ndarray, kind: str) -> str:
    """An address (a `data:` URL) that holds all of the picture, for an `<img>` without a file behind it."""
    return f"data:image/{kind.lower()};base64,{base64.b64encode(encode(picture, kind)).decode('ascii')}"
