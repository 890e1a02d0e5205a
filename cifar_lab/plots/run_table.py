"""The figure of the run table: accuracy against minutes of training.

plots.show(plots.accuracy_against_minutes(rows), plots.describe_runs(rows))
"""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure

from cifar_lab.experiments.run_table import RunRow
from cifar_lab.plots.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, WIDTH, style

_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, "black", "#56B4E9")
_MARKERS = "os^DvP"  # one fewer than colours, so that the first 42 pairs differ


def accuracy_against_minutes(rows: Sequence[RunRow]) -> Figure:
    """Plot one point per row of the run table; the dotted line is the Pareto front.

    Error bars are one standard deviation over the seeds in each direction.

    Args:
        rows: from `run_rows` and `classifier_rows`, measured on the same test images; rows without minutes or test
            accuracy are left out.

    Raises:
        ValueError: no row has both minutes and a test accuracy.
    """
    rows = _drawable(rows)
    with style():
        figure = Figure(figsize=(WIDTH, max(4.4, 0.3 * len(rows))))
        axes = figure.subplots()
        for number, row in enumerate(rows):
            name = textwrap.fill(row.name if row.kind == "run" else f"classifier {row.name}", 34)
            look = {"color": _COLOURS[number % len(_COLOURS)], "fmt": _MARKERS[number % len(_MARKERS)], "markersize": 7}
            spread = {"xerr": row.minutes.deviation, "yerr": row.test.deviation, "capsize": 4}
            axes.errorbar(row.minutes.mean, row.test.mean, label=name, **look, **spread)
        front = _pareto_front(rows)
        axes.plot([row.minutes.mean for row in front], [row.test.mean for row in front], ":", color="#777777", zorder=0)
        if max(row.minutes.mean for row in rows) > 8 * min(row.minutes.mean for row in rows):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel="minutes of training", ylabel="accuracy on the test split")
        figure.legend(loc="outside right upper", fontsize=8)
    return figure


def describe_runs(rows: Sequence[RunRow]) -> str:
    """Describe `accuracy_against_minutes` in words."""
    rows = _drawable(rows)
    front = "; ".join(row.name for row in _pareto_front(rows))
    return (
        f"Accuracy on the test split of {rows[0].dataset} against minutes of training, {len(rows)} points; error bars "
        f"are one standard deviation over seeds. No other is both quicker and more accurate than these: {front}."
    )


def _drawable(rows: Sequence[RunRow]) -> list[RunRow]:
    if not (chosen := [row for row in rows if row.minutes and row.minutes.mean > 0 and row.test]):
        raise ValueError("There is nothing to draw: no row has both minutes and an accuracy on the test split.")
    return chosen


def _pareto_front(rows: Sequence[RunRow]) -> list[RunRow]:
    """Return the rows more accurate than every quicker row, quickest first."""
    front: list[RunRow] = []
    for row in sorted(rows, key=lambda row: (row.minutes.mean, -row.test.mean)):
        if not front or row.test.mean > front[-1].test.mean:
            front.append(row)
    return front
