"""Curves of training: loss, accuracy and the like over epochs."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from cifar_lab.plots.style import BLUE, LOOKS, VERMILION, WIDTH, style


def compare_curves(
    lines: Mapping[str, Sequence[float]],
    *,
    xlabel: str,
    ylabel: str,
    level: tuple[str, float] | None = None,
    highest: float | None = None,
) -> Figure:
    """Plot one line per network, with x counted from 1.

    Args:
        lines: values by legend entry; up to five lines.
        xlabel: what is counted, such as `"epoch"`.
        ylabel: what is measured.
        level: name and value of a dotted horizontal line, such as `("chance", 0.1)`.
        highest: upper limit of the y axis; larger values are cut off.
    """
    with style():
        figure = Figure(figsize=(WIDTH, 3.6))
        axes = figure.subplots()
        for (name, values), (colour, look) in zip(lines.items(), LOOKS, strict=False):
            every = max(1, len(values) // 10)  # a marker at every value would hide a long line
            axes.plot(range(1, len(values) + 1), values, look, color=colour, label=name, markersize=5, markevery=every)
        if level:
            axes.axhline(level[1], linestyle=":", color="#555555", label=level[0])
        axes.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, highest))
        axes.xaxis.get_major_locator().set_params(integer=True)
        figure.legend(loc="outside right center")
    return figure


def training_curves(history: Sequence[dict]) -> Figure:
    """Plot loss and accuracy over epochs, on the training and the validation split.

    Args:
        history: one dictionary per epoch: epoch, loss, accuracy, validation_loss, validation_accuracy.
    """
    epochs = [row["epoch"] for row in history]
    with style():
        figure = Figure(figsize=(WIDTH, 3.4))
        for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
            for split, prefix, colour, line in (
                ("training", "", BLUE, "-o"),
                ("validation", "validation_", VERMILION, "--s"),
            ):
                values = [row[prefix + quantity] for row in history]
                axes.plot(epochs, values, line, color=colour, label=split, markersize=4)
            axes.set(title=quantity, xlabel="epoch", ylim=(0, 1.02) if quantity == "accuracy" else (0, None))
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.legend()
    return figure
