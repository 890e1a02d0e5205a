"""One picture, four doors: the library, the command line, the page and the notebook's widget give the same numbers."""

import io
import json

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from app import create_app
from cifar_lab.cli import main
from cifar_lab.data import sketches
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.lessons.widgets import prediction_view
from tests.lessons.test_upload_classifier import encoded, of_every_kind


def twenty_files() -> dict[str, bytes]:
    """As `of_every_kind`, and what else turns up."""
    dog = sketches.sample_pictures(200)["dog"].crop((0, 0, 150, 200))  # upright, where the others are wide
    wide_grey = Image.fromarray(np.asarray(dog.convert("L")).astype(np.uint16) * 257)
    frames = [dog, dog.transpose(Image.Transpose.FLIP_TOP_BOTTOM)]
    more = {
        "upright.jpg": encoded(dog, "jpeg"),
        "cmyk.jpg": encoded(dog.convert("CMYK"), "jpeg"),
        "grey.jpg": encoded(dog.convert("L"), "jpeg"),
        "progressive.jpg": encoded(dog, "jpeg", progressive=True, quality=30),
        "sixteen.png": encoded(wide_grey),
        "palette.png": encoded(dog.quantize(16)),
        "one bit.png": encoded(dog.convert("1")),
        "grey and alpha.png": encoded(dog.convert("LA")),
        "one pixel.png": encoded(dog.resize((1, 1))),
        "moving.gif": encoded(frames[0], "gif", save_all=True, append_images=frames[1:]),
        "moving.webp": encoded(frames[0], "webp", save_all=True, append_images=frames[1:]),
    }
    return of_every_kind() | more


@pytest.fixture(scope="module")
def client():
    return create_app({"TESTING": True}).test_client()


def test_every_door_gives_the_same_numbers(client, tmp_path):
    files = twenty_files()
    assert len(files) == 20
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    classifier = Classifier.load(model_card.default_classifier())
    typed = CliRunner().invoke(main, ["predict", *[str(tmp_path / name) for name in files], "--json"])
    assert typed.exit_code == 0, typed.output
    lines = {row["filename"]: row for row in map(json.loads, typed.output.splitlines())}
    for name, content in files.items():
        expected = {guess.label: guess.score for guess in classifier.predict(content).top}
        in_widget = prediction_view.predict_picture(name, content, {"it": classifier}).predictions["it"]
        page = client.post("/api/predict", data={"file": (io.BytesIO(content), name)}).json["predictions"][0]
        assert {guess.label: guess.score for guess in in_widget.top} == expected, name
        assert {guess["label"]: guess["score"] for guess in lines[name]["top"]} == expected, name
        assert {guess["label"]: guess["score"] for guess in page["top"]} == expected, name
