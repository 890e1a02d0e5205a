"""Figures, in one visual language: every function returns its Figure, and none shows it.

`show` puts a figure into a notebook together with its description, so that a screen reader has it, and so that a test
can compare it.
"""

import base64
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib as mpl
import numpy as np
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
_WIDTH = 9.0  # inches: what a notebook shows without scrolling


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


def picture_grid(images: Sequence[np.ndarray], *, titles: Sequence[str] = (), columns: int = 8) -> Figure:
    """Pictures side by side, each pixel a square.

    Args:
        images: `(height, width, 3)` uint8 each.
        titles: one for each picture, or none.
        columns: how many stand in a row.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    with _style():
        figure = Figure(figsize=(min(_WIDTH, 2.2 * columns), _WIDTH / max(columns, 4) * rows * 1.15))
        for axes, i in zip(figure.subplots(rows, columns, squeeze=False).flat, range(rows * columns), strict=True):
            axes.set_axis_off()
            if i < len(images):
                axes.imshow(images[i])
                axes.set_title(titles[i] if i < len(titles) else "", fontsize=9)
    return figure


def contact_sheet(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, per_class: int = 10) -> Figure:
    """The first pictures of every class, one row a class.

    Args:
        images: `(n, height, width, 3)` uint8.
        labels: `(n,)` whole numbers.
        class_names: one for each class.
        per_class: pictures a class.
    """
    size, gap = images.shape[1], 2
    step = size + gap
    sheet = np.full((step * len(class_names) - gap, step * per_class - gap, 3), 255, np.uint8)
    for row in range(len(class_names)):
        for column, image in enumerate(images[labels == row][:per_class]):
            sheet[row * step : row * step + size, column * step : column * step + size] = image
    with _style():
        figure = Figure(figsize=(0.62 * per_class + 1.4, 0.62 * len(class_names)))
        axes = figure.subplots()
        axes.imshow(sheet)
        axes.set_xticks([])
        axes.set_yticks([row * step + size / 2 for row in range(len(class_names))], class_names)
        _frameless(axes)
    return figure


def channels(image: np.ndarray) -> Figure:
    """An image in colour, and each of its three channels in grey.

    Args:
        image: `(height, width, 3)` uint8, 0-255.
    """
    with _style():
        figure = Figure(figsize=(_WIDTH, 2.6))
        panels = figure.subplots(1, 4)
        panels[0].imshow(image)
        for axes, plane, name in zip(panels[1:], np.moveaxis(image, 2, 0), ("red", "green", "blue"), strict=True):
            axes.imshow(plane, cmap="gray", vmin=0, vmax=255)
            axes.set_title(name)
        panels[0].set_title("in colour")
        for axes in panels:
            axes.set_axis_off()
    return figure


def class_balance(dataset) -> Figure:
    """How many images of each class every split has.

    Args:
        dataset: a `cifar_lab.data.Dataset`.
    """
    positions = np.arange(len(dataset.class_names))
    with _style():
        figure = Figure(figsize=(_WIDTH, 3.2))
        panels = figure.subplots(1, 3, sharey=True)
        for axes, name, colour in zip(panels, ("train", "validation", "test"), (BLUE, ORANGE, GREEN), strict=True):
            counts = np.bincount(getattr(dataset, name).labels, minlength=len(positions))
            axes.barh(positions, counts, color=colour)
            axes.set(title=name, xlabel="images")
            axes.grid(visible=False, axis="y")
        panels[0].set_yticks(positions, dataset.class_names)
        panels[0].invert_yaxis()
    return figure


def mean_images(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> Figure:
    """The mean of each class's images.

    Args:
        images: `(n, height, width, 3)` uint8.
        labels: `(n,)` whole numbers.
        class_names: one for each class.
    """
    means = [np.rint(images[labels == label].mean(axis=0)).astype(np.uint8) for label in range(len(class_names))]
    return picture_grid(means, titles=class_names, columns=5)


def training_curves(history: Sequence[dict]) -> Figure:
    """Loss and accuracy over the epochs, on the training and the validation images.

    Args:
        history: one dictionary an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy.
    """
    epochs = [row["epoch"] for row in history]
    with _style():
        figure = Figure(figsize=(_WIDTH, 3.4))
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for split, prefix, colour, line in (
                ("training", "", BLUE, "-o"),
                ("validation", "validation_", VERMILION, "--s"),
            ):
                values = [row[prefix + quantity] for row in history]
                axes.plot(epochs, values, line, color=colour, label=split, markersize=4)
            axes.set(title=quantity, xlabel="epoch", ylim=(0, 1.02) if quantity == "accuracy" else (0, None))
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
    return figure


def confusion_matrix(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """What was taken for what, in per cent of the true class.

    Args:
        confusion: `(k, k)` counts; rows are the true classes, columns the predicted ones.
        class_names: k names.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    with _style():
        figure = Figure(figsize=(0.62 * len(class_names) + 1.6, 0.56 * len(class_names) + 1.4))
        axes = figure.subplots()
        axes.imshow(shares, vmin=0, vmax=1)
        for row, column in np.ndindex(shares.shape):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{shares[row, column]:.0%}".rstrip("%"), ha="center", va="center", color=colour)
        positions = np.arange(len(class_names))
        axes.set_xticks(positions, class_names, rotation=45, ha="right")
        axes.set_yticks(positions, class_names)
        axes.set(xlabel="predicted", ylabel="true", title="of 100 images of the true class")
        axes.grid(visible=False)
        _frameless(axes)
    return figure


def prediction_bars(prediction) -> Figure:
    """What the network saw, and its best guesses as bars.

    Args:
        prediction: a `cifar_lab.inference.classifier.Prediction`.
    """
    labels = [guess.label for guess in prediction.top]
    scores = [guess.score for guess in prediction.top]
    with _style():
        figure = Figure(figsize=(6, 2.2))
        picture, axes = figure.subplots(1, 2, width_ratios=(1, 2))
        picture.imshow(prediction.image)
        picture.set_axis_off()
        bars = axes.barh(np.arange(len(labels)), scores, color=BLUE if prediction.known else "#777777")
        axes.bar_label(bars, [f"{score:.0%}" for score in scores], padding=3)
        axes.set_yticks(np.arange(len(labels)), labels)
        axes.set(xlim=(0, 1.15), title="" if prediction.known else "none of these, probably")
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_xticks([])
    return figure


@contextmanager
def _style() -> Iterator[None]:
    """Draw in the lab's style without changing the reader's own."""
    with mpl.rc_context({**mpl.rcParamsDefault, **_STYLE, "backend": mpl.rcParams["backend"]}):
        yield


def _frameless(axes) -> None:
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
