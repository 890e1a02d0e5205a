"""`cifar-lab predict`: what is in pictures."""

import json
import sys
from pathlib import Path

import click

from cifar_lab.cli.group import main


@main.command("predict")
@click.argument("pictures", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", default=None, help="A classifier's name or folder (default: the best shipped one).")
@click.option("--top", type=click.IntRange(1), default=3, show_default=True, help="How many guesses to list.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a picture.")
def predict_command(pictures, model, top, as_json):
    """Say what is in PICTURES.

    Those that cannot be read are named, and the others answered.
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
    return f"{path.name}: {guesses}{'' if prediction.known else ' (none of these, probably)'}"


def _as_json(path: Path, prediction) -> dict:
    """One entry of `predictions`, in the words of the page's API."""
    return {
        "filename": path.name,
        "label": prediction.label,
        "index": prediction.index,
        "score": prediction.score,
        "known": prediction.known,
        "top": [{"label": guess.label, "score": guess.score} for guess in prediction.top],
    }
