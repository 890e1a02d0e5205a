"""Figures of images, datasets and single predictions."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.plots.style import BLUE, GREEN, ORANGE, WIDTH, frameless, style


def picture_grid(images: Sequence[np.ndarray], *, titles: Sequence[str] = (), columns: int = 8) -> Figure:
    """Plot images in a grid, without smoothing between pixels.

    Args:
        images: each `(height, width, 3)` uint8.
        titles: one per image, or none.
        columns: images per row.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    with style():
        figure = Figure(figsize=(min(WIDTH, 2.2 * columns), WIDTH / max(columns, 4) * rows * 1.15))
        for axes, i in zip(figure.subplots(rows, columns, squeeze=False).flat, range(rows * columns), strict=True):
            axes.set_axis_off()
            if i < len(images):
                axes.imshow(images[i])
                axes.set_title(titles[i] if i < len(titles) else "", fontsize=9)
    return figure


def contact_sheet(images: np.ndarray, labels: np.ndarray, class_names: Sequence[str], *, per_class: int = 10) -> Figure:
    """Plot the first images of each class, one row per class.

    Args:
        images: `(n, height, width, 3)` uint8.
        labels: `(n,)` int.
        class_names: one per class.
        per_class: images per class.
    """
    size, gap = images.shape[1], 2
    step = size + gap
    sheet = np.full((step * len(class_names) - gap, step * per_class - gap, 3), 255, np.uint8)
    for row in range(len(class_names)):
        for column, image in enumerate(images[labels == row][:per_class]):
            sheet[row * step : row * step + size, column * step : column * step + size] = image
    with style():
        figure = Figure(figsize=(0.62 * per_class + 1.4, 0.62 * len(class_names)))
        axes = figure.subplots()
        axes.imshow(sheet)
        axes.set_xticks([])
        axes.set_yticks([row * step + size / 2 for row in range(len(class_names))], class_names)
        frameless(axes)
    return figure


def channels(image: np.ndarray) -> Figure:
    """Plot an image in colour, and each of its three channels in grey.

    Args:
        image: `(height, width, 3)` uint8, 0-255.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 2.6))
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
    """Plot the number of images per class in each split.

    Args:
        dataset: a `cifar_lab.data.Dataset`.
    """
    positions = np.arange(len(dataset.class_names))
    with style():
        figure = Figure(figsize=(WIDTH, 3.2))
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
    """Plot the mean image of each class.

    Args:
        images: `(n, height, width, 3)` uint8.
        labels: `(n,)` int.
        class_names: one per class.
    """
    means = [np.rint(images[labels == label].mean(axis=0)).astype(np.uint8) for label in range(len(class_names))]
    return picture_grid(means, titles=class_names, columns=5)


def prediction_bars(prediction) -> Figure:
    """Plot what the network saw, and its most probable classes as bars.

    Args:
        prediction: a `cifar_lab.inference.classifier.Prediction`.
    """
    labels = [guess.label for guess in prediction.top]
    scores = [guess.score for guess in prediction.top]
    with style():
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
