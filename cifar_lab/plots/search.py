"""Figures of a hyperparameter search: accuracy over the epochs, and accuracy against each searched value."""

import math

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from optuna.trial import TrialState

from cifar_lab.experiments.recipe_search import Between, SearchResult, value_text
from cifar_lab.plots.style import BLUE, ORANGE, WIDTH, style

_GREY = "#777777"
# By state of a trial: colour, line, marker.
_LOOKS = {"best": (ORANGE, "-", "D"), "finished": (BLUE, "-", "o"), "pruned": (_GREY, "--", "x")}


def search_curves(found: SearchResult) -> Figure:
    """Plot the validation accuracy of all trials over the epochs; pruned ones are dashed and end in a cross."""
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        for state, (colour, line, marker) in _LOOKS.items():
            for trial in _trials(found, state):
                epochs, shares = zip(*sorted(trial.intermediate_values.items()), strict=True)
                look = {"color": colour, "linestyle": line, "marker": marker, "markevery": [-1]}
                axes.plot(epochs, shares, **look, label=state, linewidth=3 if state == "best" else 1.5)
        _finish(figure, axes)
        axes.set(xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
    return figure


def search_slices(found: SearchResult) -> Figure:
    """Plot the last validation accuracy of all trials against the value of each searched field."""
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        panels = figure.subplots(1, len(found.space), sharey=True, squeeze=False)[0]
        for axes, (field, tried) in zip(panels, found.space.items(), strict=True):
            for state, (colour, _, marker) in _LOOKS.items():
                trials = _trials(found, state)
                values = [found.values(trial)[field] for trial in trials]
                at = values if isinstance(tried, Between) else [tried.index(value) for value in values]
                size = 90 if state == "best" else 35
                axes.scatter(at, [t.value for t in trials], s=size, color=colour, marker=marker, label=state)
            if isinstance(tried, Between):
                axes.set_xscale("log")
                axes.set_xlim(tried.low / 1.1, tried.high * 1.1)
                axes.set_xticks([tried.low, math.sqrt(tried.low * tried.high), tried.high], minor=False)
                axes.xaxis.set_major_formatter("{x:.2g}")
                axes.xaxis.set_minor_formatter(NullFormatter())
            else:
                axes.set_xticks(range(len(tried)), [value_text(value) for value in tried])
                axes.set_xlim(-0.5, len(tried) - 0.5)
            axes.set_xlabel(field.replace("_", " "))
        _finish(figure, panels[0])
    return figure


def describe_search_curves(found: SearchResult) -> str:
    """Describe `search_curves` in words."""
    counts = ", ".join(f"{len(_trials(found, state))} {state}" for state in _LOOKS)
    return f"A line per trial, validation accuracy over the epochs: {counts}. Pruned trials are dashed and end early."


def describe_search_slices(found: SearchResult) -> str:
    """Describe `search_slices` in words."""
    best = found.values(found.best_trial)
    values = ", ".join(f"{field.replace('_', ' ')} {value_text(value)}" for field, value in best.items())
    return f"A dot per trial, validation accuracy against {' and '.join(found.space)}; the best trial has {values}."


def _trials(found: SearchResult, state: str) -> list:
    best = found.best_trial.number
    trials = found.study.get_trials(states=(TrialState.PRUNED if state == "pruned" else TrialState.COMPLETE,))
    return [trial for trial in trials if state == "pruned" or (trial.number == best) == (state == "best")]


def _finish(figure: Figure, axes) -> None:
    named = dict(zip(*axes.get_legend_handles_labels()[::-1], strict=True))  # one entry per state
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named))
    axes.set_ylabel("validation accuracy")
    axes.yaxis.set_major_formatter("{x:.0%}")
