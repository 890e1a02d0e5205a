"""The labels slider: how many labelled pictures of each class are enough?

LabelsSlider({"pixels": (known, asked)}, train=train, test=test, class_names=names)   # in a notebook
`few_labels.chart` is its still figure.
"""

import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab import plots
from cifar_lab.data.dataset import Split
from cifar_lab.experiments import few_shot
from cifar_lab.lessons.widgets import drawn, tags
from cifar_lab.lessons.widgets.report_errors import reported

_SHOWN = 10  # of each class; more would be a carpet


class LabelsSlider(widgets.VBox):
    """A slider over labels a class, with what a nearest-mean classifier makes of them, and the pictures it learns from.

    Attributes:
        count: the slider.
        others: the button that chooses other pictures.
        chart, sheet, message, alert: the curves, the pictures, the accuracies in words, and what went wrong.
    """

    def __init__(
        self,
        views: Mapping[str, tuple[np.ndarray, np.ndarray]],
        *,
        train: Split,
        test: Split,
        class_names: Sequence[str],
        counts: Sequence[int] = (1, 2, 5, 10, 20, 50),
    ):
        """Make a slider.

        Args:
            views: for each name what is known of the train pictures, `(n, numbers)` float, and of the test pictures,
                `(m, numbers)` float, as for `few_labels.curves`.
            train: the pictures to choose from.
            test: the pictures to be right about.
            class_names: one for each class.
            counts: where the slider can stand.

        Raises:
            ValueError: the views are not of as many pictures, or a class has fewer than the largest count.
        """
        for name, (known, asked) in views.items():
            if (len(known), len(asked)) != (len(train), len(test)):
                raise ValueError(
                    f"{name!r} knows of {len(known)} and {len(asked)} pictures; there are {len(train)} and {len(test)}."
                )
        self._views, self._train, self._test, self._names = dict(views), train, test, tuple(class_names)
        self._curves = few_shot.few_shot_accuracies(views, train.labels, test.labels, counts=counts)
        self._seed = 0
        self.one_at_a_time = threading.RLock()
        self.count = widgets.SelectionSlider(
            options=list(counts), description="labels a class", style={"description_width": "initial"}
        )
        self.count.layout.width = "min(30em, 100%)"
        self.others = widgets.Button(description="Other pictures")
        self.chart, self.sheet, self.message, self.alert = (widgets.HTML() for _ in range(4))
        super().__init__([widgets.HBox([self.count, self.others]), self.message, self.chart, self.sheet, self.alert])
        self.count.observe(self._show, "value")
        self.others.on_click(self._choose_others)
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """As text: what those see who have no kernel running."""
        text = "Labels slider: how much is right after so many labels. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def accuracies(self) -> dict[str, float]:
        """How much is right, 0-1, with the pictures that are shown, by the name of the view."""
        chosen, labels = self._chosen, self._train.labels
        answers = {
            name: few_shot.nearest_mean(known[chosen], labels[chosen], asked)
            for name, (known, asked) in self._views.items()
        }
        return {name: float(np.mean(answer == self._test.labels)) for name, answer in answers.items()}

    @property
    def _chosen(self) -> np.ndarray:
        return few_shot.choose_labelled(self._train.labels, self.count.value, seed=self._seed)

    def _choose_others(self, _button) -> None:
        self._seed += 1
        self._show()

    @reported
    def _show(self, _change=None) -> None:
        count, chosen = self.count.value, self._chosen
        rates = ", ".join(f"{name} {accuracy:.0%}" for name, accuracy in self.accuracies.items())
        noun = "label" if count == 1 else "labels"
        words = f"With {count} {noun} a class, {len(chosen)} in all, this much is right: {rates}."
        self.message.value = tags.status(words)
        chart = plots.few_shot_curves(self._curves, chance=1 / len(self._names), marked=count)
        self.chart.value = drawn.as_img(chart, f"Accuracy against labels a class, with a line at {count}. {words}")
        shown = self._train.take(chosen)
        sheet = plots.contact_sheet(shown.images, shown.labels, self._names, per_class=min(count, _SHOWN))
        self.sheet.value = drawn.as_img(sheet, f"The pictures that it learnt from, up to {_SHOWN} of each class.")
        self.alert.value = ""
