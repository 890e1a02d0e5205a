"""Labels slider: how many labelled pictures per class are enough?

    LabelsSlider({"pixels": (train_pixels, test_pixels)}, train=train, test=test, class_names=names)

The static version is `plots.few_shot_curves`.
"""

import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab import plots
from cifar_lab.data.dataset import Split
from cifar_lab.experiments import few_shot
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported

_SHOWN = 10  # pictures shown per class


class LabelsSlider(widgets.VBox):
    """A slider for labels per class, with the accuracy of a nearest-mean classifier and its training pictures.

    Attributes:
        count: the slider.
        others: the button that chooses other pictures.
        chart, sheet, message, alert: the curves, the pictures, the accuracies in words, and errors.
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
        """Create the widget.

        Args:
            views: by name, the features of the train pictures, `(n, features)` float, and of the test pictures,
                `(m, features)` float, as for `few_shot_accuracies`.
            train: the n pictures to choose labelled ones from.
            test: the m pictures to measure accuracy on.
            class_names: one per class.
            counts: the numbers of labels per class to offer.

        Raises:
            ValueError: the features don't match the number of pictures, or a class has fewer than the largest count.
        """
        for name, (train_features, test_features) in views.items():
            if (len(train_features), len(test_features)) != (len(train), len(test)):
                raise ValueError(
                    f"{name!r} has features of {len(train_features)} train and {len(test_features)} test pictures, "
                    f"but there are {len(train)} and {len(test)}."
                )
        self._views, self._train, self._test, self._names = dict(views), train, test, tuple(class_names)
        self._curves = few_shot.few_shot_accuracies(views, train.labels, test.labels, counts=counts)
        self._seed = 0
        self.one_at_a_time = threading.RLock()
        self.count = widgets.SelectionSlider(
            options=list(counts), description="labels per class", style={"description_width": "initial"}
        )
        self.count.layout.width = "min(30em, 100%)"
        self.others = widgets.Button(description="Other pictures")
        self.chart, self.sheet, self.message, self.alert = (widgets.HTML() for _ in range(4))
        super().__init__([widgets.HBox([self.count, self.others]), self.message, self.chart, self.sheet, self.alert])
        self.count.observe(self._show, "value")
        self.others.on_click(self._choose_others)
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """Add a plain-text version, shown where no kernel is running."""
        text = "Labels slider: accuracy against labels per class. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def accuracies(self) -> dict[str, float]:
        """The test accuracy, 0-1, with the pictures shown, by name of the view."""
        chosen, labels = self._chosen, self._train.labels
        predictions = {
            name: few_shot.nearest_mean(train_features[chosen], labels[chosen], test_features)
            for name, (train_features, test_features) in self._views.items()
        }
        return {name: float(np.mean(predicted == self._test.labels)) for name, predicted in predictions.items()}

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
        words = f"Accuracy with {count} {noun} per class ({len(chosen)} in total): {rates}."
        self.message.value = tags.status(words)
        chart = plots.few_shot_curves(self._curves, chance=1 / len(self._names), marked=count)
        self.chart.value = tags.figure_tag(chart, f"Accuracy against labels per class, with a line at {count}. {words}")
        shown = self._train.take(chosen)
        sheet = plots.contact_sheet(shown.images, shown.labels, self._names, per_class=min(count, _SHOWN))
        self.sheet.value = tags.figure_tag(sheet, f"The training pictures, up to {_SHOWN} per class.")
        self.alert.value = ""
