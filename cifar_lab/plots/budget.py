"""A chart of a time budget: what can be had in how many minutes, and what a time buys.

plots.show(plots.accuracy_within_minutes(offers, minutes=5), plots.describe_budget(offers, minutes=5))
"""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from cifar_lab.experiments.budget.planning import Offer, best_offer
from cifar_lab.plots.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, WIDTH, style

# Told apart by shape as well as by colour.
LOOKS = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), ("#777777", "v"))


def accuracy_within_minutes(offers: Sequence[Offer], *, minutes: float, slowness: float = 1.0) -> Figure:
    """A point for each offer; those right of the line take too long, and the ring marks the best of the others.

    Args:
        offers: from `cifar_lab.experiments.budget.budget_offers`; up to five recipes.
        minutes: the time there is.
        slowness: how many times as long everything takes here.

    Raises:
        ValueError: nothing fits into the time.
    """
    chosen = best_offer(offers, minutes=minutes, slowness=slowness)
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        for name, (colour, marker) in zip(dict.fromkeys(offer.recipe for offer in offers), LOOKS, strict=False):
            points = [(offer.minutes * slowness, offer.accuracy) for offer in offers if offer.recipe == name]
            axes.plot(*zip(*points, strict=True), marker, linestyle=":", color=colour, label=name)
        axes.plot(
            chosen.minutes, chosen.accuracy, "o", color=ORANGE, markerfacecolor="none", markersize=18, markeredgewidth=3
        )
        axes.axvline(minutes, color="black", linestyle="--", label=f"{minutes:g} minutes")
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter("")
        axes.yaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel="minutes of training", ylabel="accuracy on validation")
        axes.margins(0.12)
        figure.legend(loc="outside right center")
    return figure


def describe_budget(offers: Sequence[Offer], *, minutes: float, slowness: float = 1.0) -> str:
    """What there is to see in `within`."""
    chosen = best_offer(offers, minutes=minutes, slowness=slowness)
    return (
        f"Validation accuracy against minutes of training for {len(offers)} offers, and a line at {minutes:g} minutes. "
        f"Left of it the ring marks the best: {chosen.sentence()}."
    )
