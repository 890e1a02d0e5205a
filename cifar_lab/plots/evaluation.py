"""Figures for evaluating a classifier: accuracy intervals, calibration, mistakes, rejection, robustness, heat maps.

They draw what was computed elsewhere, mostly in `cifar_lab.evaluation`.
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
    """Plot measured shares with their intervals, one per row.

    Args:
        rows: (low end, measured value, high end) by name, each 0-1.
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
    """Plot accuracy against score, with a histogram of the scores below; one column per curve.

    On the diagonal, the scores are calibrated; below it, the classifier is overconfident; above it, underconfident.

    Args:
        curves: results of `evaluation.reliability`, by name.
    """
    with style():
        figure = Figure(figsize=(min(WIDTH, 4.4 * len(curves)), 4.6))
        panels = figure.subplots(2, len(curves), sharex=True, sharey="row", height_ratios=(3, 1), squeeze=False)
        for above, below, (name, curve) in zip(*panels, curves.items(), strict=True):
            above.plot([0, 1], [0, 1], "--", color=_GREY, label="calibrated")
            above.plot(curve.scores, curve.shares, "-o", color=BLUE, label="measured")
            above.set(title=name, xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
            above.legend(loc="upper left")
            width = 0.6 * np.diff(curve.scores).min() if len(curve.scores) > 1 else 0.06
            below.bar(curve.scores, curve.counts, width=width, color=_GREY)
            below.set(xlabel="score", ylabel="predictions")
        for axes in panels.flat:
            axes.label_outer()
    return figure


def mistakes(
    probabilities: np.ndarray, labels: np.ndarray, class_names: Sequence[str], positions: Sequence[int]
) -> Figure:
    """Plot the three most probable classes of single images as bars, with the true class in orange.

    Args:
        probabilities: `(n, k)` float, 0-1, each row sums to 1.
        labels: `(n,)` int, 0 to k - 1.
        class_names: k names.
        positions: indices of the images to draw, 0 to n - 1.
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
            _draw_guesses(axes, probabilities[position], int(labels[position]), class_names)
            axes.set_title(f"image {position:,}", fontsize=9)
    return figure


def _draw_guesses(axes, row: np.ndarray, truth: int, class_names: Sequence[str]) -> None:
    """Draw the three most probable classes, and the true one if it is not among them."""
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
    """Plot histograms of the scores with the rejection threshold, and the ROC curve over all thresholds.

    Args:
        known: `(n,)` float, 0-1: scores of pictures of known classes.
        others: scores of out-of-distribution pictures by kind, `(m,)` float, 0-1.
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
        left.set(xlabel="score", ylabel="share of pictures", xlim=(0, 1))
        right.set(xlabel="other pictures accepted", ylabel="known pictures accepted", xlim=(-0.02, 1), ylim=(0, 1.02))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=len(others) + 2)
    return figure


def severity_curves(accuracies: Mapping[str, Sequence[float]], *, chance: float) -> Figure:
    """Plot accuracy against the severity of a corruption.

    Args:
        accuracies: by kind of corruption, the accuracies, 0-1, at severity 0 (unchanged), 1, 2, ...
        chance: accuracy of guessing, 0-1.
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
    """Plot images with heat maps below them: bright where the evidence is strongest, dark where there is none.

    Args:
        images: each `(height, width, 3)` uint8.
        heats: by row name, one map per image, each `(height, width)` float, 0-1.
        titles: one per image.
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
    """Plot a confusion matrix in per cent of the true class.

    Args:
        confusion: `(k, k)` counts; rows are true classes, columns are predicted classes.
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
        axes.set(xlabel="predicted", ylabel="true", title="% of the true class")
        axes.grid(visible=False)
        frameless(axes)
    return figure
