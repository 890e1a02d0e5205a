"""A chart of an ablation: what each trick is worth.

plots.show(plots.ablation_bars(result), plots.describe_ablation(result))
"""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from cifar_lab.experiments.ablation.worth import Ablation
from cifar_lab.experiments.leaderboard import Spread
from cifar_lab.plots.style import ORANGE, WIDTH, style

_SURE, _UNSURE = "#56A5D6", "#CCCCCC"  # light enough for what is drawn upon them; one is darker, in grey print too
_INTERVAL = {"linestyle": "-", "marker": "|", "color": "black", "markersize": 10}
_DOT = {"linestyle": "", "marker": "o", "color": ORANGE, "markeredgecolor": "black", "markersize": 6, "zorder": 3}


def ablation_bars(ablation: Ablation) -> Figure:
    """How many points of accuracy are lost without each trick: a bar each, its 95 % interval, and a dot for each seed.

    Bars whose interval holds 0 are grey: that could be chance.

    Args:
        ablation: what `cifar_lab.experiments.ablation.summarise_ablation` made of the runs.
    """
    whole = Spread.of(ablation.accuracies)
    positions = np.arange(len(ablation.tricks))
    with style():
        figure = Figure(figsize=(WIDTH, 0.42 * len(positions) + 1.6))
        axes = figure.subplots()
        sure = [bool(trick.difference and trick.difference.better) for trick in ablation.tricks]
        colours = [_SURE if known else _UNSURE for known in sure]
        axes.barh(positions, [100 * trick.lost for trick in ablation.tricks], color=colours)
        for position, trick in zip(positions, ablation.tricks, strict=True):
            lost = [100 * (whole.mean - accuracy) for accuracy in trick.accuracies]
            axes.plot(lost, np.full(len(lost), position), **_DOT)
            if trick.difference:
                axes.plot(100 * np.array(trick.difference.interval), [position] * 2, **_INTERVAL)
        axes.axvline(0, color="black", linewidth=1)
        axes.set_yticks(positions, [trick.name for trick in ablation.tricks])
        axes.set(xlabel=f"points lost without it, of {100 * whole.mean:.1f} %", ylim=(len(positions) - 0.4, -0.6))
        axes.grid(visible=False, axis="y")
        known = all(trick.difference for trick in ablation.tricks)
        unsure = "could be chance" if known else "could be chance, or too few seeds to tell"
        looks = {"more than chance": Patch(color=_SURE), unsure: Patch(color=_UNSURE)}
        looks |= {"95 % interval": Line2D([], [], **_INTERVAL), "one seed": Line2D([], [], **_DOT)}
        figure.legend(looks.values(), looks, loc="outside lower center", ncols=len(looks))
    return figure


def describe_ablation(ablation: Ablation) -> str:
    """What there is to see in `bars`."""
    sure = [trick for trick in ablation.tricks if trick.difference and trick.difference.better]
    seeds = "1 seed" if len(ablation.accuracies) == 1 else f"{len(ablation.accuracies)} seeds"
    listed = ", ".join(f"{trick.name} ({100 * trick.lost:.1f} points)" for trick in sure) or "none"
    return (
        f"What each of {len(ablation.tricks)} tricks of {ablation.recipe} is worth on {ablation.dataset}, {seeds}: the "
        f"accuracy lost without it, with its 95 % interval and a dot for each seed. More than chance: {listed}."
    )
