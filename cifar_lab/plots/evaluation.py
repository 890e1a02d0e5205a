"""Charts of how good a classifier is: intervals, calibration, mistakes, known or not, robustness, explanations.

Like those of `cifar_lab.plots`, whose style they share, they return a Figure, and `plots.show` puts it into a notebook.
What they draw was calculated elsewhere, mostly in `cifar_lab.evaluation`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from cifar_lab import evaluation
from cifar_lab.evaluation import Reliability
from cifar_lab.plots.style import BLUE, GREEN, ORANGE, PURPLE, VERMILION, WIDTH, frameless, style

_GREY = "#777777"
_LINES = tuple(zip((BLUE, VERMILION, GREEN, PURPLE, ORANGE), ("-o", "--s", "-.^", ":D", "-v"), strict=True))


def accuracy_intervals(rows: Mapping[str, tuple[float, float, float]], *, xlabel: str = "accuracy") -> Figure:
    """Measured shares with their intervals, one a row.

    Args:
        rows: for each name the low end, the measured value and the high end, each 0-1.
        xlabel: what was measured.
    """
    low, middle, high = np.array(list(rows.values())).T
    positions = np.arange(len(rows))
    with style():
        figure = Figure(figsize=(WIDTH, 0.45 * len(rows) + 0.9))
        axes = figure.subplots()
        errors = np.maximum([middle - low, high - middle], 0)
        axes.errorbar(middle, positions, xerr=errors, fmt="o", color=BLUE, capsize=5, linewidth=2)
        axes.set_yticks(positions, list(rows))
        axes.xaxis.set_major_formatter("{x:.0%}")
        axes.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
        axes.grid(visible=False, axis="y")
    return figure


def reliability_diagram(curves: Mapping[str, Reliability]) -> Figure:
    """How often answers of a given score are right, and how many such answers there are; a panel for each curve.

    On the diagonal, scores are honest; below it, the classifier is too sure of itself; above, too modest.

    Args:
        curves: results of `evaluation.reliability`, by their names.
    """
    with style():
        figure = Figure(figsize=(min(WIDTH, 4.4 * len(curves)), 4.6))
        panels = figure.subplots(2, len(curves), sharex=True, sharey="row", height_ratios=(3, 1), squeeze=False)
        for above, below, (name, curve) in zip(*panels, curves.items(), strict=True):
            above.plot([0, 1], [0, 1], "--", color=_GREY, label="honest")
            above.plot(curve.scores, curve.shares, "-o", color=BLUE, label="measured")
            above.set(title=name, xlim=(0, 1), ylim=(0, 1.02), ylabel="share that is right")
            above.legend(loc="upper left")
            width = 0.6 * np.diff(curve.scores).min() if len(curve.scores) > 1 else 0.06
            below.bar(curve.scores, curve.counts, width=width, color=_GREY)
            below.set(xlabel="score", ylabel="answers")
        for axes in panels.flat:
            axes.label_outer()
    return figure


def mistakes(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str], positions: Sequence[int]
) -> Figure:
    """What a classifier says of single images: its three best guesses as bars, and the true class, in orange.

    Args:
        probabilities: `(n, k)` float, 0-1, every row adding up to 1.
        labels: `(n,)` whole numbers, 0 to k - 1.
        class_names: k names.
        positions: which images to draw, 0 to n - 1.
    """
    columns = min(5, len(positions))
    rows = -(-len(positions) // columns)
    with style():
        figure = Figure(figsize=(WIDTH, 1.75 * rows))
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes in panels.flat:
            axes.set_axis_off()
        for axes, position in zip(panels.flat, positions, strict=False):
            axes.set_axis_on()
            _guesses(axes, probabilities[position], int(labels[position]), class_names)
            axes.set_title(f"image {position:,}", fontsize=9)
    return figure


def _guesses(axes, row: np.ndarray, truth: int, class_names: Sequence[str]) -> None:
    """The three best guesses, and the truth where it is not among them."""
    shown = list(np.argsort(-row, kind="stable")[:3])
    shown += [truth] if truth not in shown else []
    bars = axes.barh(np.arange(len(shown)), row[shown], color=[ORANGE if i == truth else BLUE for i in shown])
    axes.bar_label(bars, [f"{share:.0%}" for share in row[shown]], padding=2, fontsize=8)
    names = [f"true: {class_names[i]}" if i == truth else class_names[i] for i in shown]
    axes.set_yticks(np.arange(len(shown)), names, fontsize=8)
    axes.set(xlim=(0, 1.35), ylim=(3.5, -0.5), xticks=[])
    axes.grid(visible=False)
    axes.spines["bottom"].set_visible(False)


def score_histograms(known: np.ndarray, others: Mapping[str, np.ndarray], threshold: float) -> Figure:
    """Where a threshold cuts the scores, and what every other threshold would do (the ROC curve).

    Args:
        known: `(n,)` float, 0-1: scores for pictures of known classes.
        others: for each kind of other pictures its scores, `(m,)` float, 0-1.
        threshold: 0-1; a score below it means "none of these".
    """
    edges = np.linspace(0, 1, 26)
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        left, right = figure.subplots(1, 2, width_ratios=(1.2, 1))
        left.hist(known, edges, weights=np.full(len(known), 1 / len(known)), color="#BBBBBB", label="known classes")
        left.axvline(threshold, color="black", label=f"threshold {threshold:.2f}")
        right.plot([0, 1], [0, 1], ":", color=_GREY)
        for (name, scores), (colour, line) in zip(others.items(), _LINES, strict=False):
            weights, dashes = np.full(len(scores), 1 / len(scores)), line.rstrip("osD^v")
            left.hist(scores, edges, weights=weights, histtype="step", color=colour, linestyle=dashes, label=name)
            _, accepted, fooled = evaluation.known_curve(known, scores)
            right.plot(fooled, accepted, dashes, color=colour, label=name)
            right.plot(np.mean(scores >= threshold), np.mean(known >= threshold), "o", color=colour)
        left.set(xlabel="score", ylabel="share of the pictures", xlim=(0, 1))
        right.set(xlabel="others taken for known", ylabel="known accepted", xlim=(-0.02, 1), ylim=(0, 1.02))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(others) + 2)
    return figure


def severity_curves(accuracies: Mapping[str, Sequence[float]], *, chance: float) -> Figure:
    """How the accuracy falls as images get worse.

    Args:
        accuracies: for each kind of corruption the accuracy, 0-1, at severity 0 (as it is), 1, 2 ...
        chance: the accuracy of guessing, 0-1.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.4))
        axes = figure.subplots()
        for (name, shares), (colour, line) in zip(accuracies.items(), _LINES, strict=False):
            axes.plot(shares, line, color=colour, label=name, markersize=5)
        axes.axhline(chance, linestyle=":", color=_GREY, label="chance")
        axes.set(xlabel="severity", ylabel="accuracy", ylim=(0, 1.02))
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.yaxis.set_major_formatter("{x:.0%}")
        figure.legend(loc="outside right center")
    return figure


def heat_maps(images: Sequence[np.ndarray], heats: Mapping[str, Sequence[np.ndarray]], titles: Sequence[str]) -> Figure:
    """Images, and below them where the evidence lies: bright is where it is strongest, dark where there is none.

    Args:
        images: `(height, width, 3)` uint8 each.
        heats: for each row its name and one map for each image, `(height, width)` float, 0-1.
        titles: one for each image.
    """
    with style():
        figure = Figure(figsize=(WIDTH, WIDTH / (len(images) + 0.6) * (len(heats) + 1) * 1.05))
        grid = figure.subplots(len(heats) + 1, len(images), squeeze=False)
        for axes, image, title in zip(grid[0], images, titles, strict=True):
            axes.imshow(image)
            axes.set_title(title, fontsize=9)
        for row, (name, maps) in zip(grid[1:], heats.items(), strict=True):
            for axes, image, heat in zip(row, images, maps, strict=True):
                axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
                axes.imshow(heat, cmap="inferno", vmin=0, vmax=1, alpha=0.7)
            row[0].set_ylabel(name, fontsize=9)
        for axes in grid.flat:
            axes.set(xticks=[], yticks=[])
            axes.grid(visible=False)
            axes.spines[:].set_visible(False)
    return figure


def confusion_matrix(confusion: np.ndarray, class_names: Sequence[str]) -> Figure:
    """What was taken for what, in per cent of the true class.

    Args:
        confusion: `(k, k)` counts; rows are the true classes, columns the predicted ones.
        class_names: k names.
    """
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    with style():
        figure = Figure(figsize=(0.62 * len(class_names) + 1.6, 0.56 * len(class_names) + 1.4))
        axes = figure.subplots()
        axes.imshow(shares, vmin=0, vmax=1)
        for row, column in np.ndindex(shares.shape):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{shares[row, column]:.0%}".rstrip("%"), ha="center", va="center", color=colour)
        positions = np.arange(len(class_names))
        axes.set_xticks(positions, class_names, rotation=45, ha="right")
        axes.set_yticks(positions, class_names)
        axes.set(xlabel="predicted", ylabel="true", title="of 100 images of the true class")
        axes.grid(visible=False)
        frameless(axes)
    return figure
