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


def accuracy_against_minutes(rows: Sequence[RunRow], *, split: str = "test") -> Figure:
    """Plot one point per row of the run table; the dotted line is the Pareto front.

    Error bars are one standard deviation over the seeds in each direction.

    Args:
        rows: from `cifar_lab.experiments.run_table`, measured on the same test images; rows without minutes or
            accuracy are left out.
        split: `"test"`, or `"validation"`, the split used for decisions.

    Raises:
        ValueError: no row has both minutes and an accuracy on `split`.
    """
    rows = _drawable(rows, split)
    with style():
        figure = Figure(figsize=(WIDTH, max(4.4, 0.3 * len(rows))))
        axes = figure.subplots()
        for number, row in enumerate(rows):
            accuracy = getattr(row, split)
            look = {"color": _COLOURS[number % len(_COLOURS)], "fmt": _MARKERS[number % len(_MARKERS)]}
            spread = {"xerr": row.minutes.deviation, "yerr": accuracy.deviation, "capsize": 4}
            name = textwrap.fill(row.name if row.kind == "run" else f"classifier {row.name}", 34)
            axes.errorbar(row.minutes.mean, accuracy.mean, markersize=7, label=name, **look, **spread)
        front = [(row.minutes.mean, getattr(row, split).mean) for row in _pareto_front(rows, split)]
        axes.plot(*zip(*front, strict=True), ":", color="#777777", zorder=0)
        if max(row.minutes.mean for row in rows) > 8 * min(row.minutes.mean for row in rows):
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel="minutes of training", ylabel=f"accuracy on the {split} split")
        figure.legend(loc="outside right upper", fontsize=8)
    return figure


def describe_runs(rows: Sequence[RunRow], *, split: str = "test") -> str:
    """Describe `accuracy_against_minutes` in words."""
    rows = _drawable(rows, split)
    front = "; ".join(row.name for row in _pareto_front(rows, split))
    return (
        f"Accuracy on the {split} split of {rows[0].dataset} against minutes of training, {len(rows)} points; error "
        f"bars are one standard deviation over seeds. No other is both quicker and more accurate than these: {front}."
    )


def _drawable(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    chosen = [row for row in rows if row.minutes and row.minutes.mean > 0 and getattr(row, split)]
    if not chosen:
        raise ValueError(f"Nothing to draw: no row has both minutes and an accuracy on the {split} split.")
    return chosen


def _pareto_front(rows: Sequence[RunRow], split: str) -> list[RunRow]:
    """Return the rows more accurate than every quicker row, quickest first."""
    front: list[RunRow] = []
    for row in sorted(rows, key=lambda row: (row.minutes.mean, -getattr(row, split).mean)):
        if not front or getattr(row, split).mean > getattr(front[-1], split).mean:
            front.append(row)
    return front
