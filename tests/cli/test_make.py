"""`cifar-lab make` and `data check`: what they print and write, and that no local path is recorded."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from cifar_lab import plots
from cifar_lab.cli.group import typed_command
from cifar_lab.core import paths
from cifar_lab.data.folder.scan import scan_folder
from cifar_lab.inference.classifier import Classifier
from tests.helpers.command_line import lab
from tests.helpers.planted_folder import plant


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Return a folder that holds `my pets` with 132 planted files, and its own cache, runs and classifiers."""
    place = tmp_path_factory.mktemp("place")
    plant(place / "my pets", 132, broken=0.046)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data_folder", lambda: place / "cache")
        patch.setattr(paths, "runs_folder", lambda: place / "runs")
        patch.setenv("CIFAR_LAB_MODELS", str(place / "models"))
        yield place


@pytest.fixture(scope="module")
def made(place):
    return lab("make", place / "my pets", "--name", "pets", "--epochs", 3, "--balance", "up", "--size", 16)


def test_make_trains_and_exports_a_classifier_that_predicts(place, made):
    assert made.exit_code == 0, made.output
    assert made.output.index("left out") < made.output.index("epoch 1/3") < made.output.index("On the test split")
    assert "cifar-lab predict PICTURE --model pets" in made.output
    classifier = Classifier.load("pets")
    assert classifier.class_names == ("cool", "warm") and classifier.card.input_size == 16
    for colour, label in (((250, 60, 20), "warm"), ((20, 60, 250), "cool")):
        picture = Image.fromarray(np.full((40, 48, 3), colour, np.uint8))
        assert classifier.predict(picture).label == label


def test_cards_and_records_contain_no_local_path(place, made):
    for card in (place / "models" / "pets" / "card.json", place / "runs" / "tutorial-my-pets-seed0" / "run.json"):
        text = card.read_text(encoding="utf-8")
        assert str(place) not in text and place.name not in text
    command = json.loads(text)["command"]
    assert command == "cifar-lab make 'my pets' --name pets --epochs 3 --balance up --size 16"


def test_evaluate_and_export_find_the_folder_again(place, made):
    for subject in ("tutorial-my-pets-seed0", "pets"):
        measured = json.loads(lab("evaluate", subject, "--json").stdout)  # nothing but JSON
        assert measured["accuracy"] > 0.5
    exported = lab("export", "tutorial-my-pets-seed0", "--name", "again")
    assert exported.exit_code == 0, exported.output
    (place / "my pets").rename(place / "moved")
    try:
        gone = lab("export", "tutorial-my-pets-seed0", "--name", "third")
        assert gone.exit_code == 1 and "--dataset FOLDER" in gone.output
        named = lab("export", "tutorial-my-pets-seed0", "--name", "third", "--dataset", place / "moved")
        assert named.exit_code == 0, named.output
    finally:
        (place / "moved").rename(place / "my pets")


def test_a_taken_name_is_refused_before_training(place, made):
    again = lab("make", place / "my pets", "--name", "pets")
    assert again.exit_code == 1 and "There is a classifier 'pets' already" in again.output
    assert "epoch" not in again.output


def test_data_check_reports_and_draws_a_contact_sheet(place):
    checked = lab("data", "check", place / "my pets", "--sheet", place / "sheet.png")
    assert checked.exit_code == 0, checked.output
    assert "damaged" in checked.output and "Next: cifar-lab make" in checked.output
    with Image.open(place / "sheet.png") as sheet:
        assert sheet.format == "PNG"
    listed = lab("data", "check", place / "my pets", "--list").stdout.splitlines()
    assert len(listed) == 10 and "cool/m00001.jpg: empty." in listed[0]


def test_a_contact_sheet_shows_each_class_with_its_count(place):
    figure, description = plots.folder_contact_sheet(scan_folder(place / "my pets"), per_class=4)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["cool (110)", "warm (12)"]
    assert description == "Up to 4 pictures of each class of my pets: cool (110), warm (12)."
    pixels = figure.axes[0].images[0].get_array()
    warm = pixels[-20:].reshape(-1, 3).mean(axis=0)
    assert warm[0] > warm[2]  # more red than blue in the lower row


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["data", "check", "nowhere"], "There is no folder or CSV file 'nowhere'"),
        (["data", "{place}"], "To check a folder of pictures: cifar-lab data check"),
        (["make", "nowhere"], "There is no folder or CSV file 'nowhere'"),
        (["train", "--dataset", "sketches", "--size", "64"], "size can only be set for a folder"),
        (["train", "--dataset", "{place}/my pets", "--augment", "swirl"], "not swirl"),
        (["make", "{place}/my pets", "--name", "../up"], "cannot be a classifier's name"),
    ],
)
def test_errors_are_one_sentence_without_traceback(place, arguments, sentence):
    result = lab(*[argument.format(place=place) for argument in arguments])
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "recorded"),
    [
        (["train", "--dataset", "{place}/my pets"], "cifar-lab train --dataset 'my pets'"),
        (["train", "--dataset={place}/my pets/"], "cifar-lab train '--dataset=my pets'"),
        (["train", "--dataset", "~/pets", "--held-out", "a/b"], "cifar-lab train --dataset pets --held-out a/b"),
        (["make", "../../anna/pets", "--name", "pets"], "cifar-lab make pets --name pets"),
    ],
)  # fmt: skip
def test_a_recorded_command_reduces_paths_to_names(place, monkeypatch, arguments, recorded):
    monkeypatch.setattr(sys, "argv", ["cifar-lab", *(argument.format(place=place) for argument in arguments)])
    assert typed_command() == recorded
