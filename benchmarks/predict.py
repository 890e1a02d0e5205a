"""One prediction from the bytes of a file to a label, and 256 decoded images at once, at equal numbers of views.

Tutorials call `model.predict`, which is made for large data and takes tens of milliseconds for one picture. The best
ordinary way keeps the Keras model and calls it inside a `tf.function`, or directly. Both use the classifier's
`model.keras` (float32); ours is `Classifier.predict` on LiteRT, with the same network in int8. As bundled, it averages
two views of each picture: the centre and the whole, or for a square picture its mirror image. Here every way gets the
same views; the one-view classifier is a copy with a changed card.
"""

import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import ImageOps

from benchmarks.decode import CENTRE, opened, photograph, shrunk, small_png
from benchmarks.measure import OURS, Row, compare
from cifar_lab.core import files
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import Classifier, model_card

_BATCH = 256


def measure(*, quick: bool = False) -> list[Row]:
    """Compare the ways for a small PNG on one and two views, a large JPEG on two, and a batch of images on one."""
    card = model_card.ModelCard.load(model_card.default_classifier())
    model = keras.saving.load_model(card.folder / "model.keras", compile=False, safe_mode=True)
    two_views, one_view = Classifier.load(card.name), _with_one_view(card.folder)
    cases = {
        "32 x 32 PNG, one view": (small_png(), lambda picture: [picture], one_view),
        "32 x 32 PNG, two views": (small_png(), lambda picture: [picture, ImageOps.mirror(picture)], two_views),
        "12-megapixel JPEG, two views": (photograph(), lambda p: [shrunk(p, CENTRE), shrunk(p)], two_views),
    }
    rows = [
        compare(f"one prediction from a {what} each", _ways(model, *case), rounds=5 if quick else 100)
        for what, case in cases.items()
    ]
    return [*rows, _batch(model, one_view, rounds=2 if quick else 15)]


def compiled(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a model as a `tf.function` for any number of images, from array to array."""
    import tensorflow as tf

    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.uint8)]
    function = tf.function(lambda images: model(images, training=False), input_signature=signature)
    return lambda images: function(images).numpy()


def _with_one_view(folder: Path) -> Classifier:
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copytree(folder, Path(scratch) / "one-view")
        content = json.loads((copy / "card.json").read_text(encoding="utf-8"))
        files.write_json(copy / "card.json", content | {"mirror": False, "framings": ["centre"]})
        return Classifier.load(copy)


def _ways(model, content: bytes, views: Callable, classifier: Classifier) -> dict[str, Callable]:
    function = compiled(model)

    def way(predict: Callable, *, draft: bool) -> Callable[[], str]:
        def once() -> str:
            found = predict(np.stack(views(opened(io.BytesIO(content), draft=draft))))
            return classifier.class_names[found.mean(axis=0).argmax()]

        return once

    return {
        "model.predict": way(lambda shown: model.predict(shown, verbose=0), draft=False),
        "tf.function": way(function, draft=True),
        "model(x)": way(lambda shown: model(shown).numpy(), draft=True),
        OURS: lambda: classifier.predict(content).label,
    }


def _batch(model, classifier: Classifier, *, rounds: int) -> Row:
    images, function = np.random.default_rng(0).integers(0, 256, (_BATCH, 32, 32, 3), dtype=np.uint8), compiled(model)
    ways = {
        "model.predict": lambda: model.predict(images, verbose=0),
        f"model.predict, batch_size={_BATCH}": lambda: model.predict(images, batch_size=_BATCH, verbose=0),
        "tf.function": lambda: function(images),
        OURS: lambda: classifier.probabilities(images),
    }
    return compare(f"{_BATCH} images at once, one view each: views per second", ways, rounds=rounds, items=_BATCH)
