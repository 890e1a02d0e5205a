"""Be the classifier: name small pictures with buttons, then compare yourself with others on the same ones.

BeTheClassifier(twenty, dataset.class_names, rivals={"network": its_answers})    # in a notebook, with a kernel
score("you", 17, 20)                                                             # the line of a result
"""

import html
import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab.data.dataset import Split
from cifar_lab.evaluation import wilson_interval
from cifar_lab.lessons.widgets import tags

# A few words for colours, so that whoever can't see a picture has something to guess from.
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
_LARGE, _SMALL, _TINY = 224, 64, 40  # pixels a side on the screen: to study, to squint at, in the table


def score(name: str, right: int, total: int) -> str:
    """A result in words: how many right, and the interval in which the true accuracy lies (95 %, Wilson)."""
    low, high = wilson_interval(right, total)
    return f"{name}: {right} of {total} right, {right / total:.0%} (95 % interval {low:.0%} to {high:.0%})"


def colours(image: np.ndarray) -> str:
    """An image in nine words: the colour of each ninth of it, row by row.

    Args:
        image: `(height, width, 3)` uint8, 0-255.
    """
    names, values = np.array(list(_COLOURS)), np.array(list(_COLOURS.values()))
    rows = []
    for band in np.array_split(image, 3, axis=0):
        means = np.array([part.mean(axis=(0, 1)) for part in np.array_split(band, 3, axis=1)])  # (3, 3 channels)
        nearest = ((means[:, None] - values) ** 2).sum(axis=2).argmin(axis=1)
        rows.append(", ".join(names[nearest]))
    return "above {}; in the middle {}; below {}".format(*rows)


class BeTheClassifier(widgets.VBox):
    """One picture after the other, a button a class; after the last one, everybody's answers in a table.

    Nothing is said before the end: who is told the answers learns from them, and the rivals could not.

    Attributes:
        buttons: one a class.
        back: the button that takes the last answer back.
        over: the button that starts over.
        answers: the class names given so far.
    """

    def __init__(self, pictures: Split, class_names: Sequence[str], *, rivals: Mapping[str, Sequence[str]]):
        """Begin with the first picture.

        Args:
            pictures: what is to be named, with the true labels.
            class_names: what label 0, 1, ... means.
            rivals: who else has named these pictures: for each a class name a picture.

        Raises:
            ValueError: there are no pictures, a label has no class name, or a rival has another number of answers.
        """
        _check(pictures, class_names, rivals)
        self._images = pictures.images
        self._truth = [class_names[label] for label in pictures.labels]
        self._rivals = {name: list(answers) for name, answers in rivals.items()}
        self._turn = threading.Lock()
        self.answers: list[str] = []
        self.view, self.message, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self.buttons = [widgets.Button(description=name) for name in class_names]
        self.back = widgets.Button(description="Back", tooltip="Take the last answer back")
        self.over = widgets.Button(description="Start over", tooltip="Forget all answers")
        for button in self.buttons:
            button.on_click(self._take_answer)
        self.back.on_click(self._take_back)
        self.over.on_click(self._start_over)
        choices = widgets.Box(self.buttons, layout=widgets.Layout(flex_flow="row wrap", max_width="50em"))
        super().__init__([self.message, self.view, choices, widgets.HBox([self.back, self.over]), self.table])
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        text = "Be the classifier: a picture and a button a class. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    @property
    def done(self) -> bool:
        """Whether all pictures have been named."""
        return len(self.answers) == len(self._truth)

    def _take_answer(self, button) -> None:
        with self._turn:  # JupyterLab may hand two clicks to two threads
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
            everybody = {"you": self.answers, **self._rivals}
            self.view.value, said = "", _scores(everybody, self._truth)
            self.table.value = _table(self._images, self._truth, everybody)
        else:
            number, total = len(self.answers) + 1, len(self._truth)
            image = self._images[number - 1]
            self.view.value = _views(image, f"Picture {number} of {total}, {colours(image)}")
            last = f"You said: {html.escape(self.answers[-1])}. " if self.answers else ""
            said, self.table.value = f"{last}Picture {number} of {total}: what is it?", ""
        self.message.value = f'<div role="status" aria-live="polite">{said}</div>'


def _check(pictures: Split, class_names: Sequence[str], rivals: Mapping[str, Sequence[str]]) -> None:
    if len(pictures) == 0:
        raise ValueError("There are no pictures to name: give at least one.")
    if pictures.labels.max() >= len(class_names):
        raise ValueError(f"A picture has the label {pictures.labels.max()}, but there are {len(class_names)} classes.")
    for name, answers in rivals.items():
        if len(answers) != len(pictures):
            raise ValueError(f"The rival {name!r} has {len(answers)} answers, but there are {len(pictures)} pictures.")


def _scores(everybody: Mapping[str, Sequence[str]], truth: Sequence[str]) -> str:
    rights = {name: sum(map(str.__eq__, answers, truth)) for name, answers in everybody.items()}
    return "<br>".join(html.escape(score(name, right, len(truth))) for name, right in rights.items())


def _table(images: np.ndarray, truth: Sequence[str], everybody: Mapping[str, Sequence[str]]) -> str:
    """A row a picture: what it is, and who said what; wrong answers are marked by a word, not by a colour alone."""
    heads = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("picture", "it is", *everybody))
    rows = []
    for number, (image, true, *given) in enumerate(zip(images, truth, *everybody.values(), strict=True), start=1):
        said = "".join(f"<td>{html.escape(a)}{'' if a == true else ' <b>(wrong)</b>'}</td>" for a in given)
        shown = tags.img(image, f"picture {number}", width=_TINY, pixelated=True)
        rows.append(f"<tr><td>{number} {shown}</td><td>{html.escape(true)}</td>{said}</tr>")
    return f'<table style="text-align: left"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _views(image: np.ndarray, text: str) -> str:
    """The picture large, each pixel a square, and small, where the eye puts it together more easily."""
    views = [
        tags.img(image, text, width=_LARGE, pixelated=True),
        tags.img(image, "", width=_SMALL, pixelated=True),
    ]
    return f'<div style="display: flex; align-items: end; gap: 16px">{"".join(views)}</div>'
