"""The threshold slider: how sure must a classifier be, so that "none of these" is worth something?

ThresholdSlider(known, {"digits": scores}, threshold=0.5)   # its still figure: `plots.score_histograms`
"""

import threading
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np

from cifar_lab import plots
from cifar_lab.lessons.widgets import drawn, tags
from cifar_lab.lessons.widgets.report_errors import reported


class ThresholdSlider(widgets.VBox):
    """A slider over the scores of known and of other pictures, with what it keeps, refuses and lets through.

    Attributes:
        threshold: the slider; a score below it means "none of these".
        view, message, alert: the chart, the shares in words, and what went wrong.
    """

    def __init__(self, known: np.ndarray, others: Mapping[str, np.ndarray], *, threshold: float = 0.5):
        """Make a slider.

        Args:
            known: `(n,)` float, 0-1: scores for pictures of known classes.
            others: for each kind of other pictures its scores, `(m,)` float, 0-1.
            threshold: where to begin, 0-1.

        Raises:
            ValueError: there are no scores of one kind, or they or the threshold are not from 0 to 1.
        """
        for name, scores in {"known": known, **others, "threshold": [threshold]}.items():
            if len(scores) == 0 or not (np.min(scores) >= 0 and np.max(scores) <= 1):
                raise ValueError(f"The slider needs scores from 0 to 1, at least one of each kind; look at {name!r}.")
        if not others:
            raise ValueError("The slider needs scores of other pictures too: {'digits': scores}.")
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
        """As text: what those see who have no kernel running."""
        text = "Threshold slider: what it keeps and what it refuses. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def shares(self) -> dict[str, float]:
        """What counts as known at this threshold, 0-1: of the known pictures under "known", and of each other kind."""
        scores = {"known": self._known, **self._others}
        return {name: float(np.mean(found >= self.threshold.value)) for name, found in scores.items()}

    @reported
    def _show(self, _change=None) -> None:
        accepted, *fooled = self.shares.values()
        refused = ", ".join(f"{name} {1 - share:.0%}" for name, share in zip(self._others, fooled, strict=True))
        words = f"At {self.threshold.value:.2f}, {accepted:.0%} of the known pictures are accepted. Refused: {refused}."
        self.message.value = tags.status(words)
        figure = plots.score_histograms(self._known, self._others, self.threshold.value)
        self.view.value = drawn.as_img(figure, f"Histogram of the scores and ROC curve. {words}")
