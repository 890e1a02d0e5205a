"""Be the classifier: label small images by hand, then compare your accuracy with that of others.

BeTheClassifier(twenty, dataset.class_names, rivals={"network": its_predictions})    # in a notebook
score("you", 17, 20)                                                                 # a result in words
"""

import html
import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab.data.dataset import Split
from cifar_lab.evaluation import wilson_interval
from cifar_lab.lessons.widgets import tags

# Colour names, which give people who can't see the image something to guess from.
_COLOURS = {
    "black": (20, 20, 20),
    "grey": (128, 128, 128),
    "white": (235, 235, 235),
    "red": (190, 50, 45),
    "orange": (220, 130, 50),
    "yellow": (215, 200, 80),
    "green": (80, 140, 60),
    "blue": (80, 130, 190),
    "violet": (130, 90, 160),
    "brown": (110, 80, 55),
    "beige": (200, 180, 150),
}
_LARGE, _SMALL, _TINY = 224, 64, 40  # side on the screen in pixels: main view, small view, table


def score(name: str, right: int, total: int) -> str:
    """Describe a result: the accuracy, and its 95 % Wilson interval."""
    low, high = wilson_interval(right, total)
    return f"{name}: {right} of {total} right, {right / total:.0%} (95 % interval {low:.0%} to {high:.0%})"


def colours(image: np.ndarray) -> str:
    """Describe an image by the mean colours of its nine parts, row by row.

    Args:
        image: `(height, width, 3)` uint8, 0-255.
    """
    names, values = np.array(list(_COLOURS)), np.array(list(_COLOURS.values()))
    rows = []
    for band in np.array_split(image, 3, axis=0):
        means = np.array([part.mean(axis=(0, 1)) for part in np.array_split(band, 3, axis=1)])  # (3, 3 channels)
        nearest = ((means[:, None] - values) ** 2).sum(axis=2).argmin(axis=1)
        rows.append(", ".join(names[nearest]))
    return "top: {}; middle: {}; bottom: {}".format(*rows)


class BeTheClassifier(widgets.VBox):
    """One image after another with a button per class, and a table of everyone's answers at the end.

    No answer is marked before the end, since the reader would learn from it and the rivals could not.

    Attributes:
        buttons: one per class.
        back: the button that undoes the last answer.
        over: the button that starts over.
        answers: the class names chosen so far.
    """

    def __init__(self, pictures: Split, class_names: Sequence[str], *, rivals: Mapping[str, Sequence[str]]):
        """Create the widget, initially with the first image.

        Args:
            pictures: the images to classify, with their true labels.
            class_names: the name of each label 0, 1, ...
            rivals: by name, a rival's predicted class names, one per image.

        Raises:
            ValueError: there are no images, a label has no class name, or a rival has another number of predictions.
        """
        _check(pictures, class_names, rivals)
        self._images = pictures.images
        self._truth = [class_names[label] for label in pictures.labels]
        self._rivals = {name: list(answers) for name, answers in rivals.items()}
        self._turn = threading.Lock()
        self.answers: list[str] = []
        self.view, self.message, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.buttons = [widgets.Button(description=name) for name in class_names]
        self.back = widgets.Button(description="Back", tooltip="Undo the last answer")
        self.over = widgets.Button(description="Start over", tooltip="Delete all answers")
        for button in self.buttons:
            button.on_click(self._take_answer)
        self.back.on_click(self._take_back)
        self.over.on_click(self._start_over)
        choices = widgets.Box(self.buttons, layout=widgets.Layout(flex_flow="row wrap", max_width="50em"))
        super().__init__([self.message, self.view, choices, widgets.HBox([self.back, self.over]), self.table])
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        text = "Be the classifier: label images by hand. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def done(self) -> bool:
        """Whether all images have an answer."""
        return len(self.answers) == len(self._truth)

    def _take_answer(self, button) -> None:
        with self._turn:  # JupyterLab may handle two clicks in two threads
            if not self.done:
                self.answers.append(button.description)
            self._show()

    def _take_back(self, _button) -> None:
        with self._turn:
            del self.answers[-1:]
            self._show()

    def _start_over(self, _button) -> None:
        with self._turn:
            self.answers.clear()
            self._show()

    def _show(self) -> None:
        for button in self.buttons:
            button.disabled = self.done
        self.back.disabled = not self.answers
        if self.done:
            everyone = {"you": self.answers, **self._rivals}
            self.view.value, message = "", _scores(everyone, self._truth)
            self.table.value = _table(self._images, self._truth, everyone)
        else:
            number, total = len(self.answers) + 1, len(self._truth)
            image = self._images[number - 1]
            self.view.value = _views(image, f"Picture {number} of {total}, {colours(image)}")
            last = f"Your answer: {html.escape(self.answers[-1])}. " if self.answers else ""
            message, self.table.value = f"{last}Picture {number} of {total}: what is it?", ""
        self.message.value = f'<div role="status" aria-live="polite">{message}</div>'


def _check(pictures: Split, class_names: Sequence[str], rivals: Mapping[str, Sequence[str]]) -> None:
    if len(pictures) == 0:
        raise ValueError("pictures is empty: pass at least one image.")
    if pictures.labels.max() >= len(class_names):
        raise ValueError(f"A label is {pictures.labels.max()}, but there are only {len(class_names)} class names.")
    for name, answers in rivals.items():
        if len(answers) != len(pictures):
            raise ValueError(f"Rival {name!r} has {len(answers)} predictions, but there are {len(pictures)} images.")


def _scores(everyone: Mapping[str, Sequence[str]], truth: Sequence[str]) -> str:
    rights = {name: sum(map(str.__eq__, answers, truth)) for name, answers in everyone.items()}
    return "<br>".join(html.escape(score(name, right, len(truth))) for name, right in rights.items())


def _table(images: np.ndarray, truth: Sequence[str], everyone: Mapping[str, Sequence[str]]) -> str:
    """Return a table of the true class and all answers, one row per image; wrong answers are marked in words."""
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("picture", "true class", *everyone))
    rows = []
    for number, (image, true, *given) in enumerate(zip(images, truth, *everyone.values(), strict=True), start=1):
        cells = "".join(f"<td>{html.escape(a)}{'' if a == true else ' <b>(wrong)</b>'}</td>" for a in given)
        shown = tags.img(image, f"picture {number}", width=_TINY, pixelated=True)
        rows.append(f"<tr><td>{number} {shown}</td><td>{html.escape(true)}</td>{cells}</tr>")
    return f'<table style="text-align: left"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _views(image: np.ndarray, text: str) -> str:
    """Return the image enlarged, and small, where it is easier to recognise."""
    views = [
        tags.img(image, text, width=_LARGE, pixelated=True),
        tags.img(image, "", width=_SMALL, pixelated=True),
    ]
    return f'<div style="display: flex; align-items: end; gap: 16px">{"".join(views)}</div>'
