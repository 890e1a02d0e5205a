"""Charts of a search: which values went with which accuracy, and which trials were stopped when.

Like those of `cifar_lab.plots`, whose style they share, they return a Figure, and `plots.show` puts it into a notebook.
"""

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from cifar_lab.experiments.search.space import value_in_words
from cifar_lab.experiments.search.state import Search
from cifar_lab.plots.style import BLUE, ORANGE, WIDTH, style

_GREY = "#777777"


def parallel_coordinates(search: Search) -> Figure:
    """A line a trial through its values and its accuracy: dark ones finished, grey ones were stopped, orange is best.

    Args:
        search: what `cifar_lab.experiments.search.find_recipe` returned.
    """
    trials = [trial for trial in search.trials if trial.history and not trial.problem]
    fields = list(search.trials[0].changes)
    heights, ticks = [], []
    for name in fields:
        column, labels = _column([trial.changes[name] for trial in trials])
        heights.append(column)
        ticks.append(labels)
    accuracies = np.array([trial.accuracy() for trial in trials])
    low, high = accuracies.min(), accuracies.max()
    heights.append((accuracies - low) / (high - low) if high > low else np.full(len(trials), 0.5))
    ticks.append([(0.0, f"{low:.1%}"), (1.0, f"{high:.1%}")] if high > low else [(0.5, f"{low:.1%}")])
    with style():
        figure = Figure(figsize=(WIDTH, 3.8))
        axes = figure.subplots()
        for trial, line in zip(trials, np.transpose(heights), strict=True):
            axes.plot(line, **_look(trial, search), solid_capstyle="round")
        for position, labels in enumerate(ticks):
            axes.axvline(position, color="black", linewidth=1)
            for height, text in labels:
                axes.text(position + 0.02, height, text, va="center", fontsize=8, bbox={"color": "white", "pad": 0.5})
        axes.set_xticks(range(len(ticks)), [*(name.replace("_", " ") for name in fields), "validation accuracy"])
        axes.set(yticks=[], ylim=(-0.06, 1.06), xlim=(-0.1, len(ticks) - 0.75))
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
    return figure


def _column(values: list) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Where the values of a field stand between 0 and 1, and what is written beside them."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) and value > 0 for value in values):
        logs = np.log(np.array(values, float))
        low, high = logs.min(), logs.max()
        places = (logs - low) / (high - low) if high > low else np.full(len(values), 0.5)
    else:
        names = sorted({value_in_words(value) for value in values})
        places = np.array([names.index(value_in_words(v)) for v in values]) / max(1, len(names) - 1)
    labels = sorted({float(place): value_in_words(value) for place, value in zip(places, values, strict=True)}.items())
    few = labels if len(labels) <= 6 else [labels[0], labels[-1]]
    return places, few


def _look(trial, search: Search) -> dict:
    if trial is search.best_trial:
        return {"color": ORANGE, "linewidth": 4, "zorder": 3}
    if trial.finished:
        return {"color": BLUE, "linewidth": 2}
    return {"color": _GREY, "linewidth": 1, "linestyle": "--"}


def accuracy_curves(search: Search) -> Figure:
    """How the trials came on, epoch by epoch: stopped ones end in a cross.

    Args:
        search: what `cifar_lab.experiments.search.find_recipe` returned.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        for trial in search.trials:
            if not trial.history:
                continue
            epochs = [row["epoch"] for row in trial.history]
            shares = [row["validation_accuracy"] for row in trial.history]
            axes.plot(epochs, shares, **_look(trial, search))
            axes.plot(epochs[-1:], shares[-1:], "o" if trial.finished else "x", color=_look(trial, search)["color"])
        looks = {"best": (ORANGE, "-"), "finished": (BLUE, "-"), "stopped": (_GREY, "--")}
        lines = [mpl.lines.Line2D([], [], color=colour, linestyle=line) for colour, line in looks.values()]
        figure.legend(lines, list(looks), loc="outside lower center", ncols=len(looks))
        axes.set(xlabel="epoch", ylabel="accuracy on validation")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter("{x:.0%}")
    return figure


def grid_heat_map(found) -> Figure:
    """The mean accuracy of every combination of two settings in a grid search; the best one is framed.

    Args:
        found: a finished `GridSearchCV` over two settings, such as `cifar_lab.experiments.search.grid.grid_search`
            returns.

    Raises:
        ValueError: the search was over more or fewer than two settings.
    """
    tried, shares = found.cv_results_["params"], found.cv_results_["mean_test_score"]
    if len(tried[0]) != 2:
        raise ValueError(f"A heat map shows two settings, but {len(tried[0])} were searched: {', '.join(tried[0])}.")
    (down, across), places = tried[0], []
    rows, columns = (list(dict.fromkeys(one[name] for one in tried)) for name in (down, across))
    table = np.full((len(rows), len(columns)), np.nan)
    for one, share in zip(tried, shares, strict=True):
        places.append((rows.index(one[down]), columns.index(one[across])))
        table[places[-1]] = share
    with style():
        figure = Figure(figsize=(min(WIDTH, 1.1 * len(columns) + 2), 0.5 * len(rows) + 1.1))
        axes = figure.subplots()
        axes.imshow(table, cmap="Blues", aspect="auto")
        middle = (shares.min() + shares.max()) / 2
        for (row, column), share in zip(places, shares, strict=True):
            colour = "white" if share > middle else "black"
            axes.text(column, row, f"{share:.1%}", ha="center", va="center", color=colour, fontsize=9)
        row, column = places[found.best_index_]
        axes.add_patch(
            mpl.patches.Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=ORANGE, linewidth=4)
        )
        for axis, name, values in ((axes.yaxis, down, rows), (axes.xaxis, across, columns)):
            axis.set_ticks(range(len(values)), [value_in_words(value) for value in values])
            axis.set_label_text(name.rpartition("__")[2].replace("_", " "))
        axes.grid(visible=False)
    return figure
