"""The figure of few-shot learning: accuracy against the number of labels per class."""

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.experiments.few_shot import Curves
from cifar_lab.plots.style import LOOKS, WIDTH, style


def few_shot_curves(found: Curves, *, chance: float, marked: int | None = None) -> Figure:
    """Plot accuracy against labels per class: the mean of each method, and its range from worst to best.

    Args:
        found: from `few_shot_accuracies` or `accuracies_of_runs` of `cifar_lab.experiments.few_shot`; up to five
            methods.
        chance: accuracy of guessing, 0-1, drawn as a horizontal line.
        marked: number of labels per class at which to draw a vertical line.
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
        axes.set(xscale="log", xlabel="labels per class", ylabel="accuracy", ylim=(0, 1.02))
        axes.set_xticks(every, [f"{count:,}" for count in every], minor=False)
        axes.set_xticks([], minor=True)
        axes.yaxis.set_major_formatter("{x:.0%}")
        figure.legend(loc="outside right center")
    return figure
