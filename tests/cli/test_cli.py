"""The command line: output, errors and exit codes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab.cli import main
from tests.helpers.datasets import replace_load


@pytest.fixture
def lab(tmp_path, monkeypatch, stripes):
    """Return a command line with its own runs and models; it loads the stripes for every dataset."""
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    replace_load(monkeypatch, lambda name="auto", **_: {"sketches": stripes, "stripes": stripes}[name])
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_train_evaluate_export_predict(lab, tmp_path, stripes, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["cifar-lab", "train", "--dataset", "my pictures"])
    trained = lab("train", "--dataset", "sketches", "--epochs", 3)
    assert trained.exit_code == 0, trained.output
    assert "epoch 3/3" in trained.output
    name = "tutorial-stripes-seed0"
    evaluated = lab("evaluate", name)
    assert evaluated.exit_code == 0, evaluated.output
    assert "upright" in evaluated.output
    exported = lab("export", name, "--name", "mine")
    assert exported.exit_code == 0, exported.output
    np.savez(tmp_path / "others.npz", images=255 - stripes.test.images)
    assert lab("export", name, "--name", "mine", "--replace", "--others", tmp_path / "others.npz").exit_code == 0
    np.savez(tmp_path / "pickled.npz", images=np.array([object()]))
    refused = lab("export", name, "--name", "mine", "--replace", "--others", tmp_path / "pickled.npz")
    assert refused.exit_code == 2 and "has no array `images`" in refused.output
    Image.fromarray(stripes.test.images[1]).save(tmp_path / "upright.png")
    predicted = lab("predict", tmp_path / "upright.png", "--model", "mine", "--json")
    assert predicted.exit_code == 0, predicted.output
    prediction = json.loads(predicted.output)
    assert prediction["label"] == "upright"
    assert sum(guess["score"] for guess in prediction["top"]) == pytest.approx(1)
    of_run, of_classifier = (json.loads(lab("evaluate", subject, "--json").output) for subject in (name, "mine"))
    assert of_run["accuracy"] == of_classifier["accuracy"]
    card = json.loads((tmp_path / "runs" / name / "run.json").read_text())
    assert card["command"] == "cifar-lab train --dataset 'my pictures'"
    exported_card = json.loads((tmp_path / "models" / "mine" / "card.json").read_text())
    assert exported_card["trained"]["command"] == exported_card["command"] == card["command"]
    assert card["metrics"]["test"]["accuracy"] == of_run["accuracy"]


def test_predict_reports_broken_pictures_and_classifies_the_others(lab, tmp_path, stripes):
    lab("train", "--dataset", "sketches", "--epochs", 1)
    lab("export", "tutorial-stripes-seed0", "--name", "mine")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut")
    Image.fromarray(stripes.test.images[0]).save(tmp_path / "good.png")
    result = lab("predict", tmp_path / "broken.jpg", tmp_path / "good.png", tmp_path / "missing.jpg")
    assert result.exit_code == 1
    assert "broken.jpg: " in result.stderr
    assert "missing.jpg: " in result.stderr
    assert "good.png: " in result.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["predict", "cat.jpg"], "There is no classifier 'cifar10'"),
        (["predict"], "Missing argument"),
        (["evaluate", "nothing"], "There is no run 'nothing'"),
        (["export", "nothing", "--name", "mine"], "There is no run 'nothing'"),
        (["train", "--recipe", "fastest"], "'fastest' is not one of 'tutorial', 'fast-micro'"),
        (["train", "--epochs", "0"], "0 is not in the range"),
        (["data", "imagenet"], "'imagenet' is not one of"),
    ],
)
def test_errors_are_one_sentence_without_traceback(lab, arguments, sentence):
    result = lab(*arguments)
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_check_reports_what_is_missing_and_how_to_fix_it(lab, tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_DATA", str(tmp_path))  # an empty folder: no CIFAR-10
    result = lab("check")
    assert result.exit_code == 0  # the lab runs without either
    assert "sketches: built in" in result.output
    assert "cifar10" in result.output
    assert "no classifier yet" in result.output
    assert "-> cifar-lab train" in result.output


def test_check_reports_a_classifier_that_cannot_be_loaded(lab, tmp_path):
    folder = tmp_path / "models" / "damaged"
    folder.mkdir(parents=True)
    (folder / "card.json").write_text("{}")
    assert "damaged" in lab("check").output


def test_every_command_has_a_help_page(lab):
    for command in ("check", "data", "train", "evaluate", "export", "predict"):
        result = lab(command, "--help")
        assert result.exit_code == 0
        assert len(result.output.splitlines()) >= 5


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"]], ids=" ".join)
def test_help_imports_no_heavy_package(arguments):
    program = (
        f"import sys; from cifar_lab.cli import main; main({arguments}, standalone_mode=False); print([*sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for heavy in ("tensorflow", "keras", "matplotlib", "sklearn", "PIL", "numpy"):
        assert f"'{heavy}'" not in result.stdout


def test_predict_keeps_the_order_of_its_pictures(lab, tmp_path, stripes):
    lab("train", "--dataset", "sketches", "--epochs", 1)
    lab("export", "tutorial-stripes-seed0", "--name", "mine")
    names = [f"{number}.png" for number in range(5)]
    for name, image in zip(names, stripes.test.images, strict=False):
        Image.fromarray(np.asarray(image)).save(tmp_path / name)
    result = lab("predict", *(tmp_path / name for name in names), "--json")
    assert [json.loads(line)["filename"] for line in result.output.splitlines()] == names
