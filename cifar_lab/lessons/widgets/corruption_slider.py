"""Corruption slider: how the prediction changes as a picture gets worse.

CorruptionSlider(classifier, {"ship": image})   # in a notebook, as the last line of a cell
corruption_still(classifier, image)             # static figure: every kind at three severities
"""

import html
import threading
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

from cifar_lab import images, plots
from cifar_lab.images import corruption
from cifar_lab.inference.classifier import Classifier
from cifar_lab.lessons.widgets import tags
from cifar_lab.lessons.widgets.report_errors import reported

_SHOWN = 224  # side on the screen, in pixels
_GUESSES = 3
_STILL = (1, 3, 5)  # severities


def corruption_still(classifier: Classifier, picture: images.Source) -> Figure:
    """Plot a picture with every kind of corruption at three severities, and the top prediction for each.

    Args:
        classifier: the classifier to predict with.
        picture: anything that `images.open_picture` takes.

    Raises:
        PictureError: the picture can't be used.
    """
    image = classifier.see(picture)
    steps = [(kind, severity) for kind in corruption.KINDS for severity in (0, *_STILL)]
    shown = np.concatenate([corruption.corrupt(image[None], kind, severity) for kind, severity in steps])
    titles = []
    for (kind, severity), row in zip(steps, classifier.probabilities(shown), strict=True):
        best = f"{classifier.class_names[row.argmax()]} {row.max():.0%}"
        titles.append(f"{f'{kind} {severity}' if severity else 'original'}\n{best}")
    return plots.picture_grid(shown, titles=titles, columns=1 + len(_STILL))


class CorruptionSlider(widgets.VBox):
    """A picture, a slider for the severity of a corruption, and the predictions before and after.

    Attributes:
        picture, kind: the menus.
        severity: the slider, 0 (unchanged) to 5.
        view, message, alert: both images with their top predictions, a summary, and errors.
    """

    def __init__(self, classifier: Classifier, pictures: Mapping[str, images.Source]):
        """Create the widget, initially with noise of severity 0.

        Args:
            classifier: the classifier to predict with.
            pictures: the pictures to choose from, by name; anything that `images.open_picture` takes.

        Raises:
            PictureError: a picture can't be used.
            ValueError: `pictures` is empty.
        """
        if not pictures:
            raise ValueError('Pass at least one picture: CorruptionSlider(classifier, {"ship": image}).')
        self._classifier = classifier
        self._images = {name: classifier.see(picture) for name, picture in pictures.items()}
        self.one_at_a_time = threading.RLock()
        look = {"style": {"description_width": "5em"}, "layout": {"width": "22em"}}
        self.picture = widgets.Dropdown(options=list(self._images), description="picture", **look)
        self.kind = widgets.Dropdown(options=list(corruption.KINDS), description="kind", **look)
        self.severity = widgets.IntSlider(0, min=0, max=5, description="severity", **look)
        self.view, self.message, self.alert = widgets.HTML(), widgets.HTML(), widgets.HTML()
        controls = widgets.VBox([self.picture, self.kind, self.severity, self.message, self.alert])
        super().__init__([widgets.HBox([controls, self.view], layout={"flex_flow": "row wrap"})])
        for control in (self.picture, self.kind, self.severity):
            control.observe(self._show, "value")
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """Add a plain-text version, shown where no kernel is running."""
        text = "Corruption slider: a picture that gets worse and worse. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def corrupted(self) -> np.ndarray:
        """The corrupted image, `(size, size, 3)` uint8, 0-255."""
        return corruption.corrupt(self._images[self.picture.value][None], self.kind.value, self.severity.value)[0]

    @reported
    def _show(self, _change=None) -> None:
        before, after = self._images[self.picture.value], self.corrupted
        rows = self._classifier.probabilities(np.stack([before, after]))
        top = [f"{self._classifier.class_names[row.argmax()]}, {row.max():.0%}" for row in rows]
        change = f"{self.kind.value}, severity {self.severity.value}"
        self.message.value = tags.status(f"Original: {top[0]}. With {change}: {top[1]}.")
        halves = ((before, "original", rows[0]), (after, change, rows[1]))
        self.view.value = (
            f'<div style="display: flex; flex-wrap: wrap; gap: 16px">{"".join(map(self._half, halves))}</div>'
        )

    def _half(self, half: tuple[np.ndarray, str, np.ndarray]) -> str:
        """Return the HTML of an image, its caption and its top predictions as bars."""
        image, change, row = half
        picture = tags.img(image, f"{self.picture.value}, {change}", width=_SHOWN, pixelated=True)
        bars = [_bar(self._classifier.class_names[i], row[i]) for i in np.argsort(-row, kind="stable")[:_GUESSES]]
        caption = f"<figcaption>{html.escape(change)}{''.join(bars)}</figcaption>"
        return f'<figure style="margin: 0; width: {_SHOWN}px">{picture}{caption}</figure>'


def _bar(name: str, score: float) -> str:
    colours = f"color: black; background: linear-gradient(to right, #8CCBF0 {score:.1%}, #EEEEEE {score:.1%})"
    return f'<div style="{colours}; padding: 0 4px; margin: 1px 0">{html.escape(name)} {score:.0%}</div>'
