"""Interactive confusion matrix: click a cell to see the images counted in it.

ConfusionMatrix(probabilities, labels, class_names, images=images)   # in a notebook, as the last line of a cell
"""

import functools
import html
import threading

import ipywidgets as widgets
import numpy as np
from matplotlib import colormaps, colors

from cifar_lab import evaluation
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported

ANY = "any class"
_MOST = 12  # images shown at once
_SHOWN = 96  # side on the screen, in pixels


class ConfusionMatrix(widgets.VBox):
    """A button per cell of the confusion matrix, two menus that do the same, and the images of the chosen cell.

    The menus also offer "any class": all mistakes on cats, or all mistakes.

    Attributes:
        cells: the buttons, row by row; rows are true classes, columns predicted classes.
        truth, answer: the menus for the true and the predicted class.
        view, message, alert: the images or their probabilities, a summary, and errors.
    """

    def __init__(self, probabilities: np.ndarray, labels: np.ndarray, class_names, *, images: np.ndarray | None = None):
        """Create the widget, initially with the most frequent mistake.

        Args:
            probabilities: `(n, k)` float, 0-1, each row sums to 1.
            labels: `(n,)` int, 0 to k - 1.
            class_names: k names.
            images: `(n, height, width, 3)` uint8, the classified images; without them, their probabilities are shown.

        Raises:
            ValueError: the shapes don't match, or the arrays are not probabilities, labels and images.
        """
        self.result = evaluation.evaluate(probabilities, labels, class_names)
        if images is not None and (images.shape[:1] != (len(labels),) or images.ndim != 4 or images.dtype != np.uint8):
            found = f"{images.shape} {images.dtype}"
            raise ValueError(f"images must be ({len(labels)}, height, width, 3) uint8, one per label, not {found}.")
        self._probabilities, self._labels, self._images = np.asarray(probabilities), np.asarray(labels), images
        self._predicted, self._names = self._probabilities.argmax(axis=1), tuple(class_names)
        self.one_at_a_time, self._choosing = threading.RLock(), False
        self.cells = [[self._cell(i, j) for j in range(len(self._names))] for i in range(len(self._names))]
        self._make_menus()
        self.view, self.message, self.alert = widgets.HTML(), widgets.HTML(), widgets.HTML()
        right = widgets.VBox([self.truth, self.answer, self.message, self.view], layout={"flex": "1 1 320px"})
        both = widgets.HBox([self._grid(), right], layout={"flex_flow": "row wrap", "align_items": "flex-start"})
        super().__init__([both, self.alert])
        self._choose(*self._most_frequent_mistake())

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """Add a plain-text version, shown where no kernel is running."""
        text = "Confusion matrix: click a cell to see its images. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def positions(self) -> np.ndarray:
        """Indices of the chosen images, int64: mistakes by descending score, right predictions by ascending score."""
        wanted = np.ones(len(self._labels), bool)
        if self.truth.value != ANY:
            wanted &= self._labels == self._names.index(self.truth.value)
        if self.answer.value != ANY:
            wanted &= self._predicted == self._names.index(self.answer.value)
        if ANY in (self.truth.value, self.answer.value):
            wanted &= self._labels != self._predicted
        found = np.flatnonzero(wanted)
        scores = self._probabilities[found].max(axis=1)
        return found[np.argsort(scores if self.truth.value == self.answer.value != ANY else -scores, kind="stable")]

    def _cell(self, i: int, j: int) -> widgets.Button:
        count, share = self.result.confusion[i, j], self.result.confusion[i, j] / max(self.result.classes[i].count, 1)
        cell = widgets.Button(
            description=f"{count:,}" if count else "·",
            tooltip=f"{self._names[i]} predicted as {self._names[j]}: {count:,}",
            tabbable=False,  # a hundred Tab stops are too many: keyboard users have the two menus
            layout={"width": "auto", "height": "30px", "margin": "1px", "padding": "0"},
        )
        darkness = share**0.5  # the square root makes small shares visible
        cell.style.button_color = colors.to_hex(colormaps["Blues"](darkness))
        cell.style.text_color = "white" if darkness > 0.68 else "black"
        cell.on_click(functools.partial(self._clicked, i, j))
        return cell

    def _grid(self) -> widgets.GridBox:
        vertical = "writing-mode: vertical-rl; transform: rotate(180deg)"
        above = [widgets.HTML(f'<span style="{vertical}">{html.escape(name)}</span>') for name in self._names]
        below = []
        for name, row in zip(self._names, self.cells, strict=True):
            below += [widgets.HTML(html.escape(name)), *row]
        corner = widgets.HTML("<small>true ↓<br>predicted →</small>")
        columns = f"6.5em repeat({len(self._names)}, 3.2em)"
        return widgets.GridBox([corner, *above, *below], layout={"grid_template_columns": columns})

    def _make_menus(self) -> None:
        look = {"options": [ANY, *self._names], "style": {"description_width": "6em"}, "layout": {"width": "16em"}}
        self.truth = widgets.Dropdown(description="true class", **look)
        self.answer = widgets.Dropdown(description="predicted", **look)
        for menu in (self.truth, self.answer):
            menu.observe(self._show, "value")

    def _most_frequent_mistake(self) -> tuple[int, int]:
        pairs = self.result.most_confused(1)
        return tuple(self._names.index(name) for name in pairs[0][:2]) if pairs else (0, 0)

    def _clicked(self, i: int, j: int, _button=None) -> None:
        self._choose(i, j)

    def _choose(self, i: int, j: int) -> None:
        with self.one_at_a_time:
            self._choosing = True
            self.truth.value, self.answer.value = self._names[i], self._names[j]
            self._choosing = False
            self._show()

    @reported
    def _show(self, _change=None) -> None:
        if self._choosing:
            return  # show once, after both menus are set
        positions = self.positions
        for (i, j), cell in np.ndenumerate(self.cells):
            chosen = self.truth.value in (self._names[i], ANY) and self.answer.value in (self._names[j], ANY)
            left_out = i == j and ANY in (self.truth.value, self.answer.value)
            cell.layout.border = "2px solid #D55E00" if chosen and not left_out else "2px solid transparent"
        self.message.value = tags.status(self._sentence(len(positions)))
        shown = positions[:_MOST]
        self.view.value = self._pictures(shown) if self._images is not None else self._table(shown)

    def _sentence(self, count: int) -> str:
        truth, answer = self.truth.value, self.answer.value
        if ANY not in (truth, answer):
            total = self.result.classes[self._names.index(truth)].count
            what = f"{count:,} of {total:,} images of class {truth} were predicted as {answer}."
            order = "least" if truth == answer else "most"
        else:
            which = "" if truth == ANY else f" on class {truth}"
            what = f"{count:,} mistakes{which}{'' if answer == ANY else f' predicted as {answer}'}."
            order = "most"
        shown = f"The {_MOST} {order} confident are shown." if count > _MOST else f"The {order} confident come first."
        return what if count < 2 else f"{what} {shown}"

    def _alt_text(self, position: int) -> str:
        truth, answer = self._names[self._labels[position]], self._names[self._predicted[position]]
        return f"test image {position:,}: {truth}, predicted as {answer}, {self._probabilities[position].max():.0%}"

    def _pictures(self, positions: np.ndarray) -> str:
        figures = [
            f'<figure style="margin: 0; width: {_SHOWN}px">'
            f"{tags.img(self._images[i], self._alt_text(i), width=_SHOWN, pixelated=True)}"
            f"<figcaption><small>{html.escape(self._names[self._predicted[i]])} "
            f"{self._probabilities[i].max():.0%}<br>no. {i:,}</small></figcaption></figure>"
            for i in positions
        ]
        style = "display: flex; flex-wrap: wrap; gap: 8px; line-height: 1.3"
        return f'<div style="{style}">{"".join(figures)}</div>'

    def _table(self, positions: np.ndarray) -> str:
        """Return a table of the three most probable classes per image, shown if there are no images."""
        lines = []
        for i in positions:
            best = np.argsort(-self._probabilities[i], kind="stable")[:3]
            guesses = (f"{html.escape(self._names[j])} {self._probabilities[i, j]:.0%}" for j in best)
            cells = "".join(f'<td style="padding: 0 1em 0 0">{cell}</td>' for cell in guesses)
            truth = html.escape(self._names[self._labels[i]])
            lines.append(f'<tr><th scope="row" style="padding-right: 1em">no. {i:,}: {truth}</th>{cells}</tr>')
        head = "<tr><th>test image</th><th>first</th><th>second</th><th>third</th></tr>"
        return f'<table style="text-align: left">{head}{"".join(lines)}</table>' if lines else ""
