"""Figures as HTML: widgets show them without pyplot, which would keep each in memory."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from cifar_lab.lessons.widgets import tags


def as_img(figure: Figure, text: str) -> str:
    """An `<img>` of a figure in its own size; `text` says what there is to see."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawing = np.asarray(canvas.buffer_rgba())[..., :3]
    return tags.img(drawing, text, width=drawing.shape[1])
