"""What is shown of an uploaded file: a safe name, notes on how it was framed, and the picture itself."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from PIL import Image

from cifar_lab.images.opening import Picture

_CROPPED = "Only the square in the middle is used."
_SQUASHED = "The picture is squashed into a square."
_BOTH = "Both the square in the middle and the whole picture, squashed into a square, are used."


def safe_name(file_name: str | None) -> str | None:
    """Make a file name safe to display, not to open: its last part, without control and direction characters.

    Returns:
        Up to 80 characters, not escaped for HTML; `None` if nothing is left.
    """
    last = (file_name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:80] or None


def join_names(names: Sequence[str], most: int = 12) -> str:
    """Join names with commas: `cat, dog`; of a long list the first ones `and 988 more`."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest:,} more" if rest > 0 else "")


def framing_notes(picture: Picture, framings: tuple[str, ...] = ("centre",)) -> list[str]:
    """Say in sentences what was done to fit a picture into a network's input.

    Args:
        picture: from `images.read_picture`.
        framings: how the network frames it, as its card says.
    """
    notes = []
    if max(picture.width, picture.height) > 1.05 * min(picture.width, picture.height):
        notes.append({("centre",): _CROPPED, ("squash",): _SQUASHED}.get(framings, _BOTH))
    if picture.transparent:
        notes.append("Transparent parts are shown on white.")
    if picture.animated:
        notes.append("Only the first frame is used.")
    return notes


def encode(picture: Image.Image | np.ndarray, kind: str) -> bytes:
    """Encode a picture, or an image `(height, width, 3)` uint8, 0-255, as a file of a format such as `"PNG"`."""
    stream = io.BytesIO()
    (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(stream, kind)
    return stream.getvalue()


def data_url(picture: Image.Image | np.ndarray, kind: str) -> str:
    """Encode a picture as a `data:` URL, for an `<img>` without a file."""
    return f"data:image/{kind.lower()};base64,{base64.b64encode(encode(picture, kind)).decode('ascii')}"
