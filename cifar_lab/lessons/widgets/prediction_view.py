"""What classifiers said of one picture, and how that is shown: a card, a table of many, a CSV file."""

import base64
import csv
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from cifar_lab import images, plots
from cifar_lab.images import display
from cifar_lab.inference.classifier import Classifier, Prediction
from cifar_lab.lessons.widgets import tags

_KEPT = 512  # pixels a side at most of what is kept of a picture: enough to look at, and to cut pieces from
_THUMBNAIL, _SEEN = 160, 160  # pixels on the screen
ORDERS = ("as chosen", "name", "answer", "score")


@dataclass(frozen=True)
class PictureResult:
    """One picture, and what each classifier said of it.

    Attributes:
        name: the file's name, fit to be shown.
        small: the picture, at most 512 pixels a side, as the bytes of a JPEG file: a hundred of them are a few MB.
        predictions: by the classifier's name.
        notes: sentences on what was done to fit the file in, by the classifier's name.
    """

    name: str
    small: bytes
    predictions: Mapping[str, Prediction]
    notes: Mapping[str, Sequence[str]]

    @property
    def picture(self) -> Image.Image:
        """The small picture, decoded."""
        return Image.open(io.BytesIO(self.small)).convert("RGB")


def predict_picture(
    name: str, source: images.Source, classifiers: Mapping[str, Classifier], *, top: int = 3
) -> PictureResult:
    """Open a picture once, and ask every classifier.

    Raises:
        PictureError: it can't be used; the sentence says why.
    """
    opened = images.open_picture(source)
    predictions = {model: classifier.predict(opened, top=top) for model, classifier in classifiers.items()}
    notes = {}
    for model, classifier in classifiers.items():
        is_file = isinstance(source, bytes)
        notes[model] = display.describe_file(source, opened, classifier.card.framings).notes if is_file else []
    opened.thumbnail((_KEPT, _KEPT))
    opened.save(stream := io.BytesIO(), "jpeg", quality=92)
    return PictureResult(display.safe_name(name) or "unnamed", stream.getvalue(), predictions, notes)


def describe_prediction(prediction: Prediction) -> str:
    """The answer in a few words: `cat, 93 %`, or that it is none of the classes."""
    answer = f"{prediction.label}, {prediction.score:.0%}"
    return answer if prediction.known else f"none of these (closest: {answer})"


def card(answer: PictureResult, model: str) -> str:
    """One picture as HTML: itself, what the network saw, and its best guesses as bars with numbers."""
    prediction, thumbnail = answer.predictions[model], answer.picture
    thumbnail.thumbnail((2 * _THUMBNAIL, 2 * _THUMBNAIL))  # sharp on dense screens too
    picture = tags.img(thumbnail, f"{answer.name}", width=_THUMBNAIL)
    is_small = prediction.image.shape[1] < _SEEN  # a larger one is shrunk, which pixelated would look broken
    seen = tags.img(prediction.image, f"{answer.name} as the network saw it", width=_SEEN, pixelated=is_small)
    notes = "".join(
        f'<small style="display: block; line-height: 1.3">{html.escape(note)}</small>' for note in answer.notes[model]
    )
    sides = f"{prediction.image.shape[1]} × {prediction.image.shape[0]}"
    return (
        '<section style="display: flex; flex-wrap: wrap; gap: 16px; padding: 8px 0; align-items: flex-start">'
        f'<figure style="margin: 0; width: {_THUMBNAIL}px; overflow-wrap: anywhere">{picture}'
        f"<figcaption>{html.escape(answer.name)}{notes}</figcaption></figure>"
        f'<figure style="margin: 0">{seen}<figcaption>what it saw: {sides}</figcaption></figure>'
        f"{bars(prediction)}</section>"
    )


def bars(prediction: Prediction) -> str:
    """The best guesses as HTML."""
    colour = plots.BLUE if prediction.known else "#8a8a8a"
    rows = "".join(
        f'<tr><td style="padding-right: 8px">{html.escape(guess.label)}</td>'
        f'<td style="width: 130px"><div aria-hidden="true" style="height: 12px; background: {colour}; '
        f'width: {max(1, round(130 * guess.score))}px"></div></td>'
        f'<td style="text-align: right; padding-left: 8px">{guess.score:.1%}</td></tr>'
        for guess in prediction.top
    )
    return f"<div><strong>{html.escape(describe_prediction(prediction))}</strong><table>{rows}</table></div>"


def in_order(answers: Sequence[PictureResult], model: str, order: str) -> list[PictureResult]:
    """Sort answers: by name, by class with the surest first, or by score with the least sure first."""
    keys = {
        "name": lambda answer: answer.name.lower(),
        "answer": lambda answer: (answer.predictions[model].index, -answer.predictions[model].score),
        "score": lambda answer: answer.predictions[model].score,
    }
    return sorted(answers, key=keys[order]) if order in keys else list(answers)


_COLUMNS = ("file", "answer", "score", "known", "second", "second score", "third", "third score")


def _row(answer: PictureResult, model: str) -> list[str]:
    prediction = answer.predictions[model]
    further = [text for guess in prediction.top[1:3] for text in (guess.label, f"{guess.score:.4f}")]
    return [answer.name, prediction.label, f"{prediction.score:.4f}", "yes" if prediction.known else "no", *further]


def table(answers: Sequence[PictureResult], model: str) -> str:
    """The answers as an HTML table, in the order they come in."""
    head = "".join(f'<th scope="col" style="text-align: left; padding-right: 16px">{name}</th>' for name in _COLUMNS)
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="padding-right: 16px">{html.escape(c)}</td>' for c in _row(answer, model))
        + "</tr>"
        for answer in answers
    )
    return f"<table><caption>What {html.escape(model)} said</caption><tr>{head}</tr>{rows}</table>"


def csv_text(answers: Sequence[PictureResult], model: str) -> str:
    """The same table as CSV; a name that a spreadsheet would take for a formula is marked as text."""
    lines = csv.writer(stream := io.StringIO(), lineterminator="\n")
    lines.writerow(_COLUMNS)
    for answer in answers:
        name, *rest = _row(answer, model)
        lines.writerow([f"'{name}" if name[0] in "=+-@" else name, *rest])
    return stream.getvalue()


def csv_link(answers: Sequence[PictureResult], model: str) -> str:
    """A link that saves the CSV; nothing is written on this side."""
    content = base64.b64encode(csv_text(answers, model).encode("utf-8-sig")).decode("ascii")
    link = f'download="answers.csv" style="text-decoration: underline" href="data:text/csv;base64,{content}"'
    return f"<a {link}>save the table as answers.csv</a>"
