"""Upload classifier: predictions for your own pictures, what the network saw, and Grad-CAM.

UploadClassifier()       # in a notebook, as the last line of a cell
classify("my.jpg")       # a single file, without a widget
"""

import threading
from collections.abc import Sequence
from pathlib import Path

import ipywidgets as widgets

from cifar_lab import images, plots
from cifar_lab.data import sketches
from cifar_lab.images import display, formats
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier, load_classifiers
from cifar_lab.lessons.widgets import prediction_view, tags
from cifar_lab.lessons.widgets.closer_look import CloserLook
from cifar_lab.lessons.widgets.report_errors import reported

_LIMIT = (
    f"{formats.IN_WORDS}, up to {images.MAX_BYTES // 2**20} MiB each, 100 MiB at once. Unless started with "
    "<code>make lab</code>, Jupyter takes 10 MB at once and drops larger uploads without a message."
)
_DRAWING = 92  # side of the sample drawings, in pixels


def classify(source: images.Source, *, model: str | None = None) -> None:
    """Print the prediction for one picture, and show what the network saw with the most probable classes.

    Args:
        source: a path, bytes, a file, a PIL image or an array.
        model: name or folder of a classifier; the default classifier if not given.

    Raises:
        PictureError: the picture can't be used; the message says why.
        ValueError: no classifier has that name.
    """
    prediction = Classifier.load(model or model_card.default_classifier()).predict(source)
    name = display.safe_name(str(source)) if isinstance(source, str | Path) else "the picture"
    print(f"{name}: {prediction_view.describe_prediction(prediction)}")
    plots.show(plots.prediction_bars(prediction), "What the network saw, and its most probable classes as bars.")


class UploadClassifier(widgets.VBox):
    """Buttons to upload pictures, and a classifier's prediction for each.

    Uploads are never written to disk or stored in the notebook.

    Attributes:
        answers: the results, in the order of upload.
        upload, samples, model, clear: choose files, try a drawing, choose a classifier, remove all pictures.
        progress, status, alert: progress bar, status line and errors.
        results: the pictures with their predictions.
        order, table: the results as a table, shown for two pictures or more.
        closer: one picture in detail: another crop, and Grad-CAM.
    """

    def __init__(self, model: str | None = None):
        """Create the widget.

        Args:
            model: the classifier selected at first; the default classifier if not given.

        Raises:
            ValueError: no classifier of that name can be loaded.
        """
        self.one_at_a_time = threading.RLock()  # JupyterLab may handle two events in two threads
        self._classifiers, left_out = load_classifiers()
        model = model or next(
            (name for name in (model_card.default_classifier(), *self._classifiers) if name in self._classifiers), None
        )
        if model not in self._classifiers:
            available = ", ".join(self._classifiers) or "none (make one with cifar-lab train and cifar-lab export)"
            raise ValueError(f"The classifier {model!r} cannot be loaded. Available classifiers: {available}.")
        self.answers: list[prediction_view.PictureResult] = []
        self._make_controls(model)
        self.alert.value = tags.alert(left_out)
        self._set_status("No pictures yet: choose some, or try a drawing.")
        pictures = sketches.sample_pictures(_DRAWING)
        drawings = [
            widgets.VBox([widgets.HTML(tags.img(pictures[button.description], "", width=_DRAWING)), button])
            for button in self.samples
        ]
        row = widgets.HBox(drawings, layout={"flex_flow": "row wrap", "align_items": "flex-end"})
        super().__init__(
            [
                widgets.HBox([self.upload, self.model, self.clear], layout={"flex_flow": "row wrap"}),
                widgets.HTML(f"<small>{_LIMIT}</small>"),
                widgets.HTML("No picture at hand? Try a drawing:"),
                row,
                self.progress,
                self.status,
                self.alert,
                self.results,
                self._many,
                self.closer,
            ]
        )

    def __repr__(self) -> str:  # shown in a stored notebook
        return "Upload classifier: predictions for your own pictures, and why. Run this cell to use it."

    def _make_controls(self, model: str) -> None:
        self.upload = widgets.FileUpload(
            accept=",".join(formats.EXTENSIONS), multiple=True, description="choose pictures", layout={"width": "12em"}
        )
        self.model = widgets.Dropdown(options=list(self._classifiers), value=model, description="classifier")
        self.clear = widgets.Button(description="clear all", tooltip="Remove all pictures", disabled=True)
        self.samples = [
            widgets.Button(
                description=name,
                tooltip=f"Try a drawing of a {name}",
                layout={"width": f"{_DRAWING}px", "padding": "0"},
            )
            for name in sketches.CLASS_NAMES
        ]
        self.progress = widgets.IntProgress(description="classifying", layout={"display": "none"})
        self.status, self.alert, self.results = widgets.HTML(), widgets.HTML(), widgets.VBox()
        self.order = widgets.ToggleButtons(options=prediction_view.ORDERS, description="sort by")
        self.table = widgets.HTML()
        self._many = widgets.VBox([self.order, self.table], layout={"display": "none"})
        self.closer = CloserLook(self._classifiers)
        self.upload.observe(self._take_files, "value")
        self.model.observe(self._show_all, "value")
        self.order.observe(self._show_table, "value")
        self.clear.on_click(self._remove_all)
        for button in self.samples:
            button.on_click(self._take_sample)

    @reported
    def _take_files(self, change) -> None:
        files = [(file["name"], bytes(file["content"])) for file in change["new"]]
        if files:  # else the next line has just emptied it
            self.upload.value = ()  # so that the same file can be chosen again, and its bytes are freed
            self.take(files)

    @reported
    def _take_sample(self, button) -> None:
        name = button.description
        self.take([(f"drawing of a {name}", sketches.sample_pictures()[name])])

    def take(self, files: Sequence[tuple[str, images.Source]]) -> None:
        """Classify pictures, given as (name, source), and show an error for each that can't be used."""
        errors, cards = [], []
        self.progress.max, self.progress.value = len(files), 0
        self.progress.layout.display = "flex" if len(files) > 1 else "none"
        for number, (name, source) in enumerate(files, start=1):
            try:
                result = prediction_view.predict_picture(name, source, self._classifiers)
                cards.append(widgets.HTML(prediction_view.card(result, self.model.value)))
                self.answers.append(result)
            except images.PictureError as error:
                errors.append(f"{display.safe_name(name)}: {error}")
            except Exception as error:  # one bad file must not stop the others
                errors.append(f"{display.safe_name(name)}: unexpected error ({type(error).__name__}): {error}")
            self.progress.value = number
        self.progress.layout.display = "none"
        self.results.children += tuple(cards)
        self.alert.value = tags.alert(errors)
        latest = f" {self._latest()}" if len(cards) == 1 else ""
        unused = f", {len(errors)} could not be used" if errors else ""
        self._set_status(f"{len(cards)} of {len(files)} classified{unused}.{latest}")
        self._refresh()

    def _latest(self) -> str:
        result = self.answers[-1]
        return f"{result.name}: {prediction_view.describe_prediction(result.predictions[self.model.value])}."

    @reported
    def _show_all(self, _change) -> None:
        """Show the predictions of the chosen classifier, which were made at upload."""
        for box, result in zip(self.results.children, self.answers, strict=True):
            box.value = prediction_view.card(result, self.model.value)
        self._set_status(f"Predictions of {self.model.value}.")
        self._refresh()

    @reported
    def _show_table(self, _change) -> None:
        self._refresh()

    def _refresh(self) -> None:
        self.clear.disabled = not self.answers
        self._many.layout.display = "flex" if len(self.answers) > 1 else "none"
        in_order = prediction_view.in_order(self.answers, self.model.value, self.order.value)
        rows = prediction_view.table(in_order, self.model.value) + prediction_view.csv_link(in_order, self.model.value)
        self.table.value = rows if len(self.answers) > 1 else ""
        self.closer.offer(self.answers, self.model.value)

    @reported
    def _remove_all(self, _button) -> None:
        self.answers.clear()
        for box in self.results.children:
            box.close()
        self.results.children = ()
        self.alert.value = ""
        self._set_status("All pictures removed.")
        self._refresh()

    def _set_status(self, text: str) -> None:
        self.status.value = tags.status(text)
