"""The upload classifier shows the classifier's own predictions, and every error."""

import base64
import csv
import io
import json
import re
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data import sketches
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.lessons.widgets import prediction_view, upload_classifier
from cifar_lab.lessons.widgets.closer_look import apply_heat
from cifar_lab.lessons.widgets.upload_classifier import UploadClassifier, classify
from tests.helpers import switching

SHIPPED = Path(__file__).parent.parent.parent / "data" / "models" / "tutorial"


@pytest.fixture
def models(tmp_path, monkeypatch):
    """Two classifiers: `tutorial`, and `softer`, which is never confident."""
    for name in ("tutorial", "softer"):
        shutil.copytree(SHIPPED, tmp_path / name)
    content = json.loads((tmp_path / "softer" / "card.json").read_text())
    (tmp_path / "softer" / "card.json").write_text(
        json.dumps(content | {"name": "softer", "temperature": 15, "known_threshold": 0.5})
    )
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
    return tmp_path


@pytest.fixture
def lab(models):
    return UploadClassifier()


def upload(lab, **files: bytes) -> None:
    lab.upload.value = tuple(
        {
            "name": name,
            "type": "",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.now(),
        }
        for name, content in files.items()
    )


def encoded(picture: Image.Image, kind: str = "png", **options) -> bytes:
    picture.save(stream := io.BytesIO(), kind, **options)
    return stream.getvalue()


def text_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", html)).strip()


def of_every_kind() -> dict[str, bytes]:
    """Files in many formats, all wider than high, so that cropping matters."""
    cat = sketches.sample_pictures(300)["cat"].crop((0, 40, 300, 240))
    exif = Image.Exif()
    exif[0x0112] = 6
    holes = cat.convert("RGBA")
    holes.putalpha(Image.linear_gradient("L").resize(cat.size))
    return {
        "photo.jpg": encoded(cat, "jpeg"),
        "turned.jpg": encoded(cat.transpose(Image.Transpose.ROTATE_90), "jpeg", exif=exif),
        "large.jpg": encoded(cat.resize((3000, 2000)), "jpeg"),
        "holes.png": encoded(holes),
        "photo.webp": encoded(cat, "webp"),
        "photo.gif": encoded(cat, "gif"),
        "photo.bmp": encoded(cat, "bmp"),
        "grey.png": encoded(cat.convert("L")),
        "small.png": encoded(cat.resize((32, 32))),
    }


def test_good_and_bad_files_in_one_upload(lab):
    files = of_every_kind()
    broken, text = files["photo.jpg"][:500], b"hello"
    upload(lab, **files, **{"<b>broken.jpg": broken, "notes.txt": text})
    assert [answer.name for answer in lab.answers] == list(files)
    assert len(lab.results.children) == len(files)
    assert "<b>broken" not in lab.alert.value
    assert "&lt;b&gt;broken.jpg: " in lab.alert.value
    assert "notes.txt: " in lab.alert.value and "Save it as JPEG" in lab.alert.value
    assert "9 of 11 classified, 2 could not be used" in lab.status.value


def test_predictions_agree_with_the_classifier(lab):
    files = of_every_kind()
    upload(lab, **files)
    for model in ("tutorial", "softer"):
        expected = Classifier.load(model).predict(list(files.values()))
        for answer, one in zip(lab.answers, expected, strict=True):
            found = answer.predictions[model]
            assert (found.label, found.known) == (one.label, one.known)
            np.testing.assert_allclose([g.score for g in found.top], [g.score for g in one.top], atol=1e-6)
            np.testing.assert_array_equal(answer.predictions[model].image, one.image)


def test_a_card_shows_the_picture_the_network_input_and_the_scores(lab):
    upload(lab, **{"my cat.png": encoded(sketches.sample_pictures(200)["cat"])})
    html, prediction = lab.results.children[0].value, lab.answers[0].predictions["tutorial"]
    seen = re.search(r'<img alt="my cat.png as the network saw it" src="data:image/png;base64,([^"]*)"', html)[1]
    np.testing.assert_array_equal(np.array(Image.open(io.BytesIO(base64.b64decode(seen)))), prediction.image)
    for guess in prediction.top:
        assert f"{guess.label} {guess.score:.1%}" in text_of(html)
    assert 'alt="my cat.png"' in html


def test_a_card_notes_how_the_file_was_converted(lab):
    upload(lab, **{"holes.png": of_every_kind()["holes.png"]})
    text = text_of(lab.results.children[0].value)
    assert "Only the square in the middle is used." in text and "Transparent parts are shown on white." in text


def test_choosing_another_classifier_changes_every_prediction(lab):
    upload(lab, **{"a.png": encoded(sketches.sample_pictures(64)["ship"])})
    lab.model.value = "softer"
    assert "none of these" in lab.results.children[0].value
    assert "softer" in lab.status.value
    lab.model.value = "tutorial"
    shown = lab.answers[0].predictions["tutorial"]
    assert prediction_view.describe_prediction(shown) in text_of(lab.results.children[0].value)


def test_the_menu_lists_shipped_and_newly_exported_classifiers(tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    known = switching.make_models(tmp_path / "models")
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    lab = UploadClassifier()
    assert set(lab.model.options) == set(known) >= {"cifar10", "tutorial", switching.FRESH}
    upload(lab, **{"warm.png": switching.warm_picture()})
    for name, classifier in known.items():
        lab.model.value = name
        expected, text = classifier.predict(switching.warm_picture()), text_of(lab.results.children[0].value)
        for guess in expected.top:
            assert f"{guess.label} {guess.score:.1%}" in text
        assert f"{classifier.card.input_size} × {classifier.card.input_size}" in text
    assert (name, expected.label) == (switching.FRESH, "warm")


def test_the_same_file_twice_and_clear_all(lab):
    for count in (1, 2):
        upload(lab, **{"a.png": encoded(sketches.sample_pictures(64)["ship"])})
        assert len(lab.answers) == count and lab.upload.value == ()
    assert not lab.clear.disabled
    lab.clear.click()
    assert lab.answers == [] and lab.results.children == () and lab.closer.prediction is None
    assert lab.clear.disabled and lab.table.value == "" and lab.closer.layout.display == "none"
    upload(lab, **{"a.png": encoded(sketches.sample_pictures(64)["ship"])})
    assert len(lab.answers) == 1


def test_every_sample_drawing_is_classified(lab):
    for button in lab.samples:
        button.click()
    assert [answer.name for answer in lab.answers] == [f"drawing of a {name}" for name in sketches.CLASS_NAMES]


def test_unexpected_exceptions_are_shown(lab, monkeypatch):
    real = prediction_view.predict_picture

    def failing(name, *arguments, **options):
        if name == "bad.png":
            raise RuntimeError("the disk is on fire")
        return real(name, *arguments, **options)

    monkeypatch.setattr(prediction_view, "predict_picture", failing)
    png = encoded(sketches.sample_pictures(64)["ship"])
    upload(lab, **{"bad.png": png, "good.png": png})
    assert (
        "bad.png" in lab.alert.value and "the disk is on fire" in lab.alert.value and 'role="alert"' in lab.alert.value
    )
    assert [answer.name for answer in lab.answers] == ["good.png"]
    monkeypatch.setattr(prediction_view, "table", lambda *_: 1 / 0)
    lab.order.value = "name"
    assert "ZeroDivisionError" in lab.alert.value


# --- many pictures ---


def test_the_table_can_be_sorted_and_saved(lab):
    pictures = sketches.sample_pictures(64)
    upload(
        lab,
        **{"b.png": encoded(pictures["ship"]), "A.png": encoded(pictures["frog"]), "=c.png": encoded(pictures["cat"])},
    )
    made = [answer.predictions["tutorial"] for answer in lab.answers]
    by_order = {
        "as chosen": ["b.png", "A.png", "=c.png"],
        "name": ["=c.png", "A.png", "b.png"],
        "score": [name for _, name in sorted(zip([p.score for p in made], ["b.png", "A.png", "=c.png"], strict=True))],
    }
    for order, names in by_order.items():
        lab.order.value = order
        assert re.findall(r"<tr><td[^>]*>([^<]*)<", lab.table.value) == names
    content = base64.b64decode(re.search(r'href="data:text/csv;base64,([^"]*)"', lab.table.value)[1]).decode(
        "utf-8-sig"
    )
    lab.order.value = "as chosen"
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(content))}
    assert set(rows) == {"b.png", "A.png", "'=c.png"}  # a spreadsheet would run it as a formula
    assert rows["b.png"]["prediction"] == made[0].label
    assert float(rows["b.png"]["score"]) == pytest.approx(made[0].score, abs=1e-4)


def test_there_is_no_table_for_a_single_picture(lab):
    lab.samples[0].click()
    assert lab.table.value == ""


def test_only_a_small_copy_of_a_photograph_is_kept(lab):
    noise = np.random.default_rng(0).integers(0, 256, (1500, 2000, 3), dtype=np.uint8)
    upload(lab, **{"noise.png": encoded(Image.fromarray(noise))})
    assert max(lab.answers[0].picture.size) == 512
    assert len(lab.answers[0].small) < 400_000


# --- a closer look ---


def test_another_crop_updates_the_prediction(lab):
    wide = sketches.sample_pictures(400)["truck"].crop((0, 100, 400, 300))
    upload(lab, **{"wide.png": encoded(wide)})
    closer = lab.closer
    assert closer.prediction is lab.answers[0].predictions["tutorial"]
    closer.across.value = 100
    expected = Classifier.load("tutorial").predict(lab.answers[0].picture.crop((200, 0, 400, 200)))
    np.testing.assert_array_equal(closer.prediction.image, expected.image)
    assert closer.prediction.score == pytest.approx(expected.score, abs=1e-6)
    assert prediction_view.describe_prediction(expected) in text_of(closer.view.value)
    closer.share.value = 50
    np.testing.assert_array_equal(
        closer.prediction.image, Classifier.load("tutorial").see(lab.answers[0].picture.crop((300, 50, 400, 150)))
    )
    lab.samples[0].click()  # a new picture resets the sliders
    assert (closer.share.value, closer.across.value) == (100, 50)
    assert closer.picture.value == 1
    closer.picture.value = 0
    assert closer.prediction is lab.answers[0].predictions["tutorial"]


def test_grad_cam_is_shown(lab):
    lab.samples[0].click()
    before = lab.closer.view.value
    lab.closer.why.click()
    assert lab.closer.alert.value == ""
    assert lab.closer.view.value != before and "bright: evidence for" in lab.closer.view.value


def test_apply_heat_agrees_with_hand_calculation():
    image = np.full((1, 3, 3), 200, np.uint8)
    np.testing.assert_array_equal(apply_heat(image, np.array([[0, 0.5, 1]]))[0, :, 0], [30, 115, 200])


# --- missing and broken classifiers, a single file ---


def test_a_broken_classifier_is_reported_and_left_out(models):
    with open(models / "softer" / "model.tflite", "r+b") as file:
        file.write(b"broken")
    lab = UploadClassifier()
    assert lab.model.options == ("tutorial",)
    assert "softer" in lab.alert.value and "not the file its card states" in lab.alert.value
    with pytest.raises(ValueError, match="'softer' cannot be loaded"):
        UploadClassifier("softer")


def test_without_classifiers_the_error_says_how_to_make_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
    with pytest.raises(ValueError, match="cifar-lab train and cifar-lab export"):
        UploadClassifier()


def test_classify_prints_and_shows_one_prediction(models, tmp_path, monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(upload_classifier.plots, "show", lambda figure, description: shown.append(figure))
    path = tmp_path / "a.png"
    sketches.sample_pictures(64)["ship"].save(path)
    classify(path)
    text = prediction_view.describe_prediction(Classifier.load(model_card.default_classifier()).predict(path))
    assert capsys.readouterr().out == f"a.png: {text}\n"
    assert len(shown) == 1


def test_the_stored_output_says_to_run_the_cell(lab):
    assert "Run this cell" in repr(lab)
