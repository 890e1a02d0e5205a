"""Pictures as HTML that screen readers can read; ipywidgets' own picture has no place for words."""

import html

import numpy as np
from PIL import Image

from cifar_lab.images import display


def img(picture: Image.Image | np.ndarray, text: str, *, width: int, pixelated: bool = False) -> str:
    """An `<img>` with its picture inside.

    Args:
        picture: a PIL picture, sent as a JPEG; or an image `(height, width, 3)` uint8, 0-255, sent as it is.
        text: what there is to see; any text will do, it is escaped.
        width: on the screen, in pixels.
        pixelated: each pixel a square, not a blur.
    """
    if isinstance(picture, np.ndarray):
        address = display.data_url(Image.fromarray(picture), "PNG")
    else:
        address = display.data_url(picture, "JPEG")
    style = f"width: {width}px; max-width: 100%" + ("; image-rendering: pixelated" if pixelated else "")
    return f'<img alt="{html.escape(text)}" src="{address}" style="{style}">'


def status(text: str) -> str:
    """A sentence that a screen reader says when it changes."""
    return f'<div role="status" aria-live="polite">{html.escape(text)}</div>'


def alert(sentences: list[str]) -> str:
    """What went wrong, a line each; a screen reader says it at once. Empty without any."""
    lines = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul role="alert" style="margin: 0; padding-left: 1.5em">{lines}</ul>' if lines else ""
