"""Figures of what happens inside a network: arrays of numbers, filters, feature maps, receptive fields."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cifar_lab.plots.style import BLUE, ORANGE, VERMILION, WIDTH, style

_BELOW_ZERO = np.array([230, 159, 0])  # ORANGE: unlike grey for every kind of colour vision, and bright on black
Mark = tuple[int, int, int, int]


def signed_colours(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Map numbers to colours: 0 is black, positive numbers turn white, negative numbers turn orange.

    Args:
        values: `(height, width)`, any range.
        largest: absolute value drawn as full white or orange; the largest in `values` by default.

    Returns:
        `(height, width, 3)` uint8, 0-255.
    """
    largest = largest or np.abs(values).max() or 1
    shares = np.clip(values / largest, -1, 1)[..., None]
    return np.rint(np.where(shares < 0, -shares * _BELOW_ZERO, shares * 255)).astype(np.uint8)


def number_grids(arrays: Sequence[np.ndarray], *, titles: Sequence[str], marks: Sequence[Mark | None] = ()) -> Figure:
    """Plot small arrays side by side, each number in a cell coloured as by `signed_colours`.

    Args:
        arrays: each `(rows, columns)`, any numbers.
        titles: one per array.
        marks: per array, the cells to frame as (first row, first column, rows, columns), or None.
    """
    gap = 2  # in cells: room for the titles
    width = sum(array.shape[1] + gap for array in arrays)
    height = max(len(array) for array in arrays)
    cell = min(0.5, WIDTH / width)
    with style():
        figure = Figure(figsize=(cell * width, cell * (height + 1)))
        axes = figure.subplots()
        left = 0
        for i, array in enumerate(arrays):
            top = (height - len(array)) / 2
            _number_cells(axes, array, left, top, mark=marks[i] if i < len(marks) else None)
            axes.text(left + array.shape[1] / 2, top - 0.25, titles[i], ha="center")
            left += array.shape[1] + gap
        axes.set(xlim=(-gap / 2, width - gap / 2), ylim=(height + 0.1, -1), aspect="equal")
        axes.set_axis_off()
    return figure


def _number_cells(axes, array: np.ndarray, left: float, top: float, mark: Mark | None) -> None:
    """Draw an array with its upper left corner at `(left, top)`; each cell is a square of size 1."""
    rows, columns = array.shape
    colours = signed_colours(array)
    edges = (np.arange(columns + 1) + left, np.arange(rows + 1) + top)
    axes.pcolormesh(*edges, colours, edgecolors="#888888", linewidth=0.8)
    for row, column in np.ndindex(array.shape):
        colour = "white" if colours[row, column].mean() < 110 else "black"
        centre = (left + column + 0.5, top + row + 0.5)
        axes.text(*centre, f"{array[row, column]:.4g}", ha="center", va="center", color=colour)
    if mark:
        row, column, height, width = mark
        axes.add_patch(_frame(left + column, top + row, width, height, VERMILION))


def _frame(left: float, top: float, width: float, height: float, colour: str, **options) -> Rectangle:
    return Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=3, zorder=3, **options)


def filters(kernels: np.ndarray, *, columns: int = 16) -> Figure:
    """Plot the filters of a first convolution as small RGB images; mid-grey is 0.

    Args:
        kernels: `(height, width, 3, n)` float; all filters are drawn on the same scale.
        columns: filters per row.
    """
    count = kernels.shape[-1]
    rows = -(-count // columns)
    pictures = 0.5 + 0.5 * kernels / np.abs(kernels).max()
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH / columns * rows * 1.1))
        for i, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.set_axis_off()
            if i < count:
                axes.imshow(pictures[..., i])
    return figure


def feature_map_grid(maps: Mapping[str, np.ndarray], image: np.ndarray, *, per_layer: int = 8) -> Figure:
    """Plot the most active feature maps of each layer, one row per layer; 0 is black.

    Args:
        maps: by layer name, `(rows, columns, channels)` float, as from `cifar_lab.explain.feature_maps`.
        image: `(height, width, 3)` uint8, the input image.
        per_layer: maps per row.
    """
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH / (per_layer + 1) * len(maps) * 1.25))
        grid = figure.subplots(len(maps), per_layer + 1, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        grid[0, 0].imshow(image)
        grid[0, 0].set_title("the image", fontsize=9)
        for row, (name, found) in zip(grid, maps.items(), strict=True):
            rows, columns, channels = found.shape
            row[1].set_title(f"{name}: {channels} maps of {rows} × {columns}", fontsize=9, loc="left")
            active = np.argsort(-np.abs(found).mean(axis=(0, 1)), kind="stable")[:per_layer]
            for axes, channel in zip(row[1:], active, strict=False):
                axes.imshow(signed_colours(found[..., channel]))
    return figure


def receptive_fields(image: np.ndarray, sizes: Mapping[str, int]) -> Figure:
    """Plot the receptive field of each layer's central number, as frames around the middle of an image.

    Args:
        image: `(height, width, 3)` uint8.
        sizes: height and width of the receptive field in pixels, by layer name.
    """
    styles = zip((BLUE, ORANGE, VERMILION, "#000000", "#FFFFFF"), ("-", "--", "-.", ":", "-"), strict=True)
    with style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.subplots()
        axes.imshow(image)
        axes.set_axis_off()
        for (name, size), (colour, line) in zip(sizes.items(), styles, strict=False):
            first = (len(image) - size) // 2 - 0.5  # integer coordinates are pixel centres
            label = f"{name}: {size} × {size}"
            axes.add_patch(_frame(first, first, size, size, colour, linestyle=line, label=label))
        figure.legend(loc="outside right center")
    return figure


def accuracy_by_position(
    accuracies: Mapping[str, Sequence[float]], *, trained: tuple[int, int], chance: float
) -> Figure:
    """Plot accuracy against the column where the object (a stroke) begins.

    Args:
        accuracies: by network, one accuracy, 0-1, per column from 0.
        trained: first and last column where objects began in the training images.
        chance: accuracy of guessing, 0-1.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.2))
        axes = figure.subplots()
        axes.axvspan(trained[0] - 0.5, trained[1] + 0.5, color="#DDDDDD", label="seen in training")
        axes.axhline(chance, linestyle=":", color="#555555", label="chance")
        for (name, shares), line, colour in zip(accuracies.items(), ("-o", "--s"), (BLUE, VERMILION), strict=False):
            axes.plot(shares, line, color=colour, label=name, markersize=4)
        axes.set(xlabel="first column of the stroke", ylabel="accuracy", ylim=(0, 1.05))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(loc="lower right")
    return figure
