"""The figure of an ablation study: the accuracy lost without each trick.

plots.show(plots.ablation_bars(result), plots.describe_ablation(result))
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cifar_lab.experiments.ablation.worth import Ablation
from cifar_lab.experiments.leaderboard import Spread
from cifar_lab.plots.style import ORANGE, WIDTH, style

_SIGNIFICANT, _NOT_SIGNIFICANT = "#56A5D6", "#CCCCCC"  # light enough to draw on, and different in greyscale
_INTERVAL = {"linestyle": "-", "marker": "|", "color": "black", "markersize": 10}
_DOT = {"linestyle": "", "marker": "o", "color": ORANGE, "markeredgecolor": "black", "markersize": 6, "zorder": 3}


def ablation_bars(ablation: Ablation) -> Figure:
    """Plot the accuracy lost without each trick: bars with 95 % intervals, and one dot per seed.

    Bars whose interval includes 0 are grey: the difference could be chance.

    Args:
        ablation: from `cifar_lab.experiments.ablation.summarise_ablation`.
    """
    full = Spread.of(ablation.accuracies)
    positions = np.arange(len(ablation.tricks))
    with style():
        figure = Figure(figsize=(WIDTH, 0.42 * len(positions) + 1.6))
        axes = figure.subplots()
        significant = [bool(trick.difference and trick.difference.better) for trick in ablation.tricks]
        colours = [_SIGNIFICANT if yes else _NOT_SIGNIFICANT for yes in significant]
        axes.barh(positions, [100 * trick.lost for trick in ablation.tricks], color=colours)
        for position, trick in zip(positions, ablation.tricks, strict=True):
            lost = [100 * (full.mean - accuracy) for accuracy in trick.accuracies]
            axes.plot(lost, np.full(len(lost), position), **_DOT)
            if trick.difference:
                axes.plot(100 * np.array(trick.difference.interval), [position] * 2, **_INTERVAL)
        axes.axvline(0, color="black", linewidth=1)
        axes.set_yticks(positions, [trick.name for trick in ablation.tricks])
        xlabel = f"points lost without it (full recipe: {100 * full.mean:.1f} %)"
        axes.set(xlabel=xlabel, ylim=(len(positions) - 0.4, -0.6))
        axes.grid(visible=False, axis="y")
        tested = all(trick.difference for trick in ablation.tricks)
        unsure = "could be chance" if tested else "could be chance, or too few seeds to tell"
        handles = {"more than chance": Patch(color=_SIGNIFICANT), unsure: Patch(color=_NOT_SIGNIFICANT)}
        handles |= {"95 % interval": Line2D([], [], **_INTERVAL), "one seed": Line2D([], [], **_DOT)}
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return figure


def describe_ablation(ablation: Ablation) -> str:
    """Describe `ablation_bars` in words."""
    significant = [trick for trick in ablation.tricks if trick.difference and trick.difference.better]
    seeds = "1 seed" if len(ablation.accuracies) == 1 else f"{len(ablation.accuracies)} seeds"
    listed = ", ".join(f"{trick.name} ({100 * trick.lost:.1f} points)" for trick in significant) or "none"
    return (
        f"Accuracy lost without each of {len(ablation.tricks)} tricks of {ablation.recipe} on {ablation.dataset}, "
        f"{seeds}: bars with 95 % intervals and one dot per seed. More than chance: {listed}."
    )
