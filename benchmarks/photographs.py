"""How a photograph becomes 32 x 32, and how "none of these" is told: the ways compared.

    python -m benchmarks.photographs FOLDER --others FILE.npz --held-out data/held_out.txt

FOLDER holds photographs in subfolders, one a class and others for other things; `images` in FILE.npz are none of the
classes either. The known images beside those are the validation images: for the shipped network those that
`--held-out` lists, since it learnt from all others. The figures chose what `images.to_input` and the shipped
classifier's card do.
"""

from pathlib import Path

import click
import numpy as np
from PIL import Image

from cifar_lab import data, evaluation, images, models
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card

_FILTERS = {kind.name.lower(): kind for kind in Image.Resampling}
_NEIGHBOUR, _REMEMBERED = 50, 10_000  # as Sun et al., "Out-of-Distribution Detection with Deep Nearest Neighbors", 2022


def cut(picture: Image.Image, share: float = 1, across: float = 0.5, down: float = 0.5, kind: str = "bicubic"):
    """A square of a share of the shorter side, somewhere between the edges (0 to 1), as 32 x 32."""
    side = share * min(picture.size)
    left, top = (picture.width - side) * across, (picture.height - side) * down
    return np.array(picture.resize((32, 32), _FILTERS[kind], box=(left, top, left + side, top + side)))


def squashed(picture: Image.Image, kind: str = "bicubic") -> np.ndarray:
    """The whole picture, its proportions changed."""
    return np.array(picture.resize((32, 32), _FILTERS[kind]))


def bordered(picture: Image.Image) -> np.ndarray:
    """The whole picture in its proportions, with a border of its mean colour."""
    mean = tuple(np.asarray(picture).reshape(-1, 3).mean(axis=0).round().astype(int).tolist())
    square = Image.new("RGB", (max(picture.size),) * 2, mean)
    square.paste(picture, ((square.width - picture.width) // 2, (square.height - picture.height) // 2))
    return squashed(square)


WAYS = {
    "centre": lambda p: [cut(p)],
    "squash": lambda p: [squashed(p)],
    "whole, with a border": lambda p: [bordered(p)],
    "centre and squash": lambda p: [cut(p), squashed(p)],
    "centre, squash and border": lambda p: [cut(p), squashed(p), bordered(p)],
    "centre, and 85 % of it": lambda p: [cut(p), cut(p, 0.85)],
    "three along the longer side": lambda p: [cut(p, 1, at, at) for at in (0, 0.5, 1)],
    "centre, and four corners of 80 %": lambda p: [cut(p), *(cut(p, 0.8, x, y) for x in (0, 1) for y in (0, 1))],
    **{f"centre, {kind} filter": lambda p, kind=kind: [cut(p, kind=kind)] for kind in _FILTERS if kind != "bicubic"},
    "squash, nearest filter": lambda p: [squashed(p, "nearest")],
}


class Network:
    """The classifier's Keras network, cut open: logits and last features, over both mirror images where asked."""

    def __init__(self, name: str, mirror: bool):
        model = models.load_network(name)
        outputs = [model.get_layer("logits").output, model.get_layer("strongest").output]
        self._inside, self._mirror = keras.Model(model.input, outputs), mirror

    def __call__(self, shown: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        sides = [shown, shown[:, :, ::-1]] if self._mirror else [shown]
        found = [self._inside.predict(side, batch_size=250, verbose=0) for side in sides]
        return tuple(np.mean(parts, axis=0) for parts in zip(*found, strict=True))


def auroc_of_scores(known: tuple, others: tuple, remembered: np.ndarray) -> dict[str, float]:
    """How well each score tells known from other; each argument is (logits, features), the last features only."""

    def nearest(features):
        likeness = _unit(features) @ _unit(remembered).T
        return np.sort(likeness, axis=1)[:, -_NEIGHBOUR]

    ways = {
        "highest probability": lambda logits, _: _softmax(logits).max(axis=1),
        "highest probability, temperature 4": lambda logits, _: _softmax(logits / 4).max(axis=1),
        "energy": lambda logits, _: np.logaddexp.reduce(logits, axis=1),
        "highest logit": lambda logits, _: logits.max(axis=1),
        f"{_NEIGHBOUR}th nearest of {_REMEMBERED:,} features": lambda _, features: nearest(features),
    }
    return {name: evaluation.known_auroc(way(*known), way(*others)) for name, way in ways.items()}


def _unit(features: np.ndarray) -> np.ndarray:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def _softmax(logits: np.ndarray) -> np.ndarray:
    scaled = np.exp(logits - logits.max(axis=1, keepdims=True))
    return scaled / scaled.sum(axis=1, keepdims=True)


@click.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--others", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--model", default=None, help="A classifier made by a fast recipe (default: the shipped one).")
@click.option("--dataset", default="cifar10", show_default=True)
@click.option("--held-out", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(folder, others, model, dataset, held_out):
    """Compare framings and filters on the photographs in FOLDER, and scores of "none of these"."""
    found = model_card.ModelCard.load(model or model_card.default_classifier())
    paths = sorted(path for path in folder.glob("*/*") if path.is_file())
    pictures = [images.open_picture(path) for path in paths]
    index = {name: number for number, name in enumerate(found.class_names)}
    labels = np.array([index.get(path.parent.name, -1) for path in paths])
    known = labels >= 0
    click.echo("| way | views | right | right, with mirror images | AUROC, with mirror images |\n|---|---|---|---|---|")
    for way, frame in WAYS.items():
        views = [frame(picture) for picture in pictures]
        cells = []
        for mirror in (False, True):
            logits = (
                Network(found.name, mirror)(np.concatenate(views))[0].reshape(len(views), len(views[0]), -1).mean(1)
            )
            cells.append(f"{(logits.argmax(axis=1) == labels)[known].mean():.1%}")
        best = _softmax(logits).max(axis=1)
        cells.append(f"{evaluation.known_auroc(best[known], best[~known]):.3f}")
        click.echo(f"| {way} | {len(views[0])} | {' | '.join(cells)} |")

    network, pictures_of = Network(found.name, found.mirror), data.load(dataset, held_out=held_out)
    remembered = network(pictures_of.train.images[:_REMEMBERED])[1]
    shown = network(np.stack([cut(picture) for picture in pictures]))
    columns = {
        "photographs": auroc_of_scores(*[[part[kind] for part in shown] for kind in (known, ~known)], remembered)
    }
    if others:
        with np.load(others, allow_pickle=False) as arrays:
            columns[others.stem] = auroc_of_scores(
                network(pictures_of.validation.images), network(arrays["images"]), remembered
            )
    click.echo(f"\n| score | {' | '.join(f'AUROC, {name}' for name in columns)} |\n|---|{'---|' * len(columns)}")
    for score in columns["photographs"]:
        click.echo(f"| {score} | {' | '.join(f'{column[score]:.3f}' for column in columns.values())} |")


if __name__ == "__main__":
    main()
