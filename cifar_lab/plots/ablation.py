"""The figure of an ablation: the accuracy lost without each trick.

plots.show(plots.ablation_bars(result), plots.describe_ablation(result))
"""

import numpy as np
from matplotlib.figure import Figure

from cifar_lab.experiments.ablation import Ablation, Trick
from cifar_lab.plots.style import ORANGE, WIDTH, style

# Light enough to draw on, and different in greyscale.
_BARS = {"more than chance": "#56A5D6", "could be chance": "#CCCCCC"}
_DOT = {"linestyle": "", "marker": "o", "color": ORANGE, "markeredgecolor": "black", "markersize": 6, "zorder": 3}


def ablation_bars(ablation: Ablation) -> Figure:
    """Plot the accuracy lost without each trick: bars with 95 % intervals, and one dot per seed.

    Bars are grey if the difference could be chance, or if there are too few seeds for an interval.

    Args:
        ablation: from `cifar_lab.experiments.summarise_ablation`.
    """
    tricks, mean = ablation.tricks, np.mean(ablation.full.accuracies)
    lost = np.array([100 * trick.lost for trick in tricks])
    half = np.array([50 * np.ptp(trick.difference.interval) if trick.difference else np.nan for trick in tricks])
    significant = np.array([_significant(trick) for trick in tricks])
    with style():
        figure = Figure(figsize=(WIDTH, 0.42 * len(tricks) + 1.6))
        axes = figure.subplots()
        for (label, colour), chosen in zip(_BARS.items(), (significant, ~significant), strict=True):
            if chosen.any():
                where = np.flatnonzero(chosen)
                axes.barh(where, lost[chosen], xerr=half[chosen], capsize=4, color=colour, label=label)
        for position, trick in enumerate(tricks):
            dots = [100 * (mean - accuracy) for accuracy in trick.accuracies]
            axes.plot(dots, [position] * len(dots), **_DOT, label="" if position else "one seed")
        axes.axvline(0, color="black", linewidth=1)
        axes.set_yticks(range(len(tricks)), [trick.name for trick in tricks])
        axes.set_xlabel(f"points lost without it, with 95 % interval (full recipe: {100 * mean:.1f} %)")
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _significant(trick: Trick) -> bool:
    return bool(trick.difference and trick.difference.better)


def describe_ablation(ablation: Ablation) -> str:
    """Describe `ablation_bars` in words."""
    significant = [f"{trick.name} ({100 * trick.lost:.1f} points)" for trick in ablation.tricks if _significant(trick)]
    listed, seeds = ", ".join(significant) or "none", len(ablation.full.accuracies)
    return (
        f"Accuracy lost without each of {len(ablation.tricks)} tricks of {ablation.recipe} on {ablation.dataset}: bars "
        f"with 95 % intervals, and dots for single seeds ({seeds} each). More than chance: {listed}."
    )
