"""`cifar-lab predict`: classify a few pictures."""

import json
import sys
from pathlib import Path

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import model_option


@main.command("predict")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@model_option
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="Number of labels to print.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per picture.")
def predict_command(pictures, model, top, as_json):
    """Classify PICTURES.

    Files that cannot be read are reported and skipped; the exit code is then 1.
    """
    from cifar_lab.images import PictureError
    from cifar_lab.inference import model_card
    from cifar_lab.inference.classifier import Classifier

    classifier = Classifier.load(model or model_card.default_classifier())
    failed = False
    for path in pictures:
        try:
            prediction = classifier.predict(path, top=top)
        except PictureError as error:
            failed = True
            click.echo(f"{path.name}: {error}", err=True)
            continue
        click.echo(json.dumps(_as_json(path, prediction)) if as_json else _as_line(path, prediction))
    if failed:
        sys.exit(1)


def _as_line(path: Path, prediction) -> str:
    guesses = ", ".join(f"{guess.label} {guess.score:.0%}" for guess in prediction.top)
    return f"{path.name}: {guesses}{'' if prediction.known else ' (probably none of these)'}"


def _as_json(path: Path, prediction) -> dict:
    """Return a prediction with the keys of the web API's `predictions`."""
    return {
        "filename": path.name,
        "label": prediction.label,
        "index": prediction.index,
        "score": prediction.score,
        "known": prediction.known,
        "top": [{"label": guess.label, "score": guess.score} for guess in prediction.top],
    }
