"""The figure of the leaderboard: accuracy against minutes of training.

plots.show(plots.accuracy_against_minutes(rows), plots.describe_runs(rows))
"""

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from cifar_lab.experiments.leaderboard.rows import RunRow
from cifar_lab.plots.style import BLUE, VERMILION, WIDTH, style

_GREY = "#777777"
LOOKS = {"run": (BLUE, "o"), "classifier": (VERMILION, "s")}  # differ in shape and in colour
# Positions of a label relative to its point, in order of preference: x and y offset in points, horizontal alignment.
_NEAR = ((8, -3, "left"), (-8, -3, "right"), (0, 8, "center"), (0, -15, "center"))
_FAR = tuple((8 * side, height, edge) for height in (16, -22, 32, -38) for side, edge in ((1, "left"), (-1, "right")))


def accuracy_against_minutes(rows: Sequence[RunRow], *, split: str = "test") -> Figure:
    """Plot one point per row of the leaderboard; the dotted line is the Pareto front.

    Error bars are one standard deviation over the seeds in each direction.

    Args:
        rows: from `cifar_lab.experiments.leaderboard`, measured on the same test images; rows without minutes or
            accuracy are left out.
        split: `"test"`, or `"validation"`, the split used for decisions.

    Raises:
        ValueError: no row has both minutes and an accuracy on `split`.
    """
    rows = _drawable(rows, split)
    minutes, accuracies = np.array([[row.minutes.mean, getattr(row, split).mean] for row in rows]).T
    with style():
        figure = Figure(figsize=(WIDTH, max(4.4, 0.28 * len(rows))))
        axes = figure.subplots()
        for row, x, y in zip(rows, minutes, accuracies, strict=True):
            colour, marker = LOOKS[row.kind]
            bars = {"xerr": row.minutes.deviation, "yerr": getattr(row, split).deviation}
            axes.errorbar(x, y, **bars, fmt=marker, color=colour, capsize=4, markersize=7)
        front = _pareto_front(rows, split)
        axes.plot([row.minutes.mean for row in front], [getattr(row, split).mean for row in front], ":", color=_GREY)
        if minutes.max() > 8 * minutes.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(0.12)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel="minutes of training", ylabel=f"accuracy on the {split} split")
        _draw_labels(figure, axes, list(zip(_label_texts(figure, rows), minutes, accuracies, strict=True)))
    return figure


def describe_runs(rows: Sequence[RunRow], *, split: str = "test") -> str:
    """Describe `accuracy_against_minutes` in words."""
    rows = _drawable(rows, split)
    front = ", ".join(row.name for row in _pareto_front(rows, split))
    return (
        f"Accuracy on the {split} split of {rows[0].dataset} against minutes of training, {len(rows)} points; error "
        f"bars are one standard deviation over seeds. Nothing is both quicker and more accurate than these: {front}."
    )


def _drawable(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    chosen = [row for row in rows if row.minutes and row.minutes.mean > 0 and getattr(row, split)]
    if not chosen:
        raise ValueError(f"Nothing to draw: no row has both minutes and an accuracy on the {split} split.")
    return chosen


def _pareto_front(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    """Return the Pareto front: the rows more accurate than every quicker row, quickest first."""
    front: list[RunRow] = []
    for row in sorted(rows, key=lambda row: (row.minutes.mean, -getattr(row, split).mean)):
        if not front or getattr(row, split).mean > getattr(front[-1], split).mean:
            front.append(row)
    return front


def _label_texts(figure: Figure, rows: list[RunRow]) -> list[str]:
    """Return the labels of the points: their names, or numbers with a legend if the names would not fit."""
    names = [row.name for row in rows]
    if len(names) <= 12 and max(map(len, names)) <= 24:
        return names
    looks = [LOOKS[row.kind] for row in rows]
    points = [Line2D([], [], color=colour, marker=marker, linestyle="") for colour, marker in looks]
    listed = [textwrap.fill(f"{number} {name}", 38) for number, name in enumerate(names, start=1)]
    figure.legend(points, listed, loc="outside right upper", fontsize=7)
    return [str(number) for number in range(1, len(names) + 1)]


def _draw_labels(figure: Figure, axes, points: list[tuple[str, float, float]]) -> None:
    """Write a label next to each point, covering no other label or point where possible."""
    figure.draw_without_rendering()  # fixes the layout, so that positions are final
    renderer = FigureCanvasAgg(figure).get_renderer()
    at = axes.transData.transform([(x, y) for _, x, y in points])
    taken = []
    for number, (name, x, y) in enumerate(points):
        others = np.delete(at, number, axis=0)
        for dx, dy, edge in _NEAR + _FAR:
            line = {"arrowstyle": "-", "color": _GREY, "shrinkB": 4} if (dx, dy, edge) in _FAR else None
            text = axes.annotate(
                name,
                (x, y),
                (dx, dy),
                textcoords="offset points",
                ha=edge,
                fontsize=8,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},  # covers error bars
                arrowprops=line,
                in_layout=False,
            )
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)  # without the connecting line
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken) and not box.count_contains(others):
                break
            if (dx, dy, edge) != _FAR[-1]:
                text.remove()
        taken.append(box)
