"""The common style of all figures, and `show`, which displays a figure and its description in a notebook."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.figure import Figure

# Okabe and Ito's palette: distinguishable with every kind of colour blindness.
BLUE, ORANGE, GREEN, VERMILION, PURPLE = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7"
_STYLE = {
    "figure.dpi": 80,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",  # keeps axes and text readable in JupyterLab's dark theme
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#DDDDDD",
    "image.interpolation": "nearest",  # draw each pixel as a sharp square
    "image.cmap": "Blues",
}
# Lines differ in marker and dashes as well as in colour.
LOOKS = ((BLUE, "-o"), (VERMILION, "--s"), (GREEN, "-.^"), (ORANGE, ":D"), (PURPLE, "-v"))
WIDTH = 9.0  # inches: fits a notebook without scrolling


def show(figure: Figure, description: str) -> None:
    """Show a figure in a notebook, with a text description for screen readers.

    The description is printed below the figure and stored with it as plain text.

    Args:
        figure: a figure returned by a function of `cifar_lab.plots`.
        description: what the figure shows, in one or two sentences. Leave out measurements that differ between
            machines, since the notebook tests compare this text.
    """
    from IPython.display import display

    stream = io.BytesIO()
    # Without the software version in the file, equal figures give equal bytes.
    figure.savefig(stream, format="png", metadata={"Software": None, "Description": description})
    text = f"Figure: {description}"
    display({"image/png": base64.b64encode(stream.getvalue()).decode("ascii"), "text/plain": text}, raw=True)
    # JupyterLab gives images no alt text, so the description is printed below.
    display({"text/markdown": f"*{text}*", "text/plain": text}, raw=True)


@contextmanager
def style() -> Iterator[None]:
    """Apply the lab's style without changing the user's own settings."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": mpl.rcParams["backend"]}):
        yield


def frameless(axes) -> None:
    """Remove the grid, the frame and the tick marks."""
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
