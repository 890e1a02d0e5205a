"""Threshold slider: below which score should a classifier say "none of these"?

    ThresholdSlider(known, {"digits": scores}, threshold=0.5)

The static version is `plots.score_histograms`.
"""

import threading
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from cifar_lab import plots
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported


class ThresholdSlider(widgets.VBox):
    """A slider for the rejection threshold, with the shares of known and other pictures that it accepts.

    Attributes:
        threshold: the slider; a score below it means "none of these".
        view, message, alert: the figure, the shares in words, and errors.
    """

    def __init__(self, known: np.ndarray, others: Mapping[str, np.ndarray], *, threshold: float = 0.5):
        """Create the widget.

        Args:
            known: `(n,)` float, 0-1: scores of pictures of known classes.
            others: scores of out-of-distribution pictures by kind, `(m,)` float, 0-1.
            threshold: initial threshold, 0-1.

        Raises:
            ValueError: a kind has no scores, or a score or the threshold is not between 0 and 1.
        """
        for name, scores in {"known": known, **others, "threshold": [threshold]}.items():
            if len(scores) == 0 or not (np.min(scores) >= 0 and np.max(scores) <= 1):
                raise ValueError(f"Every kind needs at least one score, all from 0 to 1; {name!r} is wrong.")
        if not others:
            raise ValueError("Pass the scores of other pictures too, for example {'digits': scores}.")
        self._known, self._others = known, dict(others)
        self.one_at_a_time = threading.RLock()
        self.threshold = widgets.FloatSlider(
            threshold, min=0, max=1, step=0.01, description="threshold", layout={"width": "min(30em, 100%)"}
        )
        self.view, self.message, self.alert = widgets.HTML(), widgets.HTML(), widgets.HTML()
        super().__init__([self.threshold, self.message, self.view, self.alert])
        self.threshold.observe(self._show, "value")
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """Add a plain-text version, shown where no kernel is running."""
        text = "Threshold slider: the shares that it accepts and rejects. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def shares(self) -> dict[str, float]:
        """The share accepted at this threshold, 0-1, of the known pictures ("known") and of each other kind."""
        scores = {"known": self._known, **self._others}
        return {name: float(np.mean(found >= self.threshold.value)) for name, found in scores.items()}

    @reported
    def _show(self, _change=None) -> None:
        accepted, *others_accepted = self.shares.values()
        shares = zip(self._others, others_accepted, strict=True)
        rejected = ", ".join(f"{name} {1 - share:.0%}" for name, share in shares)
        threshold = self.threshold.value
        words = f"At {threshold:.2f}, {accepted:.0%} of the known pictures are accepted. Rejected: {rejected}."
        self.message.value = tags.status(words)
        figure = plots.score_histograms(self._known, self._others, threshold)
        self.view.value = tags.figure_tag(figure, f"Histogram of the scores and ROC curve. {words}")
