"""The time budget: how accurate can it get in so many minutes, on this machine?

TimeBudget(offers, slowness=1.4)   # in a notebook; `plots.accuracy_within_minutes` is its still figure
"""

import html
import math
import threading
from collections.abc import Sequence

import ipywidgets as widgets

from cifar_lab import plots
from cifar_lab.experiments import budget
from cifar_lab.experiments.budget import Offer
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported


class TimeBudget(widgets.VBox):
    """A slider over minutes, with the most accurate recipe that fits into them, and the line that trains it.

    Attributes:
        minutes: the slider.
        view, message, code, alert: the chart, the choice in words and as code, and what went wrong.
    """

    def __init__(self, offers: Sequence[Offer], *, slowness: float = 1.0, minutes: float = 5.0):
        """Make a slider.

        Args:
            offers: from `cifar_lab.experiments.budget.budget_offers`.
            slowness: how many times as long everything takes here, from
                `cifar_lab.experiments.budget.machine_slowness`.
            minutes: where to begin.

        Raises:
            ValueError: there are no offers, or slowness or minutes are not above 0.
        """
        if not offers or slowness <= 0 or minutes <= 0:
            raise ValueError(
                f"A time budget needs offers, and slowness and minutes above 0, not {len(offers)} offers, {slowness} "
                f"and {minutes}."
            )
        self._offers, self._slowness = list(offers), slowness
        self.one_at_a_time = threading.RLock()
        times = [offer.minutes * slowness for offer in offers]
        low, high = math.log10(min(times)) + 0.01, math.log10(max(2 * max(times), minutes))
        begin = min(max(minutes, 10**low), 10**high)
        look = {"readout_format": ".1f", "layout": {"width": "min(30em, 100%)"}}
        self.minutes = widgets.FloatLogSlider(begin, min=low, max=high, step=0.02, description="minutes", **look)
        self.view, self.message = widgets.HTML(), widgets.HTML()
        self.code, self.alert = widgets.HTML(), widgets.HTML()
        super().__init__([self.minutes, self.message, self.code, self.view, self.alert])
        self.minutes.observe(self._show, "value")
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """As text: what those see who have no kernel running."""
        text = "Time budget: a slider over minutes, and what they buy. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def choice(self) -> Offer:
        """The most accurate offer that fits."""
        return budget.best_offer(self._offers, minutes=self.minutes.value, slowness=self._slowness)

    @reported
    def _show(self, _change=None) -> None:
        chosen = self.choice
        self.message.value = tags.status(f"Within {self.minutes.value:.1f} minutes: {chosen.sentence()}.")
        line = f'training.train(dataset, "{chosen.recipe}", epochs={chosen.epochs})'
        self.code.value = f"<code>{html.escape(line)}</code>"
        options = {"minutes": self.minutes.value, "slowness": self._slowness}
        figure, words = (
            plots.accuracy_within_minutes(self._offers, **options),
            plots.describe_budget(self._offers, **options),
        )
        self.view.value = tags.figure_tag(figure, words)
