"""Search: what is tried, what is stopped, what is kept, and that a killed search ends as an unbroken one."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest
from click.testing import CliRunner

from cifar_lab import plots, training
from cifar_lab.cli import main
from cifar_lab.core import files
from cifar_lab.experiments import search
from cifar_lab.experiments.search import recipe_search, space, trials
from cifar_lab.training import recipes, runs
from tests.helpers.datasets import replace_load

EPOCHS, FIRST, REDUCTION = 9, 1, 3


@pytest.fixture
def runs_here(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    return tmp_path / "runs"


def told_accuracy(learning_rate: float, epoch: int) -> float:
    """How a trial does in the tests that train nothing: always better with a rate nearer to 0.01, and with time."""
    return 0.9 * np.exp(-abs(np.log10(learning_rate / 0.01))) * (1 - np.exp(-epoch / 2))


@pytest.fixture
def told(monkeypatch):
    """Trials that take no time: their histories are told by `told_accuracy`. Gives the epochs that were trained."""
    trained = []

    def advance(trial, search, dataset, *, until, progress, after_epoch):
        for epoch in range(len(trial.history) + 1, until + 1):
            row = {"epoch": epoch, "loss": 1.0, "accuracy": 0.5, "validation_loss": 1.0}
            trial.history.append(row | {"validation_accuracy": told_accuracy(trial.recipe.learning_rate, epoch)})
            trained.append((trial.number, epoch))
            after_epoch(row)
        if trial.finished:
            files.write_json(trial.folder / "run.json", {})

    monkeypatch.setattr(trials, "advance", advance)
    return trained


RATES = [0.3, 0.00002, 0.0005, 0.02, 0.1, 0.0001, 1.0, 0.001, 0.0002]


def test_the_worst_are_stopped_and_the_best_of_full_training_stays(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=RATES, epochs=EPOCHS, progress=False)
    in_full = max(RATES, key=lambda rate: told_accuracy(rate, EPOCHS))  # what training all of them to the end would say
    assert found.best.learning_rate == in_full == 0.02
    by_rank = sorted(RATES, key=lambda rate: -told_accuracy(rate, 1))
    lengths = {trial.recipe.learning_rate: len(trial.history) for trial in found.trials}
    assert [lengths[rate] for rate in by_rank] == [9, 3, 3, 1, 1, 1, 1, 1, 1]  # by hand: 9 trials, then 3, then 1
    assert len(told) == 21  # of 81
    states = {trial.state for trial in found.trials}
    assert states == {"finished", "stopped after 1", "stopped after 3"}


def test_without_reduction_every_trial_trains_to_its_end(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=RATES, epochs=[2, 3], reduction=1, progress=False)
    assert [len(trial.history) for trial in found.trials] == [2, 3] * len(RATES)
    assert (found.best.learning_rate, found.best.epochs) == (0.02, 3)


@pytest.mark.parametrize(
    ("epochs", "first", "reduction", "cuts"),
    [(9, 1, 3, [1, 3, 9]), (10, 1, 3, [1, 3, 9, 10]), (8, 2, 2, [2, 4, 8]), (3, 4, 3, [3]), (5, 1, 1, [5])],
)
def test_when_trials_are_stopped(epochs, first, reduction, cuts):
    assert recipe_search.cuts(epochs, first=first, reduction=reduction) == cuts


def test_the_table_and_the_sentence_say_what_was_found(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=[0.1, 0.01], batch_size=[32], epochs=2, progress=False)
    first, second, third = found.table().splitlines()
    assert first.split() == ["trial", "learning_rate", "batch_size", "validation", "epochs"]
    assert second.split() == ["2", "0.01", "32", "56.9%", "2/2", "finished"]  # 0.9 * (1 - 1/e)
    assert third.split() == ["1", "0.1", "32", "13.0%", "1/2", "stopped", "after", "1"]  # 0.9 / e * (1 - e^-0.5)
    assert found.sentence() == (
        "The best of 2 trials is number 2, learning_rate 0.01, batch_size 32: 56.9% on validation after 2 epochs. "
        "1 were stopped early."
    )


def test_an_interrupted_search_goes_on_at_every_epoch(runs_here, stripes, told, monkeypatch):
    """Stopped after each single epoch, it ends in the same table, and no epoch is trained twice."""
    choices = {"learning_rate": RATES, "epochs": EPOCHS, "progress": False}
    unbroken = search.find_recipe(stripes, **choices)
    expected, rows = unbroken.table(), told.copy()
    told.clear()
    advance = trials.advance

    def one_epoch(trial, found, dataset, *, until, **options):
        advance(trial, found, dataset, until=min(until, len(trial.history) + 1), **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "advance", one_epoch)
    for _ in rows:
        with pytest.raises(KeyboardInterrupt):
            search.find_recipe(stripes, **choices, resume=True)
    ended = search.find_recipe(stripes, **choices, resume=True)
    assert ended.table() == expected and told == rows
    assert unbroken.folder.name == "search-tutorial-stripes-seed0"
    assert ended.folder != unbroken.folder and len(list(runs_here.iterdir())) == 2


def test_a_trial_killed_while_its_network_is_saved_goes_on(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=[0.01], epochs=3, progress=False)
    (found.trials[0].folder / "run.json").unlink()
    assert len(search.open_search(found.folder).trials[0].history) == 2


def test_a_search_of_other_trials_is_not_gone_on_with(runs_here, stripes, told, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recipe_search, "run_here", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        search.find_recipe(stripes, learning_rate=[0.1, 0.01], progress=False)
    search.find_recipe(stripes, learning_rate=[0.1, 0.02], progress=False, resume=True)
    assert len(list(runs_here.iterdir())) == 2
    search.find_recipe(stripes, learning_rate=[0.1, 0.01], progress=False, resume=True)
    assert len(list(runs_here.iterdir())) == 2


def test_a_search_read_back_is_the_same(runs_here, stripes, told):
    found = search.find_recipe(stripes, "fast", widths=[(4, 8, 8), (8, 8, 8)], epochs=2, progress=False)
    again = search.open_search(found.folder.name)
    assert again == found and again.best.widths == (4, 8, 8)
    (found.folder / "search.json").write_text('{"trials": [{}]}')
    with pytest.raises(ValueError, match=r"search\.json cannot be read"):
        search.open_search(found.folder)


CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from cifar_lab.experiments import search
    from cifar_lab.core import paths
    from cifar_lab.training import loop
    from tests.conftest import make_stripes

    paths.runs_folder = lambda: Path(sys.argv[1])
    steps, real = 0, loop.batches

    def deadly(*arguments, **options):
        global steps
        for batch in real(*arguments, **options):
            steps += 1
            if steps == int(sys.argv[2]):
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    loop.batches = deadly
    search.find_recipe(make_stripes(), learning_rate=[1e-5, 0.003, 0.001], batch_size=100, epochs=2, progress=False)
    """
)
REAL = {"learning_rate": [1e-5, 0.003, 0.001], "batch_size": 100, "epochs": 2, "progress": False}


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """A real search, small: three trials on the stripes."""
    from tests.conftest import make_stripes

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("unbroken")
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder)
        return search.find_recipe(make_stripes(), **REAL)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_killed_search_ends_as_an_unbroken_one(runs_here, stripes, unbroken):
    """Killed in the second epoch of the trial that wins: two steps an epoch, three first epochs, and one step more."""
    command = [sys.executable, "-c", CHILD, str(runs_here), "7"]
    killed = subprocess.run(command, cwd=os.getcwd(), capture_output=True, text=True, timeout=900)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    ended = search.find_recipe(stripes, **REAL, resume=True)
    [folder] = runs_here.iterdir()
    assert ended.folder == folder
    assert ended.table() == unbroken.table()
    assert ended.best_run.record["weights_sha256"] == unbroken.best_run.record["weights_sha256"]
    assert not list(folder.glob("*/checkpoint.npz"))


def test_the_best_recipe_trains_to_the_network_that_was_found(runs_here, stripes, unbroken):
    """In one go, with the whole dataset: so going on from checkpoints without test images changed nothing."""
    run = training.train(stripes, unbroken.best, progress=False)
    card = unbroken.best_run.record
    same = ("recipe", "dataset", "metrics", "history", "weights_sha256")
    assert {key: run.record[key] for key in same} == {key: card[key] for key in same}
    accuracy = np.mean(
        unbroken.best_run.load_model().predict(stripes.validation.images, verbose=0).argmax(1)
        == stripes.validation.labels
    )
    assert unbroken.best_trial.accuracy() == pytest.approx(accuracy)


def test_a_trial_that_explodes_is_named_and_the_others_go_on(runs_here, stripes):
    fields = {"optimizer": "sgd", "batch_size": 100, "epochs": 1, "progress": False}
    found = search.find_recipe(stripes, learning_rate=[1e20, 0.01], **fields)
    assert found.best.learning_rate == 0.01
    assert [trial.state for trial in found.trials] == ["failed", "finished"]
    assert "no longer a number" in found.trials[0].problem
    with pytest.raises(ValueError, match=r"No trial of the search .* has finished\. The first one: The loss is"):
        search.find_recipe(stripes, learning_rate=[1e20], **fields)


def test_random_search_draws_in_range_and_never_twice():
    choices = {"learning_rate": space.Between(1e-4, 1e-1), "batch_size": [16, 32, 64], "shift": space.Between(1, 4)}
    drawn = space.draw_changes(choices, trials=300, seed=1)
    assert drawn == space.draw_changes(choices, trials=300, seed=1) != space.draw_changes(choices, trials=300, seed=2)
    assert len({json.dumps(changes) for changes in drawn}) == 300
    rates = np.array([changes["learning_rate"] for changes in drawn])
    assert rates.min() >= 1e-4 and rates.max() <= 1e-1
    # Each of the three powers of ten has a third of the draws: within four standard deviations of a binomial.
    counts = np.histogram(np.log10(rates), bins=[-4, -3, -2, -1])[0]
    assert np.abs(counts - 100).max() < 4 * np.sqrt(300 * 1 / 3 * 2 / 3)
    assert {changes["shift"] for changes in drawn} == {1, 2, 3, 4}


def test_all_combinations_are_the_product_of_the_values():
    drawn = space.draw_changes({"batch_size": [16, 32], "flip": ["none", "random"]}, trials=None, seed=0)
    assert [tuple(changes.values()) for changes in drawn] == [
        (16, "none"),
        (16, "random"),
        (32, "none"),
        (32, "random"),
    ]
    assert space.draw_changes({"batch_size": [16, 32]}, trials=5, seed=0) == [{"batch_size": 16}, {"batch_size": 32}]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "Give at least one field"),
        ({"learning_rate": 0.1}, "Give at least one field"),
        ({"learning_rate": []}, "learning_rate has no values"),
        ({"learning_rat": [0.1]}, "A recipe has no learning_rat"),
        ({"learning_rate": [0.1, -1.0]}, "learning_rate must be above 0"),
        ({"learning_rate": ["much"]}, "can't have learning_rate much"),
        ({"batch_size": [0.5]}, "batch_size must be a whole number"),
        ({"epochs": [2, 4]}, "add reduction=1"),
        ({"learning_rate": space.Between(0.1, 1.0)}, "say with trials="),
        ({"learning_rate": [0.1], "trials": 0}, "trials must be a whole number from 1"),
        ({"learning_rate": [0.1], "first": 0}, "first and reduction must be at least 1"),
        ({"shift": space.Between(1, 2), "trials": 3}, "Only 2 different combinations"),
        ({"shift": list(range(5000)), "cutout": [0, 1, 2]}, "These are 15,000 combinations"),
        ({"learning_rate": [0.1], "recipe": "fastest"}, "There is no recipe 'fastest'"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_before_anything_is_written(runs_here, stripes, fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        search.find_recipe(stripes, progress=False, **fields)
    assert not runs_here.exists()


def test_a_range_needs_two_numbers_above_zero():
    for low, high in ((0, 1), (2, 1), (1, 1), (-1, 1)):
        with pytest.raises(ValueError, match="two numbers above 0 in rising order"):
            space.Between(low, high)


def test_without_ray_a_sentence_says_what_to_install(runs_here, stripes, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"needs Ray.*pip install -e '\.\[lab,cluster\]'"):
        search.find_recipe(stripes, learning_rate=[0.1, 0.2], cluster="auto", progress=False)
    assert not runs_here.exists()


# --- charts ---


def test_charts_draw_the_trials(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=RATES, epochs=EPOCHS, progress=False)
    lines = plots.parallel_coordinates(found).axes[0].lines[: len(RATES)]
    logs = np.log(RATES)
    np.testing.assert_allclose([line.get_ydata()[0] for line in lines], (logs - logs.min()) / np.ptp(logs))
    shares = np.array([trial.history[-1]["validation_accuracy"] for trial in found.trials])
    np.testing.assert_allclose([line.get_ydata()[1] for line in lines], (shares - shares.min()) / np.ptp(shares))
    assert [line.get_linewidth() for line in lines].count(4) == 1  # the best one stands out without colour too
    curves = plots.accuracy_curves(found).axes[0].lines[::2]
    assert sorted(len(line.get_xdata()) for line in curves) == sorted(len(trial.history) for trial in found.trials)


def test_charts_stand_values_that_are_no_numbers(runs_here, stripes, told):
    found = search.find_recipe(
        stripes, flip=["random", "none"], learning_rate=[0.1], zoom=[0.0, 0.2], epochs=1, progress=False
    )
    lines = plots.parallel_coordinates(found).axes[0].lines[:4]
    heights = [line.get_ydata()[0] for line in lines]
    assert heights == [1, 1, 0, 0]  # none, random: by the alphabet
    assert [line.get_ydata()[2] for line in lines] == [0, 1, 0, 1]


# --- the command ---


@pytest.fixture
def lab(runs_here, monkeypatch, stripes, told):
    replace_load(monkeypatch, lambda *_, **__: stripes)
    return lambda *arguments: CliRunner().invoke(main, ["search", *map(str, arguments)])


def test_the_command_prints_the_table_and_what_to_do_next(lab, runs_here):
    result = lab("--try", "learning_rate=0.1,0.01", "--try", "batch-size=32,64", "--epochs", 2, "--trials", 3)
    assert result.exit_code == 0, result.output
    assert "The best of 3 trials is number" in result.output
    table = result.output[result.output.index("trial  ") :].splitlines()
    assert len(table) == 1 + 3 + 1 and "finished" in table[1]
    assert table[-1].startswith("Next: cifar-lab evaluate ")
    [folder] = runs_here.iterdir()
    assert search.open_search(folder).trials[0].recipe.epochs == 2


def test_the_command_understands_ranges_and_widths(lab, runs_here):
    options = [
        "--recipe",
        "fast-mini",
        "--try",
        "widths=4/8/8,8/8/8",
        "--try",
        "l2=1e-5..1e-3",
        "--try",
        "whitening=true",
    ]
    result = lab(*options, "--trials", 4, "--epochs", 1)
    assert result.exit_code == 0, result.output
    [folder] = runs_here.iterdir()
    found = [trial.recipe for trial in search.open_search(folder).trials]
    assert {recipe.widths for recipe in found} == {(4, 8, 8), (8, 8, 8)}
    assert all(1e-5 <= recipe.l2 <= 1e-3 and recipe.whitening for recipe in found)


@pytest.mark.parametrize(
    ("tried", "sentence"),
    [
        ("learning_rate", "expected FIELD=VALUES"),
        ("seed=1,2", "expected FIELD=VALUES"),
        ("depth=1,2", "expected FIELD=VALUES"),
        ("batch_size=many", "invalid literal"),
        ("whitening=yes", "expected true or false"),
        ("learning_rate=1..0.1", "in rising order"),
        ("learning_rate=0..1..2", "takes"),
        ("learning_rate=0.1,-1", "learning_rate must be above 0"),
    ],
)
def test_the_command_refuses_with_a_sentence(lab, runs_here, tried, sentence):
    result = lab("--try", tried)
    assert result.exit_code in (1, 2) and sentence in " ".join(result.output.split())
    assert "Traceback" not in result.output and not runs_here.exists()


# --- grid search ---


def test_grid_search_says_what_a_loop_by_hand_says(stripes):
    from sklearn.model_selection import StratifiedKFold

    from cifar_lab.core.keras_backend import keras
    from cifar_lab.experiments.search import grid

    images, labels = stripes.train.images[:60], stripes.train.labels[:60]
    network = grid.NetworkClassifier(epochs=2, batch_size=10, seed=3)
    found = grid.grid_search(network, images, labels, folds=2, seed=5, progress=False, learning_rate=[1e-5, 0.003])
    by_hand = []
    for rate in (1e-5, 0.003):
        shares = []
        for train, held_out in StratifiedKFold(2, shuffle=True, random_state=5).split(images, labels):
            keras.utils.set_random_seed(3)
            layers = keras.layers
            model = keras.Sequential([keras.Input((16, 16, 3)), layers.Rescaling(1 / 255)])
            for filters in (32, 64):
                model.add(layers.Conv2D(filters, 3, activation="relu"))
                model.add(layers.MaxPooling2D())
            model.add(layers.Flatten())
            model.add(layers.Dense(64, activation="relu"))
            model.add(layers.Dense(2, activation="softmax"))
            model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
            model.fit(images[train], labels[train], batch_size=10, epochs=2, verbose=0)
            predicted = model.predict(images[held_out], verbose=0).argmax(axis=1)
            shares.append(np.mean(predicted == labels[held_out]))
        by_hand.append(np.mean(shares))
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], by_hand)
    assert found.best_params_ == {"learning_rate": (1e-5, 0.003)[int(np.argmax(by_hand))]}
    probabilities = found.best_estimator_.predict_proba(stripes.validation.images)
    assert probabilities.shape == (60, 2) and probabilities.sum(axis=1) == pytest.approx(1)


def test_grid_search_takes_a_pipeline_too(stripes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from cifar_lab.experiments.search import grid

    def rows(images):
        return images.reshape(len(images), -1) / 255

    images, labels = stripes.train.images[:60], stripes.train.labels[:60]
    pipeline = make_pipeline(FunctionTransformer(rows), LogisticRegression())
    choices = {"logisticregression__C": [1e-6, 0.1]}
    found = grid.grid_search(pipeline, images, labels, folds=3, seed=0, progress=False, **choices)
    by_hand = [
        np.mean(
            [
                LogisticRegression(C=c).fit(rows(images[a]), labels[a]).score(rows(images[b]), labels[b])
                for a, b in StratifiedKFold(3, shuffle=True, random_state=0).split(images, labels)
            ]
        )
        for c in (1e-6, 0.1)
    ]
    np.testing.assert_allclose(found.cv_results_["mean_test_score"], by_hand)


def test_the_heat_map_has_each_mean_in_its_place():
    from sklearn.model_selection import GridSearchCV
    from sklearn.svm import SVC

    generator = np.random.default_rng(0)
    numbers, labels = generator.normal(size=(40, 2)), np.repeat([0, 1], 20)
    found = GridSearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": [0.5, 2]}, cv=2).fit(numbers, labels)
    axes = plots.grid_heat_map(found).axes[0]
    ticks = (
        [label.get_text() for label in axes.get_yticklabels()],
        [label.get_text() for label in axes.get_xticklabels()],
    )
    assert ticks == (["0.1", "1", "10"], ["0.5", "2"])
    for text in axes.texts:
        column, row = text.get_position()
        settings = {"C": [0.1, 1, 10][row], "gamma": [0.5, 2][column]}
        mean = found.cv_results_["mean_test_score"][found.cv_results_["params"].index(settings)]
        assert text.get_text() == f"{mean:.1%}"
    assert len(axes.texts) == 6
    [frame] = axes.patches
    framed = {"C": [0.1, 1, 10][round(frame.get_y() + 0.5)], "gamma": [0.5, 2][round(frame.get_x() + 0.5)]}
    assert framed == found.best_params_
    single = GridSearchCV(SVC(), {"C": [0.1, 1]}, cv=2).fit(numbers, labels)
    with pytest.raises(ValueError, match="A heat map shows two settings, but 1 were searched: C"):
        plots.grid_heat_map(single)


def test_grid_search_names_the_settings_there_are(stripes):
    from cifar_lab.experiments.search import grid

    with pytest.raises(ValueError, match=r"has no setting depth\. Its settings: batch_size, epochs"):
        grid.grid_search(grid.NetworkClassifier(), stripes.train.images, stripes.train.labels, depth=[1, 2])
    with pytest.raises(ValueError, match="needs at least one setting"):
        grid.grid_search(grid.NetworkClassifier(), stripes.train.images, stripes.train.labels)


def test_recipes_of_trials_differ_in_what_is_searched_alone(runs_here, stripes, told):
    found = search.find_recipe(stripes, learning_rate=np.array([0.1, 0.01]), batch_size=64, seed=7, progress=False)
    expected = recipes.get("tutorial", batch_size=64, seed=7)
    for number, (trial, rate) in enumerate(zip(found.trials, (0.1, 0.01), strict=True), start=1):
        assert trial.recipe == expected.changed(learning_rate=rate, name=f"tutorial-trial{number}")
    assert found.dataset_facts == runs.describe_dataset(stripes)
