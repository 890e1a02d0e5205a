"""Diagrams of what happens inside a network: arrays of numbers, filters, feature maps, receptive fields.

Like those of `cifar_lab.plots`, whose style they share, they return a Figure, and `plots.show` puts it into a notebook.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from cifar_lab.plots.style import BLUE, ORANGE, VERMILION, WIDTH, style

_BELOW_ZERO = np.array([230, 159, 0])  # ORANGE: far from grey for every eye, and bright on black
Mark = tuple[int, int, int, int]


def signed_colours(values: np.ndarray, largest: float | None = None) -> np.ndarray:
    """Numbers of both signs as a picture: 0 is black, above it turns white, below it orange.

    Args:
        values: `(height, width)` of any range.
        largest: what is drawn as full white or orange; the largest distance from 0 when not given.

    Returns:
        `(height, width, 3)` uint8, 0-255.
    """
    largest = largest or np.abs(values).max() or 1
    shares = np.clip(values / largest, -1, 1)[..., None]
    return np.rint(np.where(shares < 0, -shares * _BELOW_ZERO, shares * 255)).astype(np.uint8)


def number_grids(arrays: Sequence[np.ndarray], *, titles: Sequence[str], marks: Sequence[Mark | None] = ()) -> Figure:
    """Small arrays side by side, each number in its cell; the larger, the whiter, and orange below 0.

    Args:
        arrays: `(rows, columns)` each, of any numbers.
        titles: one for each array.
        marks: for each array the cells to put a frame around, as (first row, first column, rows, columns), or None.
    """
    gap = 2  # cells between two arrays: room for their titles
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
    """One array with its upper left corner at `(left, top)`, each cell a square of size 1."""
    rows, columns = array.shape
    colours = signed_colours(array)
    edges = (np.arange(columns + 1) + left, np.arange(rows + 1) + top)
    axes.pcolormesh(*edges, colours, edgecolors="#888888", linewidth=0.8)
    for row, column in np.ndindex(array.shape):
        colour = "white" if colours[row, column].mean() < 110 else "black"
        where = (left + column + 0.5, top + row + 0.5)
        axes.text(*where, f"{array[row, column]:.4g}", ha="center", va="center", color=colour)
    if mark:
        row, column, high, wide = mark
        axes.add_patch(_frame(left + column, top + row, wide, high, VERMILION))


def _frame(left: float, top: float, width: float, height: float, colour: str, **options) -> Rectangle:
    return Rectangle((left, top), width, height, fill=False, edgecolor=colour, linewidth=3, zorder=3, **options)


def filters(kernels: np.ndarray, *, columns: int = 16) -> Figure:
    """The filters of a first convolution as little pictures: mid-grey is 0, a colour is what the filter likes.

    Args:
        kernels: `(height, width, 3, n)` float, on one scale for all.
        columns: how many stand in a row.
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
    """What each layer makes of an image: a row a layer, with its most active maps; 0 is black.

    Args:
        maps: for each layer `(rows, columns, channels)` float, as from `cifar_lab.explain.feature_maps`.
        image: `(height, width, 3)` uint8, the image they come from.
        per_layer: maps in a row.
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
    """Which part of an image one number of each layer depends on, as frames around the middle.

    Args:
        image: `(height, width, 3)` uint8.
        sizes: height and width of the part, for each layer.
    """
    styles = zip((BLUE, ORANGE, VERMILION, "#000000", "#FFFFFF"), ("-", "--", "-.", ":", "-"), strict=True)
    with style():
        figure = Figure(figsize=(6.4, 3.6))
        axes = figure.subplots()
        axes.imshow(image)
        axes.set_axis_off()
        for (name, size), (colour, line) in zip(sizes.items(), styles, strict=False):
            first = (len(image) - size) // 2 - 0.5  # a pixel's middle is at its whole number
            label = f"{name}: {size} × {size}"
            axes.add_patch(_frame(first, first, size, size, colour, linestyle=line, label=label))
        figure.legend(loc="outside right center")
    return figure


def accuracy_by_position(
    accuracies: Mapping[str, Sequence[float]], *, trained: tuple[int, int], chance: float
) -> Figure:
    """How often networks are right about a thing, by the column where it begins.

    Args:
        accuracies: for each network one share, 0-1, for each column from 0.
        trained: the first and the last column where things stood in the training pictures.
        chance: the accuracy of guessing, 0-1.
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
