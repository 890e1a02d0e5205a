"""The upload classifier: your own pictures, what the network says, what it saw, and why.

UploadClassifier()       # in a notebook, as the last line of a cell
classify("my.jpg")       # the same for one file, where widgets don't show
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
    f"{formats.IN_WORDS}, up to {images.MAX_BYTES // 2**20} MiB each, 100 MiB at once. A Jupyter that was not "
    "started by <code>make lab</code> takes 10 MB at once, and says nothing when more is lost."
)
_DRAWING = 92  # pixels a side, of the drawings on their buttons


def classify(source: images.Source, *, model: str | None = None) -> None:
    """Print what a classifier says of one picture, and show it beside what the network saw.

    Args:
        source: a path, bytes, a file, a PIL image or an array.
        model: a classifier's name or folder; the best shipped one when not given.

    Raises:
        PictureError: the picture can't be used; the sentence says why.
        ValueError: there is no such classifier.
    """
    prediction = Classifier.load(model or model_card.default_classifier()).predict(source)
    name = display.safe_name(str(source)) if isinstance(source, str | Path) else "the picture"
    print(f"{name}: {prediction_view.describe_prediction(prediction)}")
    plots.show(plots.prediction_bars(prediction), "What the network saw of the picture, and its best guesses as bars.")


class UploadClassifier(widgets.VBox):
    """Buttons to choose pictures, and what a classifier says of each.

    Nothing that is uploaded is written to disk or stored in the notebook.

    Attributes:
        answers: what was said of each picture, in the order they came.
        upload, samples, model, clear: choose files, try a drawing, choose a classifier, start anew.
        progress, status, alert: how far it is, what happened, what went wrong.
        results: the pictures with their answers.
        order, table: the answers as a table, from two pictures on.
        closer: one picture at a time: another cut, and what speaks for the answer.
    """

    def __init__(self, model: str | None = None):
        """Make one.

        Args:
            model: the classifier to begin with; the best shipped one when not given.

        Raises:
            ValueError: there is no classifier of that name that can be loaded.
        """
        self.one_at_a_time = threading.RLock()  # JupyterLab may hand two events to two threads
        self._classifiers, left_out = load_classifiers()
        model = model or next(
            (name for name in (model_card.default_classifier(), *self._classifiers) if name in self._classifiers), None
        )
        if model not in self._classifiers:
            there = ", ".join(self._classifiers) or "none (cifar-lab train, then cifar-lab export makes one)"
            raise ValueError(f"No classifier {model!r} can be loaded. Classifiers here: {there}.")
        self.answers: list[prediction_view.PictureResult] = []
        self._make_controls(model)
        self.alert.value = tags.alert(left_out)
        self._say("No picture yet: choose some, or try a drawing.")
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

    def __repr__(self) -> str:  # what stands in a stored notebook, where nothing runs
        return "Upload classifier: choose pictures, see what the network says and why. Run this cell to use it."

    def _make_controls(self, model: str) -> None:
        self.upload = widgets.FileUpload(
            accept=",".join(formats.ENDINGS), multiple=True, description="choose pictures", layout={"width": "12em"}
        )
        self.model = widgets.Dropdown(options=list(self._classifiers), value=model, description="classifier")
        self.clear = widgets.Button(description="clear all", tooltip="Forget every picture", disabled=True)
        self.samples = [
            widgets.Button(
                description=name,
                tooltip=f"Try a drawing of a {name}",
                layout={"width": f"{_DRAWING}px", "padding": "0"},
            )
            for name in sketches.CLASS_NAMES
        ]
        self.progress = widgets.IntProgress(description="looking", layout={"display": "none"})
        self.status, self.alert, self.results = widgets.HTML(), widgets.HTML(), widgets.VBox()
        self.order = widgets.ToggleButtons(options=prediction_view.ORDERS, description="sort by")
        self.table = widgets.HTML()
        self._many = widgets.VBox([self.order, self.table], layout={"display": "none"})
        self.closer = CloserLook(self._classifiers)
        self.upload.observe(self._take_files, "value")
        self.model.observe(self._show_all, "value")
        self.order.observe(self._show_table, "value")
        self.clear.on_click(self._forget)
        for button in self.samples:
            button.on_click(self._take_sample)

    @reported
    def _take_files(self, change) -> None:
        files = [(file["name"], bytes(file["content"])) for file in change["new"]]
        if files:  # else it was emptied, by the next line
            self.upload.value = ()  # the same file chosen again would not be noticed, and the bytes would stay
            self.take(files)

    @reported
    def _take_sample(self, button) -> None:
        name = button.description
        self.take([(f"drawing of a {name}", sketches.sample_pictures()[name])])

    def take(self, files: Sequence[tuple[str, images.Source]]) -> None:
        """Look at pictures, given as (name, source); those that can't be used are named beside the others' answers."""
        faults, cards = [], []
        self.progress.max, self.progress.value = len(files), 0
        self.progress.layout.display = "flex" if len(files) > 1 else "none"
        for number, (name, source) in enumerate(files, start=1):
            try:
                answer = prediction_view.predict_picture(name, source, self._classifiers)
                cards.append(widgets.HTML(prediction_view.card(answer, self.model.value)))
                self.answers.append(answer)
            except images.PictureError as error:
                faults.append(f"{display.safe_name(name)}: {error}")
            except Exception as error:  # one bad file must not cost the others' answers
                faults.append(f"{display.safe_name(name)}: it failed here ({type(error).__name__}): {error}")
            self.progress.value = number
        self.progress.layout.display = "none"
        self.results.children += tuple(cards)
        self.alert.value = tags.alert(faults)
        latest = f" {self._latest()}" if len(cards) == 1 else ""
        unread = f", {len(faults)} could not be used" if faults else ""
        self._say(f"{len(cards)} of {len(files)} answered{unread}.{latest}")
        self._refresh()

    def _latest(self) -> str:
        answer = self.answers[-1]
        return f"{answer.name}: {prediction_view.describe_prediction(answer.predictions[self.model.value])}."

    @reported
    def _show_all(self, _change) -> None:
        """Show what the chosen classifier said: every one of them was asked when the picture came."""
        for box, answer in zip(self.results.children, self.answers, strict=True):
            box.value = prediction_view.card(answer, self.model.value)
        self._say(f"Answers of {self.model.value}.")
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
    def _forget(self, _button) -> None:
        self.answers.clear()
        for box in self.results.children:
            box.close()
        self.results.children = ()
        self.alert.value = ""
        self._say("All forgotten.")
        self._refresh()

    def _say(self, text: str) -> None:
        self.status.value = tags.status(text)
