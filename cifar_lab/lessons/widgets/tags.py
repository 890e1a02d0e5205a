"""HTML for widgets that screen readers can read: images with alt text, status lines and alerts."""

import html

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab.images import display


def img(picture: Image.Image | np.ndarray, text: str, *, width: int, pixelated: bool = False) -> str:
    """Return an `<img>` tag with the picture embedded; ipywidgets' own image has no alt text.

    Args:
        picture: a PIL image, sent as a JPEG; or `(height, width, 3)` uint8, 0-255, sent as a PNG.
        text: alt text; it is escaped.
        width: width on the screen, in pixels.
        pixelated: draw each pixel as a sharp square.
    """
    if isinstance(picture, np.ndarray):
        address = display.data_url(Image.fromarray(picture), "PNG")
    else:
        address = display.data_url(picture, "JPEG")
    style = f"width: {width}px; max-width: 100%" + ("; image-rendering: pixelated" if pixelated else "")
    return f'<img alt="{html.escape(text)}" src="{address}" style="{style}">'


def figure_tag(figure: Figure, text: str) -> str:
    """Return an `<img>` tag of a figure in its own size, with `text` as alt text.

    The figure is drawn without pyplot, which would keep every figure in memory.
    """
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    return img(pixels, text, width=pixels.shape[1])


def status(text: str) -> str:
    """Return a status line; a screen reader reads it aloud when it changes."""
    return f'<div role="status" aria-live="polite">{html.escape(text)}</div>'


def alert(sentences: list[str]) -> str:
    """Return a list of error messages, read aloud at once by a screen reader; empty if there are none."""
    lines = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul role="alert" style="margin: 0; padding-left: 1.5em">{lines}</ul>' if lines else ""
