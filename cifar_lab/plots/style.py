"""Figures, in one visual language: every function returns its Figure, and none shows it.

`show` puts a figure into a notebook together with its description, so that a screen reader has it, and so that a test
can compare it.
"""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every kind of colour blindness.
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
_STYLE = {
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",  # also on JupyterLab's dark theme: axes and words stay readable
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "image.interpolation": "nearest",  # a pixel is a square, not a blur
    "image.cmap": "Blues",
}
# Told apart by shape as well as by colour.
LOOKS = ((BLUE, "-o"), (VERMILION, "--s"), (GREEN, "-.^"), (ORANGE, ":D"), (PURPLE, "-v"))
WIDTH = 9.0  # inches: what a notebook shows without scrolling


def show(figure: Figure, description: str) -> None:
    """Show a figure in a notebook, with a description for those who can't see it.

    The description stands below the picture, for screen readers and everybody else, and is stored beside it as text.

    Args:
        figure: what a function of this module returned.
        description: one or two sentences that say what there is to see. No measured figures that differ from machine to
            machine: the tests compare it.
    """
    from IPython.display import display

    stream = io.BytesIO()
    # Without the software's version in the file, the same figure is the same bytes.
    figure.savefig(stream, format="png", metadata={"Software": None, "Description": description})
    text = f"Figure: {description}"
    display({"image/png": base64.b64encode(stream.getvalue()).decode("ascii"), "text/plain": text}, raw=True)
    # JupyterLab gives pictures no alternative text, so the words stand below, where everybody finds them.
    display({"text/markdown": f"*{text}*", "text/plain": text}, raw=True)


@contextmanager
def style() -> Iterator[None]:
    """Draw in the lab's style without changing the reader's own."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": mpl.rcParams["backend"]}):
        yield


def frameless(axes) -> None:
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
