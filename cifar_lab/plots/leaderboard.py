"""Charts of the leaderboard: who is more accurate, in how many minutes.

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
LOOKS = {"run": (BLUE, "o"), "classifier": (VERMILION, "s")}  # told apart by shape as well as by colour
# Where a name may stand, seen from its point: how far in points, and which edge of it is there. The near ones first.
_NEAR = ((8, -3, "left"), (-8, -3, "right"), (0, 8, "center"), (0, -15, "center"))
_FAR = tuple((8 * side, height, edge) for height in (16, -22, 32, -38) for side, edge in ((1, "left"), (-1, "right")))


def accuracy_against_minutes(rows: Sequence[RunRow], *, split: str = "test") -> Figure:
    """A point for each row of the leaderboard; the dotted line joins those that nothing beats in both.

    The bars are one standard deviation over the seeds to each side.

    Args:
        rows: from `cifar_lab.experiments.leaderboard`, about the same test images; those without minutes or accuracy
            are left out.
        split: `"test"`, or `"validation"`, on which decisions were made.

    Raises:
        ValueError: nothing is left.
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
        best = _unbeaten(rows, split)
        axes.plot([row.minutes.mean for row in best], [getattr(row, split).mean for row in best], ":", color=_GREY)
        if minutes.max() > 8 * minutes.min():
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        axes.margins(0.12)
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel="minutes of training", ylabel=f"accuracy on the {split} split")
        _label(figure, axes, list(zip(_labels(figure, rows), minutes, accuracies, strict=True)))
    return figure


def describe_runs(rows: Sequence[RunRow], *, split: str = "test") -> str:
    """What there is to see in `accuracy_against_minutes`."""
    rows = _drawable(rows, split)
    best = ", ".join(row.name for row in _unbeaten(rows, split))
    return (
        f"Accuracy on the {split} split of {rows[0].dataset} against the minutes of training, {len(rows)} points; bars "
        f"are a standard deviation over seeds. Nothing is both quicker and more accurate than these: {best}."
    )


def _drawable(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    chosen = [row for row in rows if row.minutes and row.minutes.mean > 0 and getattr(row, split)]
    if not chosen:
        raise ValueError(f"There is no row with minutes and an accuracy on the {split} split to draw.")
    return chosen


def _unbeaten(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    """The rows that no quicker one reaches, the quickest first."""
    best: list[RunRow] = []
    for row in sorted(rows, key=lambda row: (row.minutes.mean, -getattr(row, split).mean)):
        if not best or getattr(row, split).mean > getattr(best[-1], split).mean:
            best.append(row)
    return best


def _labels(figure: Figure, rows: list[RunRow]) -> list[str]:
    """What stands at the points: their names; or numbers, where those would fill the chart, and the names beside it."""
    names = [row.name for row in rows]
    if len(names) <= 12 and max(map(len, names)) <= 24:
        return names
    looks = [LOOKS[row.kind] for row in rows]
    points = [Line2D([], [], color=colour, marker=marker, linestyle="") for colour, marker in looks]
    listed = [textwrap.fill(f"{number} {name}", 38) for number, name in enumerate(names, start=1)]
    figure.legend(points, listed, loc="outside right upper", fontsize=7)
    return [str(number) for number in range(1, len(names) + 1)]


def _label(figure: Figure, axes, points: list[tuple[str, float, float]]) -> None:
    """Write a name beside each point, where it covers no other name or point, if there is such a place."""
    figure.draw_without_rendering()  # settles where the axes are
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
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},  # bars may run below it
                arrowprops=line,
                in_layout=False,
            )
            text.update_positions(renderer)
            box = Text.get_window_extent(text, renderer)  # without its line
            inside = axes.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
            if inside and not any(box.overlaps(other) for other in taken) and not box.count_contains(others):
                break
            if (dx, dy, edge) != _FAR[-1]:
                text.remove()
        taken.append(box)
