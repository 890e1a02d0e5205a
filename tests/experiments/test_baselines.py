"""Baselines: agreement with plain scikit-learn, run records, the table, and export as classifiers."""

import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.preprocessing import StandardScaler

from cifar_lab import evaluation
from cifar_lab.cli import main
from cifar_lab.core import files
from cifar_lab.experiments import baselines, evaluate, predictions, run_table
from cifar_lab.experiments.baselines import fitting
from cifar_lab.inference import pipelines
from cifar_lab.inference.classifier import Classifier, load_classifiers
from cifar_lab.training import runs
from cifar_lab.training.export import export_run
from cifar_lab.training.runs import Run
from tests.helpers.datasets import replace_load

ROOT = Path(__file__).parent.parent.parent
FEW = {"n_estimators": 20}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return a folder with runs and classifiers for this file alone."""
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder / "runs")
        patch.setenv("CIFAR_LAB_MODELS", str(folder / "models"))
        yield folder


@pytest.fixture(scope="module")
def forest(lab, stripes):
    """A finished run."""
    return baselines.fit_baseline(stripes, "forest", progress=False, command="typed", **FEW)


@pytest.fixture(scope="module")
def exported(forest, stripes):
    return export_run(forest, stripes, "forest")


def test_a_baseline_agrees_with_plain_scikit_learn(lab, stripes):
    run = baselines.fit_baseline(stripes, "logistic", progress=False)
    describe = lambda images: np.stack([hog(it, cells_per_block=(2, 2), channel_axis=-1) for it in images])  # noqa: E731
    train, test = describe(stripes.train.images), describe(stripes.test.images)
    scaler = StandardScaler().fit(train)
    by_hand = LogisticRegression(C=0.01, tol=1e-3, max_iter=500).fit(scaler.transform(train), stripes.train.labels)
    expected = by_hand.predict_proba(scaler.transform(test))
    np.testing.assert_allclose(run.probabilities(stripes.test.images), expected, atol=1e-3)


def test_the_run_record(forest, stripes):
    card = json.loads((forest.folder / "run.json").read_text())
    assert forest.folder.name == card["name"] == "forest-hog-stripes-seed0"
    chosen = {"features": "hog", "train": 200, "options": FEW, "seed": 0}
    assert card["recipe"] == {"name": "forest-hog", "model": "forest"} | chosen
    probabilities = pipelines.load_pipeline((forest.folder / "model.skops").read_bytes()).predict_proba(
        stripes.validation.images
    )
    assert card["metrics"]["validation"] == {
        "accuracy": accuracy_score(stripes.validation.labels, probabilities.argmax(axis=1)),
        "loss": pytest.approx(log_loss(stripes.validation.labels, probabilities)),
    }
    assert card["model_sha256"] == files.sha256(forest.folder / "model.skops")
    assert card["dataset"]["fingerprint"] == stripes.fingerprint()
    assert (card["command"], card["dataset"]["sizes"]["train"]) == ("typed", 200)
    assert {"scikit-learn", "skops"} <= set(card["versions"])
    assert runs.open_run(forest.folder.name).record == card


def test_a_subset_is_used_and_recorded(lab, stripes):
    run = baselines.fit_baseline(stripes, "knn", train=50, seed=3, progress=False)
    nearest = run.load_model()[-1]
    np.testing.assert_array_equal(np.bincount(nearest._y), [25, 25])
    assert run.record["recipe"]["train"] == run.record["dataset"]["sizes"]["train"] == 50
    np.testing.assert_array_equal(
        nearest._fit_X, pipelines.Hog().transform(stripes.subset(train=50, seed=3).train.images)
    )


def test_the_seed_fixes_the_forest(lab, stripes):
    def split_features(seed):
        forest = baselines.fit_baseline(stripes, "forest", seed=seed, n_estimators=3, progress=False).load_model()[-1]
        return [tree.tree_.feature.tolist() for tree in forest.estimators_]

    assert split_features(1) == split_features(1) != split_features(2)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (["tree"], {}, "There is no method 'tree'. Choose one of: knn, logistic, linear-svm, svm, forest"),
        (["knn"], {"features": "sift"}, "There is no kind of features 'sift'. Choose one of: pixels, hog"),
        (["svm"], {"trees": 3}, "The method svm has no option trees. It has: C, "),
        (["svm"], {"C": [1, 2]}, "The option C must be a number, a string, a boolean or None, not a list"),
        (["knn"], {"train": 1}, "The 1 training images have no"),
        (["knn"], {"train": 500}, "has 200 images; 500 cannot be taken"),
    ],
)
def test_errors_are_raised_before_fitting(lab, stripes, arguments, options, sentence):
    before = runs.finished_folders()
    with pytest.raises(ValueError) as caught:
        baselines.fit_baseline(stripes, *arguments, progress=False, **options)
    assert sentence in str(caught.value)
    assert runs.finished_folders() == before


def test_a_damaged_pipeline_is_not_loaded(forest, tmp_path):
    shutil.copytree(forest.folder, tmp_path / "damaged")
    path = tmp_path / "damaged" / "model.skops"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="is not the pipeline"):
        runs.open_run(tmp_path / "damaged").load_model()


def test_elapsed_time_is_updated_while_fitting(monkeypatch):
    clock, ticked = MagicMock(), threading.Event()
    clock.__enter__.return_value.refresh = ticked.set
    monkeypatch.setattr(fitting, "progress_bar", lambda **_: clock)
    monkeypatch.setattr(fitting, "_TICK", 0.01)
    threads = threading.active_count()
    with fitting._elapsed_time("fitting", shown=True):
        assert ticked.wait(60)
    assert threading.active_count() == threads


# --- the table ---


@pytest.fixture(scope="module")
def network(lab, stripes):
    """Return an evaluated run of a network: a record, and a model file of zeros."""
    folder = lab / "runs" / "tutorial-stripes-seed0"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(bytes(2_500_000))
    test = {"accuracy": 0.9, "interval": [0.77, 0.96]} | predictions.image_facts(stripes)
    card = {"recipe": {"name": "tutorial"}, "metrics": {"test": test}, "minutes": 3.4}
    return Run(folder, card | {"dataset": runs.describe_dataset(stripes)})


def test_compare_baselines_fits_evaluates_and_tabulates(lab, stripes, network, monkeypatch):
    choice = {"methods": ["logistic", "knn"], "features": ["hog"], "beside": [network], "progress": False}
    table = baselines.compare_baselines(stripes, train=120, **choice)
    assert [row.accuracy for row in table.rows] == sorted(row.accuracy for row in table.rows)
    by_method = {row.method: row for row in table.rows}
    assert set(by_method) == {"logistic", "knn", "tutorial"}
    assert by_method["tutorial"].cells()[1:] == ("learnt", "200", "3.4", "90.0%", "77.0% to 96.0%", "2.5")
    for method in ("logistic", "knn"):
        row, run = by_method[method], runs.open_run(by_method[method].run)
        right = run.probabilities(stripes.test.images).argmax(axis=1) == stripes.test.labels
        assert (row.features, row.images, row.accuracy) == ("hog", 120, right.mean())
        assert row.interval == evaluation.wilson_interval(right.sum(), 40)
        assert row.size == (run.folder / "model.skops").stat().st_size
    assert len(str(table).splitlines()) == 4 and len({len(line) for line in str(table).splitlines()}) == 1
    assert table.markdown() == table._repr_markdown_()
    monkeypatch.setattr(runs, "start_run", lambda *_: pytest.fail("it was fitted again"))
    monkeypatch.setattr(evaluate, "evaluate_run", lambda *_, **__: pytest.fail("it was evaluated again"))
    assert baselines.compare_baselines(stripes, train=120, **choice) == table


def test_written_records_give_the_same_table(lab, stripes, tmp_path):
    fitted = [baselines.fit_baseline(stripes, method, train=120, progress=False) for method in ("knn", "logistic")]
    with pytest.raises(ValueError, match="Not evaluated on the test split: knn-hog"):
        baselines.baseline_table(fitted)
    measured = baselines.compare_baselines(stripes, methods=[], beside=fitted, progress=False)
    run_table.write_records([runs.open_run(run.folder) for run in fitted], tmp_path)
    recorded, problems = run_table.read_runs(tmp_path)
    assert problems == {} and baselines.baseline_table(recorded) == measured
    recorded[0].record["dataset"]["fingerprint"] = "another"
    with pytest.raises(ValueError, match="different datasets"):
        baselines.baseline_table(recorded)


def test_minutes_below_a_tenth_have_three_decimals(forest):
    row = baselines.BaselineRow("knn", "hog", 200, 0.0123, 0.9, (0.8, 0.95), 10**6, "name")
    assert row.cells()[3] == "0.012"
    assert forest.record["minutes"] > 0


def test_runs_on_another_dataset_are_refused(stripes, network):
    from tests.conftest import make_stripes

    with pytest.raises(ValueError, match="tutorial-stripes-seed0 was not trained on this dataset"):
        baselines.compare_baselines(make_stripes(seed=9), methods=[], beside=[network])


def test_the_run_table_lists_baselines(forest, stripes):
    evaluate.evaluate_run(forest, stripes)
    rows = {row.runs[-1]: row for row in run_table.run_rows(run_table.read_runs()[0])}
    row = rows[forest.folder.name]
    predicted = forest.probabilities(stripes.test.images).argmax(axis=1)
    assert row.test.mean == accuracy_score(stripes.test.labels, predicted)
    assert (row.train, row.bytes) == (200, (forest.folder / "model.skops").stat().st_size)
    assert predictions.load_predictions(forest.folder.name).probabilities.argmax(axis=1).tolist() == predicted.tolist()


# --- as a classifier ---


def test_the_classifier_predicts_like_the_pipeline(forest, exported, stripes):
    images = stripes.test.images
    pipeline = forest.load_model()
    predictions = exported.predict(list(images))
    assert [it.index for it in predictions] == pipeline.predict_proba(images).argmax(axis=1).tolist()
    np.testing.assert_allclose(exported.raw_probabilities(images), pipeline.predict_proba(images), atol=1e-6)
    raw = pipeline.predict_proba(stripes.validation.images)
    assert exported.card.temperature == pytest.approx(evaluation.fit_temperature(raw, stripes.validation.labels), 1e-2)
    scores = exported.probabilities(stripes.validation.images).max(axis=1)
    assert (scores >= exported.card.known_threshold).mean() >= 0.95
    assert set(exported.card.content["files"]) == {"model.skops"}
    assert exported.card.content["trained"]["recipe"]["model"] == "forest"
    assert exported.probabilities(images[:0]).shape == (0, 2)


def test_export_with_mirror_averages_both_images(forest, stripes):
    two_sided = export_run(forest, stripes, "two-sided", mirror=True)
    images = stripes.test.images
    mirrored = np.ascontiguousarray(images[:, :, ::-1])
    np.testing.assert_allclose(two_sided.probabilities(images), two_sided.probabilities(mirrored), atol=1e-6)
    with pytest.raises(ValueError, match="stored as it is; precision int8 is for networks"):
        export_run(forest, stripes, "small", precision="int8")
    assert not (two_sided.card.folder.parent / "small").exists()


def test_files_that_contradict_the_model_card_are_refused(exported, tmp_path):
    def loaded(change=None, content=None):
        folder = shutil.copytree(exported.card.folder, tmp_path / str(len(list(tmp_path.iterdir()))))
        if content is not None:
            (folder / "model.skops").write_bytes(content)
        card = json.loads((folder / "card.json").read_text()) | (change or {})
        (folder / "card.json").write_text(json.dumps(card))
        return Classifier.load(folder)

    whole = (exported.card.folder / "model.skops").read_bytes()
    assert loaded().class_names == ("level", "upright")
    with pytest.raises(ValueError, match="not the file its card states"):
        loaded(content=whole[:-1] + b"x")
    with pytest.raises(ValueError, match="its pipeline knows 2 classes, but its card names 3"):
        loaded({"class_names": ["level", "upright", "round"]})
    with pytest.raises(ValueError, match="its pipeline takes no 32 x 32 images"):
        loaded({"input_size": 32})
    pickled = b"\x80\x04\x95 whatever"
    stated = {"model.skops": {"sha256": files.sha256_of(pickled), "bytes": len(pickled)}}
    with pytest.raises(ValueError, match="cannot be loaded: This is no file of a scikit-learn pipeline"):
        loaded({"files": stated}, pickled)


def test_without_scikit_learn_it_is_skipped_with_one_sentence(exported):
    program = """
import sys
class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in ("sklearn", "skops", "tensorflow", "keras"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Refuse())
from cifar_lab.inference.classifier import load_classifiers
loaded, left_out = load_classifiers()
print(loaded, *left_out, sep="\\n")
"""
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.startswith("{}\n")
    assert "'forest' cannot be loaded: it is a scikit-learn pipeline, and sklearn is not installed" in result.stdout
    assert "Install the lab: python -m pip install" in result.stdout
    assert load_classifiers()[0]["forest"].class_names == exported.class_names


def test_the_widget_reports_that_a_baseline_has_no_layers(exported, stripes):
    from cifar_lab.lessons.widgets import closer_look
    from cifar_lab.lessons.widgets.prediction_view import predict_picture

    classifiers = {"forest": exported}
    closer = closer_look.CloserLook(classifiers)
    closer.offer([predict_picture("stripes", stripes.test.images[0], classifiers)], "forest")
    closer.why.click()
    assert "Grad-CAM needs a neural network, and forest is not one" in closer.alert.value
    assert closer.prediction.label in exported.class_names


def test_baseline_evaluate_export_predict_on_the_command_line(lab, stripes, tmp_path, monkeypatch):
    replace_load(monkeypatch, lambda name="auto", **_: stripes)
    run_cli = lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])  # noqa: E731
    fitted = run_cli("baseline", "linear-svm", "--train", 100, "--seed", 5)
    assert fitted.exit_code == 0, fitted.output
    name = "linear-svm-hog-stripes-seed5"
    assert f"Next: cifar-lab evaluate {name}" in fitted.output
    of_run = run_cli("evaluate", name, "--json")
    exported = run_cli("export", name, "--name", "machine")
    assert exported.exit_code == 0, exported.output
    of_classifier = run_cli("evaluate", "machine", "--json")
    assert json.loads(of_run.stdout)["accuracy"] == json.loads(of_classifier.stdout)["accuracy"]
    Image.fromarray(stripes.test.images[1]).save(tmp_path / "upright.png")
    assert run_cli("predict", tmp_path / "upright.png", "--model", "machine").stdout.startswith("upright.png: upright")
    refused = run_cli("baseline", "perceptron")
    assert refused.exit_code == 1 and "There is no method 'perceptron'" in refused.output
