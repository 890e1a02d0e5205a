"""Predictions for pictures, and their display as a card, a table or a CSV file."""

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

_KEPT = 512  # longest side in pixels of the kept picture: enough to look at and to crop
_THUMBNAIL, _SEEN = 160, 160  # pixels on the screen
ORDERS = ("as chosen", "name", "prediction", "score")


@dataclass(frozen=True)
class PictureResult:
    """A picture and the prediction of each classifier.

    Attributes:
        name: the file name, safe to display.
        small: the picture as a JPEG file, at most 512 pixels a side; a hundred of them are a few MB.
        predictions: by classifier name.
        notes: how the file was converted to the network's input, in sentences, by classifier name.
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
    """Open a picture once, and predict with every classifier.

    Args:
        name: the file name.
        source: anything that `images.open_picture` takes.
        classifiers: by name.
        top: number of most probable classes to keep.

    Raises:
        PictureError: the picture can't be used; the message says why.
    """
    picture = images.read_picture(source)
    opened = picture.image
    predictions = {model: classifier.predict(opened, top=top) for model, classifier in classifiers.items()}
    notes = {
        model: display.framing_notes(picture, classifier.card.framings) if picture.format else []
        for model, classifier in classifiers.items()
    }
    opened.thumbnail((_KEPT, _KEPT))
    opened.save(stream := io.BytesIO(), "jpeg", quality=92)
    return PictureResult(display.safe_name(name) or "unnamed", stream.getvalue(), predictions, notes)


def describe_prediction(prediction: Prediction) -> str:
    """Describe a prediction: `cat, 93%`, or `none of these (closest: cat, 31%)`."""
    words = f"{prediction.label}, {prediction.score:.0%}"
    return words if prediction.known else f"none of these (closest: {words})"


def card(result: PictureResult, model: str) -> str:
    """Return the HTML of a picture, what the network saw, and the most probable classes as bars."""
    prediction, thumbnail = result.predictions[model], result.picture
    thumbnail.thumbnail((2 * _THUMBNAIL, 2 * _THUMBNAIL))  # sharp on high-resolution screens
    picture = tags.img(thumbnail, f"{result.name}", width=_THUMBNAIL)
    is_small = prediction.image.shape[1] < _SEEN  # larger images are shrunk, which looks broken if pixelated
    seen = tags.img(prediction.image, f"{result.name} as the network saw it", width=_SEEN, pixelated=is_small)
    notes = "".join(
        f'<small style="display: block; line-height: 1.3">{html.escape(note)}</small>' for note in result.notes[model]
    )
    sides = f"{prediction.image.shape[1]} × {prediction.image.shape[0]}"
    return (
        '<section style="display: flex; flex-wrap: wrap; gap: 16px; padding: 8px 0; align-items: flex-start">'
        f'<figure style="margin: 0; width: {_THUMBNAIL}px; overflow-wrap: anywhere">{picture}'
        f"<figcaption>{html.escape(result.name)}{notes}</figcaption></figure>"
        f'<figure style="margin: 0">{seen}<figcaption>what it saw: {sides}</figcaption></figure>'
        f"{bars(prediction)}</section>"
    )


def bars(prediction: Prediction) -> str:
    """Return the HTML of the most probable classes as bars."""
    colour = plots.BLUE if prediction.known else "#8a8a8a"
    rows = "".join(
        f'<tr><td style="padding-right: 8px">{html.escape(guess.label)}</td>'
        f'<td style="width: 130px"><div aria-hidden="true" style="height: 12px; background: {colour}; '
        f'width: {max(1, round(130 * guess.score))}px"></div></td>'
        f'<td style="text-align: right; padding-left: 8px">{guess.score:.1%}</td></tr>'
        for guess in prediction.top
    )
    return f"<div><strong>{html.escape(describe_prediction(prediction))}</strong><table>{rows}</table></div>"


def in_order(results: Sequence[PictureResult], model: str, order: str) -> list[PictureResult]:
    """Sort results by name, by prediction (most confident first) or by score (least confident first)."""
    keys = {
        "name": lambda result: result.name.lower(),
        "prediction": lambda result: (result.predictions[model].index, -result.predictions[model].score),
        "score": lambda result: result.predictions[model].score,
    }
    return sorted(results, key=keys[order]) if order in keys else list(results)


_COLUMNS = ("file", "prediction", "score", "known", "second", "second score", "third", "third score")


def _row(result: PictureResult, model: str) -> list[str]:
    prediction = result.predictions[model]
    further = [text for guess in prediction.top[1:3] for text in (guess.label, f"{guess.score:.4f}")]
    return [result.name, prediction.label, f"{prediction.score:.4f}", "yes" if prediction.known else "no", *further]


def table(results: Sequence[PictureResult], model: str) -> str:
    """Return the results as an HTML table, in the given order."""
    head = "".join(f'<th scope="col" style="text-align: left; padding-right: 16px">{name}</th>' for name in _COLUMNS)
    rows = "".join(
        "<tr>"
        + "".join(f'<td style="padding-right: 16px">{html.escape(c)}</td>' for c in _row(result, model))
        + "</tr>"
        for result in results
    )
    return f"<table><caption>Predictions of {html.escape(model)}</caption><tr>{head}</tr>{rows}</table>"


def csv_text(results: Sequence[PictureResult], model: str) -> str:
    """Return the table as CSV; file names that a spreadsheet would run as formulas are marked as text."""
    lines = csv.writer(stream := io.StringIO(), lineterminator="\n")
    lines.writerow(_COLUMNS)
    for result in results:
        name, *rest = _row(result, model)
        lines.writerow([f"'{name}" if name[0] in "=+-@" else name, *rest])
    return stream.getvalue()


def csv_link(results: Sequence[PictureResult], model: str) -> str:
    """Return a link that downloads the CSV; no file is written on the server."""
    content = base64.b64encode(csv_text(results, model).encode("utf-8-sig")).decode("ascii")
    link = f'download="predictions.csv" style="text-decoration: underline" href="data:text/csv;base64,{content}"'
    return f"<a {link}>save the table as predictions.csv</a>"
