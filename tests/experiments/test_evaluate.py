"""Stored predictions, and the commands `runs` and `compare`: output and errors."""

import dataclasses
import io
import json

import numpy as np
import pytest
from click.testing import CliRunner

from cifar_lab.cli import main
from cifar_lab.experiments import evaluate, predictions
from cifar_lab.training import runs
from tests.helpers.run_records import run_card, write_run


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a command line with its own runs and models."""
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    return lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def evaluated(lab, tmp_path, monkeypatch, stripes):
    """Return a function that evaluates a run whose network is correct on just these test images."""

    def make(name: str, right, *, seed: int = 0, dataset=stripes, recipe="tutorial"):
        predicted = 1 - dataset.test.labels
        predicted[right] = dataset.test.labels[right]
        probabilities = np.where(np.eye(2)[predicted] > 0, 0.75, 0.25)
        monkeypatch.setattr(runs.Run, "probabilities", lambda *_, **__: probabilities)
        write_run(tmp_path / "runs", name, run_card(seed, recipe=recipe, dataset=runs.describe_dataset(dataset)))
        return evaluate.evaluate_run(runs.open_run(name), dataset)

    return make


def test_evaluating_a_run_stores_its_predictions_without_images(evaluated, tmp_path, stripes):
    result = evaluated("a", range(30))
    card = runs.open_run("a").record
    assert card["metrics"]["test"]["accuracy"] == result.accuracy == 0.75
    kept = predictions.load_predictions("a")
    np.testing.assert_array_equal(kept.right, np.arange(40) < 30)
    np.testing.assert_array_equal(kept.labels, stripes.test.labels)
    assert kept.probabilities.dtype == np.float32 and kept.class_names == ("level", "upright")
    with np.load(tmp_path / "runs" / "a" / "test_predictions.npz") as archive:
        assert {name: archive[name].ndim for name in archive.files} == {"probabilities": 2, "labels": 1}
    again, about = evaluate.evaluate_saved("a")  # without the dataset
    assert again.to_dict() == result.to_dict()
    assert "40 test images: Made by the tests." in about


def test_stored_predictions_that_were_changed_are_refused(evaluated, tmp_path):
    evaluated("a", range(30))
    path = tmp_path / "runs" / "a" / "test_predictions.npz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match=r"not the file its run record lists\. Do: cifar-lab evaluate a"):
        predictions.load_predictions("a")
    path.unlink()
    with pytest.raises(ValueError, match="not the file its run record lists"):
        predictions.load_predictions("a")


def test_a_file_that_is_not_an_archive_of_predictions_is_refused(tmp_path, evaluated):
    evaluated("a", range(30))
    path = tmp_path / "runs" / "a" / "test_predictions.npz"
    for content in (b"PK\x03\x04 cut off", _archive(probabilities=np.array([object()], dtype=object)), _archive(x=[1])):
        path.write_bytes(content)
        stated = {"sha256": predictions.files.sha256(path)}
        run = runs.open_run("a")
        run.add_metrics(test=run.record["metrics"]["test"] | {"predictions": stated})
        with pytest.raises(ValueError, match="is not a file of predictions"):
            predictions.load_predictions("a")


def _archive(**arrays) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def test_evaluate_mirror_averages_image_and_mirror_image(lab, tmp_path, monkeypatch, stripes):
    """The stub is correct on the image and slightly wrong on its mirror image: the average is correct."""
    write_run(tmp_path / "runs", "a", run_card(dataset=runs.describe_dataset(stripes)))
    seen = []

    def probabilities(_run, images, **_):
        seen.append(images)
        truth = np.eye(2)[stripes.test.labels]
        return np.where(truth > 0, 0.9, 0.1) if len(seen) == 1 else np.where(truth > 0, 0.4, 0.6)

    monkeypatch.setattr(runs.Run, "probabilities", probabilities)
    assert evaluate.evaluate_mirror(runs.open_run("a"), stripes).accuracy == 1
    np.testing.assert_array_equal(seen[1], seen[0][:, :, ::-1])
    assert runs.open_run("a").record["metrics"]["test_mirror"]["accuracy"] == 1


def test_compare_reports_which_is_better(lab, evaluated):
    evaluated("good", range(38))
    evaluated("poor", range(16, 40))
    result = lab("compare", "poor", "good")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "poor: 60.00 %; images that only it classifies correctly: 2"
    assert lines[1] == "good: 95.00 %; images that only it classifies correctly: 16"
    assert lines[2].startswith("good is better: 35.0 points (95 % interval ")
    assert lines[2].endswith("McNemar p = 0.0013.")  # 2 * (1 + 18 + 153) / 2**18
    report = json.loads(lab("compare", "poor", "good", "--json").output)
    assert (report["better"], report["a"], report["difference"]) == ("b", "poor", pytest.approx(-0.35))
    assert report["p_value"] == pytest.approx(2 * (1 + 18 + 153) / 2**18)


def test_compare_reports_when_the_difference_could_be_chance(lab, evaluated):
    evaluated("a", range(30))
    evaluated("b", range(1, 30))
    assert "The difference could be chance: a is 2.5 points ahead" in lab("compare", "a", "b").output


def test_predictions_for_different_test_images_are_not_compared(lab, evaluated, stripes):
    from tests.conftest import make_stripes

    evaluated("a", range(30))
    evaluated("b", range(30), dataset=make_stripes(1))  # the same labels, different images
    evaluated("c", range(9), dataset=stripes.subset(test=10))
    for other, count in (("b", 40), ("c", 10)):
        result = lab("compare", "a", other)
        assert result.exit_code == 1
        assert f"different test images (a: 40 of stripes, {other}: {count} of stripes)" in result.output


def test_runs_with_different_training_images_are_compared(lab, evaluated, stripes):
    evaluated("a", range(30))
    evaluated("b", range(30), dataset=stripes.subset(train=50))
    assert lab("compare", "a", "b").exit_code == 0


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (("a", "nothing"), "There is no run 'nothing'"),
        (("a", "silent"), "has no stored test predictions. Create them with: cifar-lab evaluate silent"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_one_sentence(lab, evaluated, tmp_path, names, sentence):
    evaluated("a", range(30))
    write_run(tmp_path / "runs", "silent", run_card())
    result = lab("compare", *names)
    assert result.exit_code == 1 and sentence in result.output


def test_recipes_are_compared_over_their_seeds(lab, evaluated):
    for seed, count in enumerate([30, 31, 32]):
        evaluated(f"tutorial-{seed}", range(count), seed=seed)
        evaluated(f"fast-{seed}", range(count + 6), seed=seed, recipe="fast")
    result = lab("compare", "fast-2", "tutorial-0", "--over-seeds")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[0] == "fast-2: 92.50 %; seeds: 3"
    # 15 points; both deviations are 2.5: the standard error is 2.5 * sqrt(2 / 3) = 2.04, with 4 degrees of freedom.
    assert "fast-2 is better: 15.0 points (95 % interval 9.3 to 20.7), Welch's t-test p = 0.0018." in result.output
    assert "the same recipe and dataset" in lab("compare", "fast-1", "fast-2", "--over-seeds").output


def test_compare_over_seeds_lists_runs_that_are_not_evaluated(lab, evaluated, tmp_path):
    for seed in range(2):
        evaluated(f"fast-{seed}", range(30 + seed), seed=seed, recipe="fast")
    evaluated("tutorial-0", range(30))
    write_run(tmp_path / "runs", "tutorial-1", run_card(1, dataset=runs.open_run("tutorial-0").record["dataset"]))
    error = lab("compare", "fast-0", "tutorial-0", "--over-seeds").output
    assert "1 of 2" in error and "cifar-lab evaluate on these: tutorial-1." in error


def test_runs_lists_runs_and_reports_broken_ones(lab, tmp_path):
    folder = tmp_path / "runs"
    write_run(folder, "tutorial-0", run_card(0, validation=0.7, test=0.6, minutes=2))
    write_run(folder, "tutorial-1", run_card(1, validation=0.74, test=0.62, minutes=4))
    write_run(folder, "fast-0", run_card(0, recipe="fast", validation=0.9))
    write_run(folder, "broken", {})
    result = lab("runs")
    assert result.exit_code == 0
    assert "Skipped broken: " in result.stderr
    title, heading, first, second, _, hint = result.stdout.splitlines()
    assert title == "stripes: 40 test images. Made by the tests."
    assert heading.split()[:2] == ["test", "validation"]
    cells = "61.0 ± 1.4 %  72.0 ± 2.8 %  2.0 %  3.0  167,562  2.0  200  2  tutorial: tutorial-1"
    assert first.split() == cells.split()
    assert second.split()[:3] == ["-", "90.0", "%"] and second.endswith("fast: fast-0")
    assert "cifar-lab evaluate" in hint


def test_runs_filters_sorts_and_prints_json(lab, tmp_path):
    folder = tmp_path / "runs"
    other = run_card()["dataset"] | {"name": "dots", "test_fingerprint": "dots", "fingerprint": "dots"}
    write_run(folder, "a", run_card(0, validation=0.7, minutes=2))
    write_run(folder, "b", run_card(0, recipe="fast", validation=0.9, minutes=1))
    write_run(folder, "c", run_card(0, dataset=other))
    names = [[row["name"] for row in json.loads(lab("runs", "--json", *chosen).stdout)] for chosen in (
        ("--dataset", "stripes"), ("--dataset", "stripes", "--sort", "name"), ("--recipe", "tut"), ("--top", 1),
    )]  # fmt: skip
    assert names == [["fast", "tutorial"], ["fast", "tutorial"], ["tutorial", "tutorial"], ["tutorial", "fast"]]
    assert "No matching runs" in lab("runs", "--dataset", "nothing").stdout


def test_predictions_for_different_classes_are_not_compared(lab, evaluated, stripes):
    evaluated("a", range(30))
    evaluated("b", range(30), dataset=dataclasses.replace(stripes, class_names=("upright", "level")))
    assert "different classes" in lab("compare", "a", "b").output


@pytest.mark.parametrize("command", ["runs", "compare"])
def test_the_commands_have_help_pages(lab, command):
    result = lab(command, "--help")
    assert result.exit_code == 0 and len(result.output.splitlines()) > 8
