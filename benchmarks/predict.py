"""One prediction from bytes: full decode and `keras.Model.predict`, and our classifier."""

import io

import numpy as np
from PIL import Image

from benchmarks.decode import in_full, photograph
from benchmarks.measure import Row, compare
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier


def measure(*, quick: bool = False) -> list[Row]:
    """A large JPEG and a small PNG, each through both."""
    classifier = Classifier.load(model_card.default_classifier())
    model = keras.saving.load_model(classifier.card.folder / "model.keras", compile=False, safe_mode=True)
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(stream, "PNG")
    small, large = stream.getvalue(), photograph()

    def usual_small():
        return model.predict(np.asarray(Image.open(io.BytesIO(small)).convert("RGB"))[None], verbose=0)

    def usual_large():
        return model.predict(in_full(large)[None], verbose=0)

    what, rounds = "one prediction from a {} (keras.Model.predict)", 5 if quick else 100
    return [
        compare(what.format("32 x 32 PNG"), usual_small, lambda: classifier.predict(small), rounds=rounds),
        compare(what.format("12-megapixel JPEG"), usual_large, lambda: classifier.predict(large), rounds=rounds),
    ]
