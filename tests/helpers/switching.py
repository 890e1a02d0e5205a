"""What the tests of the switch choose from: all shipped classifiers, and one that was just made of a folder."""

import io
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab import data
from cifar_lab.core import paths
from cifar_lab.inference.classifier import Classifier
from tests.helpers.planted_folder import plant

ROOT = Path(__file__).parent.parent.parent
FRESH = "fresh"  # knows cool and warm pictures, at 24 pixels


def shipped() -> list[str]:
    """The classifiers that git holds; a reader's own lie beside them."""
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8")
    named = re.findall(r"^!/data/models/([^/\s]+)/$", ignored, re.MULTILINE)
    return [name for name in named if (ROOT / "data" / "models" / name / "card.json").is_file()]


def make_models(place: Path) -> dict[str, Classifier]:
    """Fill a models folder; returns what each of its classifiers is, by its name."""
    from cifar_lab.training.export import export_model

    for name in shipped():
        shutil.copytree(ROOT / "data" / "models" / name, place / name)
    plant(place.with_name("colours"), 66)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data_folder", lambda: place.with_name("cache"))
        patch.setenv("CIFAR_LAB_MODELS", str(place))
        dataset = data.load(place.with_name("colours"), size=24, progress=False, say=False)
        export_model(_network(dataset), dataset, FRESH)
        return {name: Classifier.load(name) for name in (*shipped(), FRESH)}


def _network(dataset):
    """A network that compares red with blue: what training would find, in weights set by hand."""
    from cifar_lab.core.keras_backend import keras

    more_red = 50 * (np.array(dataset.class_names) == "warm") - 25.0  # -25 for cool, 25 for warm
    answer = keras.layers.Dense(2, activation="softmax")
    layers = [keras.layers.Rescaling(1 / 255), keras.layers.GlobalAveragePooling2D(), answer]
    model = keras.Sequential([keras.Input((24, 24, 3), dtype="uint8"), *layers])
    answer.set_weights([np.stack([more_red, 0 * more_red, -more_red]), np.zeros(2)])
    return model


def warm_picture() -> bytes:
    """A picture with more red than blue in it, as a PNG file; a little wider than high."""
    blots = np.random.default_rng(8).integers(0, 120, (6, 7, 3)) + np.array([130, 0, 0])
    picture = Image.fromarray(blots.astype(np.uint8)).resize((140, 120), Image.Resampling.BICUBIC)
    picture.save(stream := io.BytesIO(), "PNG")
    return stream.getvalue()
