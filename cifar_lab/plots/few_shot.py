"""Accuracy against the number of labels per class."""

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.experiments.few_shot import Curves
from cifar_lab.plots.style import LOOKS, WIDTH, style


def few_shot_curves(found: Curves, *, chance: float, marked: int | None = None) -> Figure:
    """Accuracy against labels a class: for each way the means, and the range from the worst to the best.

    Args:
        found: from `curves` or `measured`; up to five ways.
        chance: the accuracy of guessing, as a level line.
        marked: labels a class at which to draw an upright line.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.8))
        axes = figure.subplots()
        for (name, row), (colour, look) in zip(found.items(), LOOKS, strict=False):
            counts = sorted(row)
            axes.plot(counts, [np.mean(row[n]) for n in counts], look, color=colour, label=name, markersize=5)
            low, high = ([end(row[n]) for n in counts] for end in (min, max))
            axes.fill_between(counts, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.axhline(chance, linestyle=":", color="#555555", label="chance")
        if marked is not None:
            axes.axvline(marked, color="#555555", linewidth=1)
        every = sorted({count for row in found.values() for count in row})
        axes.set(xscale="log", xlabel="labels a class", ylabel="accuracy", ylim=(0, 1.02))
        axes.set_xticks(every, [f"{count:,}" for count in every], minor=False)
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:.0%}")
        figure.legend(loc="outside right center")
    return figure
