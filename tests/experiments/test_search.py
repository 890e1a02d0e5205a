"""Search: what is tried, stopped and kept, and that an interrupted or killed search loses and repeats nothing."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import pytest

from cifar_lab import experiments, plots
from cifar_lab.core import files
from cifar_lab.experiments import Between, recipe_search
from cifar_lab.training import loop, recipes, runs
from tests.conftest import make_stripes
from tests.helpers.command_line import lab
from tests.helpers.datasets import replace_load

RATES = [0.3, 0.00002, 0.0005, 0.02, 0.1, 0.0001, 1.0, 0.001, 0.0002]
RATE = {"learning_rate": [0.1]}


@pytest.fixture
def runs_here(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    return tmp_path / "runs"


def accuracy(rate: float, epoch: int) -> float:
    """The accuracy of trials that train nothing: better with a rate nearer to 0.02, and with time."""
    return 0.9 * np.exp(-abs(np.log10(rate / 0.02))) * (1 - np.exp(-epoch / 2))


@pytest.fixture
def trained(runs_here, monkeypatch):
    """Trials that train nothing; the value is a list of their (learning rate, epoch) in order."""
    rows = []

    def train(dataset, recipe, *, callbacks, command, **_):
        assert len(dataset.test) == 0
        folder = files.new_folder(runs_here, recipe.name)
        job = SimpleNamespace(recipe=recipe, state=SimpleNamespace(history=[]), facts={}, folder=folder)
        try:
            for epoch in range(1, recipe.epochs + 1):
                rows.append((recipe.learning_rate, epoch))
                share = accuracy(*rows[-1])
                job.state.history.append({"epoch": epoch, "validation_accuracy": share})
                callbacks[0].on_epoch_end(job, job.state.history[-1])
        finally:
            callbacks[0].on_train_end(job)
        record = {"recipe": recipe.to_dict(), **job.facts, "command": command, "versions": {}, "minutes": 0}
        files.write_json(folder / "run.json", record | {"metrics": {"validation": {"accuracy": share}}})
        return runs.open_run(folder)

    monkeypatch.setattr(loop, "train", train)
    return rows


def search(dataset, space, *, epochs=1, **options):
    options = {"progress": False, "trials": 6} | options
    return experiments.search(dataset, recipes.get("tutorial", epochs=epochs, batch_size=100), space, **options)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_the_best_third_continues_and_the_best_is_that_of_full_training(trained, runs_here, stripes):
    found = search(stripes, {"learning_rate": RATES}, epochs=9, sampler="grid", trials=None, seed=2)
    assert found.best.learning_rate == max(RATES, key=lambda rate: accuracy(rate, 9)) == 0.02
    reached, expected = {1: [], 3: []}, []
    for rate in dict.fromkeys(rate for rate, _ in trained):  # by hand, in the order of the trials
        for epoch in range(1, 10):
            expected.append((rate, epoch))
            rung = reached.get(epoch, [])
            rung.append(accuracy(rate, epoch))
            if sorted(rung, reverse=True).index(rung[-1]) >= max(1, len(rung) // 3):
                break
    assert trained == expected and 9 + 2 + 6 <= len(trained) < 81
    assert found.best_run.record["dataset"] == runs.describe_dataset(stripes)
    tried = found.study.trials
    finished = [trial for trial in tried if trial.state.name == "COMPLETE"]
    left = {path.name for path in runs_here.glob("tutorial-*")}  # pruned trials leave nothing
    assert left == {trial.user_attrs["run"] for trial in finished}
    lines = plots.search_curves(found).axes[0].lines
    assert sorted(len(line.get_xdata()) for line in lines) == sorted(len(t.intermediate_values) for t in tried)
    dots = np.concatenate([dots.get_offsets() for dots in plots.search_slices(found).axes[0].collections])
    assert {(RATES[int(x)], y) for x, y in dots} == {(t.params["learning_rate"], t.value) for t in tried}
    assert f"{9 - len(finished)} pruned" in plots.describe_search_curves(found)
    assert "learning rate 0.02" in plots.describe_search_slices(found)


@pytest.mark.parametrize("storage", [None, "sqlite:///{}/searches.db"], ids=["journal", "sqlite"])
def test_a_grid_has_each_combination_once_also_when_it_is_interrupted(trained, stripes, tmp_path, storage, monkeypatch):
    space, train = {"learning_rate": [0.1, 0.02], "widths": [[4, 8], [8, 8], [8]]}, loop.train
    options = {"sampler": "grid", "storage": storage and storage.format(tmp_path), "trials": None}
    for _ in range(5):  # stopped in its second trial, five times
        calls = iter([train])
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(loop, "train", lambda *a, calls=calls, **k: next(calls, interrupt)(*a, **k))
            search(stripes, space, **options)
    found = search(stripes, space, **options)
    tried = sorted((recipe.learning_rate, recipe.widths) for recipe in map(found.recipe_of, found.study.trials))
    assert tried == [(rate, widths) for rate in (0.02, 0.1) for widths in ((4, 8), (8,), (8, 8))] and len(trained) == 6
    head, best = (line.split() for line in found.table().splitlines()[:2])
    assert head == ["trial", "learning_rate", "widths", "epochs", "validation", "state"]
    assert best[1:] == ["0.02", "/".join(map(str, found.best.widths)), "1", "35.4%", "finished"]  # 0.9 * (1 - e^-0.5)


def test_random_values_fill_the_range_and_do_not_repeat_after_a_resume(trained, stripes):
    space = {"learning_rate": Between(1e-4, 1e-1), "shift": Between(1, 4)}
    for trials in (30, 60):
        found = search(stripes, space, sampler="random", pruner=None, trials=trials)
    rates, shifts = np.array([[*found.values(trial).values()] for trial in found.study.trials]).T
    assert len(set(rates)) == 60 and rates.min() >= 1e-4 and rates.max() <= 1e-1 and {*shifts} == {1, 2, 3, 4}
    # A third of the draws in each power of ten, within four standard deviations of a binomial.
    counts = np.histogram(np.log10(rates), bins=[-4, -3, -2, -1])[0]
    assert np.abs(counts - 20).max() < 4 * np.sqrt(60 * 1 / 3 * 2 / 3)


def test_a_trial_that_fails_is_named_and_the_others_continue(runs_here, stripes):
    base = recipes.get("tutorial", optimizer="sgd", batch_size=100, epochs=1)
    options = {"sampler": "grid", "progress": False}
    found = experiments.search(stripes, base, {"learning_rate": [1e20, -1, 0.01, "much"]}, **options)
    assert found.best.learning_rate == 0.01
    problems = {trial.params["learning_rate"]: trial.user_attrs.get("problem") for trial in found.study.trials}
    assert "no longer a number" in problems[1e20] and "above 0" in problems[-1] and "cannot have" in problems["much"]
    assert [path.parent.name for path in runs_here.glob("*/start.json")] == [found.best_run.folder.name]
    predicted = found.best_run.load_model().predict(stripes.validation.images, verbose=0).argmax(axis=1)
    assert found.best_trial.value == pytest.approx(np.mean(predicted == stripes.validation.labels))
    with pytest.raises(ValueError, match=r"No trial of .* has finished\. learning_rate must be above 0"):
        _ = experiments.search(stripes, base, {"learning_rate": [-1]}, **options).best


@pytest.mark.parametrize(("hours", "is_trained"), [(2, True), (0.5, False)])
def test_a_trial_of_another_machine_is_lost_after_an_hour(trained, stripes, hours, is_trained, monkeypatch):
    now = time.time()
    monkeypatch.setattr(recipe_search.time, "sleep", interrupt)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recipe_search.socket, "gethostname", lambda: "another")
        patch.setattr(recipe_search.time, "time", lambda: now - 3600 * hours)
        patch.setattr(loop, "train", interrupt)
        search(stripes, RATE, trials=1)
    if is_trained:
        assert search(stripes, RATE, trials=1).best_trial.number == 0
    else:
        with pytest.raises(KeyboardInterrupt):  # while it waits
            search(stripes, RATE, trials=1)


CHILD = """
import sys, time
from pathlib import Path
from cifar_lab.core import paths
from cifar_lab.training import loop
from tests.experiments import test_search

paths.runs_folder, real = lambda: Path(sys.argv[1]), loop.batches
loop.batches = lambda *arguments, **options: (time.sleep(0.2) or batch for batch in real(*arguments, **options))
Path(sys.argv[2]).touch()
while len([*Path(sys.argv[2]).parent.glob("ready*")]) < 2:
    time.sleep(0.05)
test_search.real_search()
"""


def real_search():
    options = {"sampler": "random", "pruner": None, "name": "six", "epochs": 2}
    return search(make_stripes(), {"learning_rate": Between(1e-5, 0.01)}, **options)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_of_two_processes_one_is_killed_and_the_other_finishes_each_trial_once(runs_here, tmp_path, monkeypatch):
    commands = [[sys.executable, "-c", CHILD, str(runs_here), str(tmp_path / f"ready{i}")] for i in (1, 2)]
    first, second = (subprocess.Popen(command, cwd=os.getcwd()) for command in commands)
    deadline = time.monotonic() + 300
    while len(running := [*runs_here.glob("tutorial-*/checkpoint.npz")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.kill()
    assert first.wait() == -signal.SIGKILL and second.wait(timeout=300) == 0 and len(running) == 2
    found = real_search()
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE"] * 6
    assert len([*runs_here.glob("tutorial-*")]) == 6  # the killed trial was resumed in its folder
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "unbroken")
    unbroken = real_search()
    both = [[(t.params, t.intermediate_values) for t in each.study.trials] for each in (found, unbroken)]
    assert both[0] == both[1]
    assert found.best_run.record["weights_sha256"] == unbroken.best_run.record["weights_sha256"]


@pytest.mark.parametrize(
    ("space", "options", "sentence"),
    [
        ({}, {}, "Give at least one field"),
        ({"learning_rate": 0.1}, {}, "learning_rate needs a list"),
        ({"depth": [1]}, {}, "A search cannot change depth"),
        (RATE, {"trials": None}, "number of trials must be given"),
        (RATE, {"sampler": "best"}, "none of those"),
        ({"learning_rate": Between(0.1, 1)}, {"sampler": "grid"}, "A grid needs lists"),
        ({"epochs": [1, 2]}, {}, "add pruner=None"),
        (RATE, {"storage": __file__}, "cannot be opened as storage"),
        (RATE, {"storage": "mysql://me:secret@nowhere/x"}, "database cannot be opened(?!.*secret)"),
        ({"learning_rate": [0.2]}, {"name": "mine"}, "The search mine exists already with another space: give"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(trained, stripes, space, options, sentence):
    search(stripes, RATE, name="mine", trials=1)
    with pytest.raises(ValueError, match=sentence):
        search(stripes, space, **options)
    assert len(trained) == 1


def test_the_command_takes_ranges_and_widths_and_records_no_password(
    trained, runs_here, stripes, tmp_path, monkeypatch
):
    replace_load(monkeypatch, lambda *_, **__: stripes)
    tried = ("--try", "widths=4/8/8,8/8/8", "--try", "l2=1e-5..1e-3", "--try", "whitening=true", "--pruner", "none")
    options = ("--trials", 4, "--epochs", 1, "--storage", f"sqlite:///{tmp_path}/secret.db")
    result = lab("search", "--recipe", "fast-mini", *tried, *options)
    assert result.exit_code == 0 and result.output.splitlines()[-1].startswith("Best: trial"), result.output
    found = [runs.open_run(path.parent).record for path in runs_here.glob("*/run.json")]
    assert all(1e-5 <= run["recipe"]["l2"] <= 1e-3 and len(run["recipe"]["widths"]) == 3 for run in found)
    assert len(found) == 4 and not any("secret" in run["command"] for run in found)
    for text, sentence in (("seed=1,2", "expected FIELD=VALUES"), ("whitening=yes", "expected true or false")):
        refused = lab("search", "--try", text)
        assert refused.exit_code == 2 and sentence in " ".join(refused.output.split())


def test_grid_search_agrees_with_a_loop_by_hand(stripes):
    from sklearn.model_selection import StratifiedKFold

    images, labels = stripes.train.images[:60], np.array(["level", "upright"])[stripes.train.labels[:60]]
    network = experiments.NetworkClassifier(batch_size=10, seed=3, epochs=2)
    found = experiments.grid_search(network, images, labels, folds=2, seed=5, learning_rate=[1e-9, 0.003])
    shares = []
    for train, held_out in StratifiedKFold(2, shuffle=True, random_state=5).split(images, labels):
        fitted = experiments.NetworkClassifier(batch_size=10, seed=3, epochs=2, learning_rate=0.003)
        fitted.fit(images[train], labels[train])
        shares.append(np.mean(fitted.predict(images[held_out]) == labels[held_out]))
    assert found.best_params_ == {"learning_rate": 0.003} and found.best_score_ == pytest.approx(np.mean(shares))
    assert found.best_estimator_.predict_proba(images).sum(axis=1) == pytest.approx(1)
