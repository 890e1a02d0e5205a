"""A closer look at one picture: crop it differently, or explain the prediction with Grad-CAM."""

import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
from PIL import ImageDraw

from cifar_lab.inference.classifier import Classifier, Prediction
from cifar_lab.lessons.widgets import prediction_view, tags
from cifar_lab.lessons.widgets.report_errors import reported

_WIDE = {"layout": {"width": "28em"}, "style": {"description_width": "9em"}}
_SHOWN = 256  # pixels on the screen
_WHOLE = (100, 50, 50)  # initial values of the sliders: the crop the classifier itself makes


class CloserLook(widgets.VBox):
    """A menu of the pictures, three sliders for a square crop, and a button for Grad-CAM.

    Attributes:
        picture: the menu.
        share, across, down: the crop's side in % of the picture's shorter side, and its position in %, 0 to 100.
        why: the button that runs Grad-CAM.
        prediction: the prediction shown; `None` if there is no picture.
    """

    def __init__(self, classifiers: Mapping[str, Classifier]):
        """Create the widget without pictures; `classifiers` are given by name."""
        self.one_at_a_time = threading.RLock()
        self._classifiers, self._networks = classifiers, {}
        self._results: list[prediction_view.PictureResult] = []
        self._model = ""
        self._is_setting = False
        self.prediction: Prediction | None = None
        self.picture = widgets.Dropdown(description="a closer look at", **_WIDE)
        self.share = widgets.IntSlider(100, min=20, max=100, step=5, description="part shown (%)", **_WIDE)
        self.across = widgets.IntSlider(50, min=0, max=100, step=5, description="left to right (%)", **_WIDE)
        self.down = widgets.IntSlider(50, min=0, max=100, step=5, description="top to bottom (%)", **_WIDE)
        self.why = widgets.Button(
            description="why? (Grad-CAM)", tooltip="Show which parts support the prediction", layout={"width": "12em"}
        )
        self.view, self.alert = widgets.HTML(), widgets.HTML()
        controls = widgets.VBox([self.picture, *self._sliders, self.why, self.alert])
        super().__init__([widgets.HBox([controls, self.view], layout={"flex_flow": "row wrap"})])
        self.layout.display = "none"
        self.picture.observe(self._start, "value")
        for slider in self._sliders:
            slider.observe(self._cut, "value")
        self.why.on_click(self._explain)

    @property
    def _sliders(self) -> tuple:
        return self.share, self.across, self.down

    @property
    def _result(self) -> prediction_view.PictureResult:
        return self._results[self.picture.value]

    @property
    def _box(self) -> tuple[int, int, int, int]:
        """The chosen crop as left, top, right, bottom, in pixels of the small picture."""
        width, height = self._result.picture.size
        share, across, down = (slider.value / 100 for slider in self._sliders)
        side = max(1, round(share * min(width, height)))
        left, top = round((width - side) * across), round((height - side) * down)
        return left, top, left + side, top + side

    def offer(self, found: Sequence[prediction_view.PictureResult], model: str) -> None:
        """Set the pictures and the classifier's name; select the last picture if their number has changed."""
        is_new = len(found) != len(self._results)
        self._results, self._model = list(found), model
        self.layout.display = "flex" if found else "none"
        if is_new:
            self._is_setting = True
            self.picture.options = [(f"{index + 1}. {result.name}", index) for index, result in enumerate(found)]
            self.picture.value = len(found) - 1 if found else None
            self._is_setting = False
        self._start()

    @reported
    def _start(self, _change) -> None:
        """Reset the sliders to the crop that the classifier itself makes."""
        if self._is_setting:
            return
        self._is_setting = True
        for slider, value in zip(self._sliders, _WHOLE, strict=True):
            slider.value = value
        self._is_setting = False
        self._cut()

    @reported
    def _cut(self, _change) -> None:
        if self._is_setting:
            return
        self.alert.value = ""
        if self.picture.value is None:
            self.prediction, self.view.value = None, ""
            return
        if tuple(slider.value for slider in self._sliders) == _WHOLE:
            self.prediction = self._result.predictions[self._model]  # made from the original picture
        else:
            self.prediction = self._classifiers[self._model].predict(self._result.picture.crop(self._box))
        self._show(self.prediction.image, "as the network sees it")

    @reported
    def _explain(self, _button) -> None:
        from cifar_lab import explain, models  # here, since importing Keras takes seconds

        if self._model not in self._networks:
            self.alert.value = tags.status("Loading Keras for Grad-CAM. The first time, this takes a few seconds.")
            self._networks[self._model] = models.load_network(self._classifiers[self._model].card.folder)
        self.alert.value = ""
        heat = explain.grad_cam(self._networks[self._model], self.prediction.image, class_index=self.prediction.index)
        self._show(apply_heat(self.prediction.image, heat), f"bright: evidence for {self.prediction.label}")

    def _show(self, image: np.ndarray, words: str) -> None:
        name, framed = self._result.name, self._result.picture
        ImageDraw.Draw(framed).rectangle(self._box, outline="#D55E00", width=max(2, max(framed.size) // 100))
        whole = tags.img(framed, f"{name}, with a frame around the crop", width=_SHOWN)
        seen = tags.img(image, f"{name}, {words}", width=_SHOWN, pixelated=True)
        self.view.value = (
            f'<div style="display: flex; flex-wrap: wrap; gap: 16px; align-items: flex-start">{whole}'
            f'<figure style="margin: 0">{seen}<figcaption>{words}</figcaption></figure>'
            f"{prediction_view.bars(self.prediction)}</div>{tags.status(prediction_view.describe_prediction(self.prediction))}"
        )


def apply_heat(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Darken an image where `heat` is low, down to 15 % of its brightness where it is 0.

    Args:
        image: `(height, width, 3)` uint8, 0-255.
        heat: `(height, width)` float, 0-1.

    Returns:
        `(height, width, 3)` uint8, 0-255.
    """
    return np.rint(image * (0.15 + 0.85 * heat[:, :, None])).astype(np.uint8)
