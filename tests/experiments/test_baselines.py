"""Baselines: features against scikit-image, fits against plain scikit-learn, run records, and the table."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from cifar_lab import evaluation, experiments
from cifar_lab.cli import main
from cifar_lab.experiments import baselines, evaluate, predictions, run_table
from cifar_lab.training import runs, start
from cifar_lab.training.export import export_run
from cifar_lab.training.runs import Run
from tests.helpers.datasets import replace_load

FEW = {"n_estimators": 20}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Return a folder with runs for this file alone."""
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder / "runs")
        patch.setenv("CIFAR_LAB_MODELS", str(folder / "models"))
        yield folder


@pytest.fixture(scope="module")
def forest(lab, stripes):
    """A finished run."""
    return baselines.fit_baseline(stripes, "forest", progress=False, command="typed", **FEW)


# --- features and methods ---


@pytest.mark.parametrize(("size", "cell", "block", "orientations"), [(32, 8, 2, 9), (21, 5, 3, 9), (16, 4, 2, 8)])
def test_hog_agrees_with_scikit_image(size, cell, block, orientations):
    images = np.random.default_rng(size).integers(0, 256, (260, size, size, 3), dtype=np.uint8)  # more than one batch
    images[:4] = images[:4] // 64 * 60  # few colours: many edges at exactly 0, 45, 90 and 135 degrees
    images[0] = 77  # no edges
    settings = {"pixels_per_cell": (cell, cell), "cells_per_block": (block, block), "orientations": orientations}
    found = baselines.Hog(cell, block, orientations).fit_transform(images)
    assert found.dtype == np.float32
    for index in (*range(8), 255, 256, 259):
        np.testing.assert_allclose(found[index], hog(images[index], channel_axis=-1, **settings), atol=1e-6)
    assert baselines.Hog(cell, block, orientations).transform(images[:0]).shape == (0, found.shape[1])


def test_pixels_are_flattened_and_scaled():
    images = np.zeros((2, 2, 2, 3), np.uint8)
    images[1, 0, 1] = 255, 51, 0
    found = baselines.Pixels().fit_transform(images)
    assert found.tolist() == [[0.0] * 12, [0, 0, 0, 1, pytest.approx(0.2), 0] + [0] * 6]


def test_invalid_images_are_refused():
    for wrong in (np.zeros((1, 32, 32, 3)), np.zeros((32, 32, 3), np.uint8), [[0]]):
        for step in (baselines.Pixels(), baselines.Hog()):
            with pytest.raises(ValueError, match=r"shape \(n, height, width, 3\) and dtype uint8, got"):
                step.transform(wrong)
    with pytest.raises(ValueError, match="images of at least 16 x 16 pixels, got 8 x 32"):
        baselines.Hog().fit(np.zeros((1, 8, 32, 3), np.uint8))


def test_margins_become_probabilities():
    generator = np.random.default_rng(0)
    images, labels = generator.integers(0, 256, (60, 4, 4, 3), dtype=np.uint8), np.arange(60) % 3
    machine = make_pipeline(baselines.Pixels(), SVC()).fit(images, labels)
    margins = machine.decision_function(images)
    found = baselines.predict_probabilities(machine, images)
    np.testing.assert_allclose(found, np.exp(margins) / np.exp(margins).sum(1)[:, None], rtol=1e-5)
    np.testing.assert_array_equal(found.argmax(axis=1), machine.predict(images))
    machine.fit(images, labels > 0)
    found = baselines.predict_probabilities(machine, images)
    np.testing.assert_allclose(found[:, 1], 1 / (1 + np.exp(-machine.decision_function(images))), rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_pixels_are_compacted_to_90_percent_of_the_variance(stripes):
    images = stripes.train.images[:, ::2, ::2]  # 192 numbers each
    pipeline = baselines.build_pipeline("knn", features="pixels").fit(images, stripes.train.labels)
    ratios = pipeline[1].explained_variance_ratio_
    assert ratios[:-1].sum() < 0.9 <= ratios.sum()


# --- runs ---


def test_a_baseline_agrees_with_plain_scikit_learn(lab, stripes):
    run = baselines.fit_baseline(stripes, "logistic", train_size=50, seed=3, progress=False)
    describe = lambda images: np.stack([hog(it, cells_per_block=(2, 2), channel_axis=-1) for it in images])  # noqa: E731
    part = stripes.subset(train=50, seed=3).train
    by_hand = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, tol=1e-3, max_iter=500))
    by_hand.fit(describe(part.images), part.labels)
    probabilities, labels = predictions.load_predictions(run).probabilities, stripes.validation.labels
    np.testing.assert_allclose(probabilities, by_hand.predict_proba(describe(stripes.test.images)), atol=1e-3)
    expected = by_hand.predict_proba(describe(stripes.validation.images))
    assert run.record["metrics"]["validation"] == {
        "accuracy": accuracy_score(labels, expected.argmax(axis=1)),
        "loss": pytest.approx(log_loss(labels, expected), abs=1e-3),
    }
    assert run.record["recipe"]["train"] == run.record["dataset"]["sizes"]["train"] == 50


def test_the_run_record_has_figures_and_no_model(forest, stripes):
    record = json.loads((forest.folder / "run.json").read_text())
    assert runs.open_run(forest.folder.name).record == forest.record == record
    assert forest.folder.name == record["name"] == "forest-hog-stripes-seed0"
    settings = {"features": "hog", "train": 200, "options": FEW, "seed": 0}
    assert record["recipe"] == {"name": "forest-hog", "model": "forest"} | settings
    assert record["dataset"]["fingerprint"] == stripes.fingerprint()
    assert record["command"] == "typed" and record["minutes"] > 0
    assert {path.name for path in forest.folder.iterdir()} == {"run.json", "start.json", "test_predictions.npz"}
    probabilities, labels = evaluate.saved_predictions(forest)
    assert record["metrics"]["test"]["accuracy"] == accuracy_score(labels, probabilities.argmax(axis=1))
    row = next(row for row in run_table.run_rows(run_table.read_runs()[0]) if forest.folder.name in row.runs)
    assert (row.test.mean, row.train) == (record["metrics"]["test"]["accuracy"], 200)


def test_the_network_of_a_baseline_is_refused(forest, stripes):
    for use in (
        forest.load_model,
        lambda: forest.probabilities(stripes.test.images),
        lambda: export_run(forest, stripes, "forest"),
        lambda: start.load_start(str(forest.folder)),
        lambda: evaluate.evaluate_mirror(forest, stripes),
    ):
        with pytest.raises(ValueError, match="is a baseline, of which only the figures and test predictions are kept"):
            use()


def test_a_baseline_is_evaluated_from_its_stored_predictions(forest, stripes):
    from tests.conftest import make_stripes

    found = evaluate.evaluate_named(forest.folder.name, stripes)
    assert found.accuracy == forest.record["metrics"]["test"]["accuracy"]
    with pytest.raises(ValueError, match="was evaluated on other test images"):
        evaluate.evaluate_run(forest, make_stripes(seed=9))


def test_the_seed_fixes_the_forest(lab, stripes):
    def predicted(seed):
        chosen = {"features": "pixels", "n_estimators": 3, "max_depth": 1}  # a weak one, whose predictions vary
        run = baselines.fit_baseline(stripes, "forest", seed=seed, progress=False, **chosen)
        return predictions.load_predictions(run).probabilities.tolist()

    assert predicted(1) == predicted(1) != predicted(2)


@pytest.mark.parametrize(
    ("arguments", "options", "sentence"),
    [
        (["tree"], {}, "There is no method 'tree'. Choose one of: knn, logistic, linear-svm, svm, forest"),
        (["knn"], {"features": "sift"}, "There is no kind of features 'sift'. Choose one of: pixels, hog"),
        (["svm"], {"trees": 3}, "The method svm has no option trees. It has: C, "),
        (["svm"], {"C": [1, 2]}, "The option C must be a number, a string, a boolean or None, not a list"),
        (["knn"], {"train_size": 1}, "The 1 training images have no"),
        (["knn"], {"train_size": 500}, "has 200 images; 500 cannot be taken"),
    ],
)
def test_errors_are_raised_before_fitting(lab, stripes, arguments, options, sentence):
    before = runs.finished_folders()
    with pytest.raises(ValueError) as caught:
        baselines.fit_baseline(stripes, *arguments, progress=False, **options)
    assert sentence in str(caught.value)
    assert runs.finished_folders() == before


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


def test_compare_baselines_fits_evaluates_and_tabulates(lab, stripes, network, monkeypatch, tmp_path):
    choice = {"methods": ["linear-svm", "knn"], "features": ["hog"], "beside": [network], "progress": False}
    table = baselines.compare_baselines(stripes, train_size=120, **choice)
    assert [row.accuracy for row in table.rows] == sorted(row.accuracy for row in table.rows)
    by_method = {row.method: row for row in table.rows}
    assert set(by_method) == {"linear-svm", "knn", "tutorial"}
    assert by_method["tutorial"].cells()[1:] == ("learnt", "200", "3.4", "90.0%", "77.0% to 96.0%", "2.5")
    fitted = [runs.open_run(by_method[method].run) for method in ("linear-svm", "knn")]
    rights = [predictions.load_predictions(run).right for run in fitted]
    for run, right in zip(fitted, rights, strict=True):
        row = by_method[run.record["recipe"]["model"]]
        assert (row.features, row.images, row.accuracy) == ("hog", 120, right.mean())
        assert row.interval == evaluation.wilson_interval(right.sum(), 40)
    assert by_method["knn"].size > 120 * 36 * 4  # it keeps all features: 36 each, of 4 bytes
    assert experiments.compare(*(run.folder for run in fitted)) == evaluation.compare_predictions(*rights)
    assert len(str(table).splitlines()) == 4 and len({len(line) for line in str(table).splitlines()}) == 1
    assert table.markdown() == table._repr_markdown_()
    run_table.write_records(fitted, tmp_path)
    recorded, problems = run_table.read_runs(tmp_path)
    assert problems == {} and set(baselines.baseline_table(recorded).rows) < set(table.rows)
    monkeypatch.setattr(runs, "start_run", lambda *_: pytest.fail("it was fitted again"))
    monkeypatch.setattr(evaluate, "evaluate_run", lambda *_, **__: pytest.fail("it was evaluated again"))
    assert baselines.compare_baselines(stripes, train_size=120, **choice) == table


def test_runs_that_do_not_belong_in_one_table_are_refused(forest, stripes, network):
    from tests.conftest import make_stripes

    with pytest.raises(ValueError, match="tutorial-stripes-seed0 was not trained on this dataset"):
        baselines.compare_baselines(make_stripes(seed=9), methods=[], beside=[network])
    other = Run(forest.folder, forest.record | {"dataset": {"fingerprint": "another"}})
    with pytest.raises(ValueError, match="different datasets"):
        baselines.baseline_table([network, other])
    with pytest.raises(ValueError, match="Not evaluated on the test split: forest-hog"):
        baselines.baseline_table([Run(forest.folder, forest.record | {"metrics": {}})])


def test_minutes_below_a_tenth_have_three_decimals():
    row = baselines.BaselineRow("knn", "hog", 200, 0.0123, 0.9, (0.8, 0.95), 10**6, "name")
    assert row.cells()[3] == "0.012"


def test_baseline_and_evaluate_on_the_command_line(lab, stripes, monkeypatch):
    replace_load(monkeypatch, lambda name="auto", **_: stripes)
    run_cli = lambda *arguments: CliRunner().invoke(main, [str(argument) for argument in arguments])  # noqa: E731
    fitted = run_cli("baseline", "linear-svm", "--train", 100, "--seed", 5)
    name = "linear-svm-hog-stripes-seed5"
    assert fitted.exit_code == 0 and f"Next: cifar-lab evaluate {name}" in fitted.output
    accuracy = json.loads(run_cli("evaluate", name, "--json").stdout)["accuracy"]
    assert accuracy == predictions.load_predictions(name).right.mean()
    for refused, sentence in (
        (run_cli("export", name, "--name", "machine"), "is a baseline, of which only"),
        (run_cli("baseline", "perceptron"), "There is no method 'perceptron'"),
    ):
        assert refused.exit_code == 1 and sentence in refused.output
