"""Search: what is tried, stopped and kept, and that a search that is interrupted or killed loses and repeats nothing."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import optuna
import pytest

from cifar_lab import experiments, plots
from cifar_lab.core import files
from cifar_lab.experiments import Between, recipe_search
from cifar_lab.training import loop, recipes, runs
from tests.conftest import make_stripes
from tests.helpers.command_line import lab
from tests.helpers.datasets import replace_load

RATES = [0.3, 0.00002, 0.0005, 0.02, 0.1, 0.0001, 1.0, 0.001, 0.0002]


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
        job = SimpleNamespace(recipe=recipe, state=SimpleNamespace(history=[]), facts={})
        job.folder = files.new_folder(runs_here, recipe.name)
        try:
            for epoch in range(1, recipe.epochs + 1):
                rows.append((recipe.learning_rate, epoch))
                share = accuracy(recipe.learning_rate, epoch)
                job.state.history.append({"epoch": epoch, "validation_accuracy": share})
                callbacks[0].on_epoch_end(job, job.state.history[-1])
        finally:
            callbacks[0].on_train_end(job)
        record = {"recipe": recipe.to_dict(), "dataset": job.facts["dataset"], "command": command, "versions": {}}
        record |= {"metrics": {"validation": {"accuracy": share}}, "minutes": 0}
        files.write_json(job.folder / "run.json", record)
        return runs.Run(job.folder, record)

    monkeypatch.setattr(loop, "train", train)
    return rows


def search(dataset, space, **options):
    base = recipes.get("tutorial", epochs=options.pop("epochs", 1))
    return experiments.search(dataset, base, space, **{"progress": False, "trials": 6} | options)


def test_the_best_third_continues_and_the_best_is_that_of_full_training(trained, runs_here, stripes):
    found = search(stripes, {"learning_rate": RATES}, epochs=9, sampler="grid", trials=None)
    assert found.best.learning_rate == max(RATES, key=lambda rate: accuracy(rate, 9)) == 0.02
    reached, expected = {1: [], 3: []}, []
    for rate in dict.fromkeys(rate for rate, _ in trained):  # by hand, in the order of the trials
        for epoch in range(1, 10):
            expected.append((rate, epoch))
            if epoch in reached:
                rung = reached[epoch]
                rung.append(accuracy(rate, epoch))
                if sorted(rung, reverse=True).index(rung[-1]) >= max(1, len(rung) // 3):
                    break
    assert trained == expected and 9 + 2 + 6 <= len(trained) < 81
    assert found.best_run.record["dataset"] == runs.describe_dataset(stripes)
    finished = [trial for trial in found.study.trials if trial.state.name == "COMPLETE"]
    left = {path.name for path in runs_here.glob("tutorial-*")}  # pruned trials leave nothing
    assert left == {trial.user_attrs["run"] for trial in finished}
    lines = plots.search_curves(found).axes[0].lines
    lengths = [len(trial.intermediate_values) for trial in found.study.trials]
    assert sorted(len(line.get_xdata()) for line in lines) == sorted(lengths)
    dots = np.concatenate([dots.get_offsets() for dots in plots.search_slices(found).axes[0].collections])
    assert {(RATES[int(x)], y) for x, y in dots} == {
        (found.values(t)["learning_rate"], t.value) for t in found.study.trials
    }
    assert f"{9 - len(finished)} pruned" in plots.describe_search_curves(found)
    assert "learning rate 0.02" in plots.describe_search_slices(found)


@pytest.mark.parametrize("storage", [None, "sqlite:///{}/searches.db"], ids=["journal", "sqlite"])
def test_a_grid_has_each_combination_once_also_when_it_is_interrupted(trained, stripes, tmp_path, storage, monkeypatch):
    space, train = {"learning_rate": [0.1, 0.02], "widths": [[4, 8], [8, 8], [8]]}, loop.train
    options = {"sampler": "grid", "storage": storage and storage.format(tmp_path), "trials": None, "epochs": 1}
    for _ in range(5):  # stopped in its second trial, five times
        calls = iter([train])
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(loop, "train", lambda *a, calls=calls, **k: next(calls, interrupt)(*a, **k))
            search(stripes, space, **options)
    found = search(stripes, space, **options)
    assert sorted(
        (found.recipe_of(trial).learning_rate, found.recipe_of(trial).widths) for trial in found.study.trials
    ) == [(rate, widths) for rate in (0.02, 0.1) for widths in ((4, 8), (8,), (8, 8))]
    assert len(trained) == 6
    head, best = (line.split() for line in found.table().splitlines()[:2])
    assert head == ["trial", "learning_rate", "widths", "epochs", "validation", "state"]
    assert best[1:] == ["0.02", "/".join(map(str, found.best.widths)), "1", "35.4%", "finished"]  # 0.9 * (1 - e^-0.5)


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_random_values_fill_the_range_and_do_not_repeat_after_a_resume(trained, stripes):
    space = {"learning_rate": Between(1e-4, 1e-1), "shift": Between(1, 4)}
    for trials in (30, 60, 90):
        found = search(stripes, space, sampler="random", pruner=None, trials=trials)
    values = [found.values(trial) for trial in found.study.trials]
    rates = np.array([value["learning_rate"] for value in values])
    assert len(set(rates)) == 90 and rates.min() >= 1e-4 and rates.max() <= 1e-1
    # A third of the draws in each power of ten, within four standard deviations of a binomial.
    counts = np.histogram(np.log10(rates), bins=[-4, -3, -2, -1])[0]
    assert np.abs(counts - 30).max() < 4 * np.sqrt(90 * 1 / 3 * 2 / 3)
    assert {value["shift"] for value in values} == {1, 2, 3, 4}


def test_a_trial_that_fails_is_named_and_the_others_continue(runs_here, stripes):
    base = recipes.get("tutorial", optimizer="sgd", batch_size=100, epochs=1)
    options = {"sampler": "grid", "progress": False}
    found = experiments.search(stripes, base, {"learning_rate": [1e20, -1, 0.01, "much"]}, **options)
    assert found.best.learning_rate == 0.01
    problems = {trial.params["learning_rate"]: trial.user_attrs.get("problem") for trial in found.study.trials}
    assert "no longer a number" in problems[1e20] and "above 0" in problems[-1] and "cannot have" in problems["much"]
    assert [path.parent.name for path in runs_here.glob("*/start.json")] == [found.best_run.folder.name]
    share = (
        found.best_run.load_model().predict(stripes.validation.images, verbose=0).argmax(1) == stripes.validation.labels
    )
    assert found.best_trial.value == pytest.approx(share.mean())
    failed = experiments.search(stripes, base, {"learning_rate": [-1]}, **options)
    with pytest.raises(ValueError, match=r"No trial of .* has finished\. learning_rate must be above 0"):
        _ = failed.best


@pytest.mark.parametrize(("hours", "is_trained"), [(2, True), (0.5, False)])
def test_a_trial_of_another_machine_is_trained_again_after_an_hour(
    trained, runs_here, stripes, hours, is_trained, monkeypatch
):
    monkeypatch.setattr(recipe_search.time, "sleep", interrupt)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recipe_search.socket, "gethostname", lambda: "another")
        patch.setattr(recipe_search.time, "time", lambda now=time.time(): now - 3600 * hours)
        patch.setattr(loop, "train", interrupt)
        search(stripes, {"learning_rate": [0.1]}, trials=1)
    if is_trained:
        assert search(stripes, {"learning_rate": [0.1]}, trials=1).best_trial.number == 0
    else:
        with pytest.raises(KeyboardInterrupt):  # it waits
            search(stripes, {"learning_rate": [0.1]}, trials=1)


CHILD = """
import sys, time
from pathlib import Path
from cifar_lab.core import paths
from cifar_lab.training import loop
from tests.experiments import test_search

paths.runs_folder, real = lambda: Path(sys.argv[1]), loop.batches

def batches(*arguments, **options):
    for batch in real(*arguments, **options):
        time.sleep(0.2)
        yield batch

loop.batches = batches
Path(sys.argv[2]).touch()
while len([*Path(sys.argv[2]).parent.glob("ready*")]) < 2:
    time.sleep(0.05)
test_search.real_search()
"""


def real_search():
    base = recipes.get("tutorial", batch_size=100, epochs=2)
    space = {"learning_rate": Between(1e-5, 0.01)}
    return experiments.search(
        make_stripes(), base, space, trials=6, sampler="random", pruner=None, name="six", progress=False
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_of_two_processes_one_is_killed_and_the_other_finishes_each_trial_once(runs_here, tmp_path, monkeypatch):
    commands = [[sys.executable, "-c", CHILD, str(runs_here), str(tmp_path / f"ready{i}")] for i in (1, 2)]
    first, second = (subprocess.Popen(command, cwd=os.getcwd()) for command in commands)
    deadline = time.monotonic() + 300
    while len(running := [*runs_here.glob("tutorial-trial*/checkpoint.npz")]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    first.kill()
    assert first.wait() == -signal.SIGKILL and second.wait(timeout=300) == 0 and len(running) == 2
    found = real_search()
    assert [trial.state.name for trial in found.study.trials] == ["COMPLETE"] * 6
    assert len([*runs_here.glob("tutorial-trial*")]) == 6  # the killed trial was resumed in its folder
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "unbroken")
    unbroken = real_search()
    assert [trial.params for trial in unbroken.study.trials] == [trial.params for trial in found.study.trials]
    assert [trial.intermediate_values for trial in unbroken.study.trials] == [
        trial.intermediate_values for trial in found.study.trials
    ]
    assert unbroken.best_run.record["weights_sha256"] == found.best_run.record["weights_sha256"]


@pytest.mark.parametrize(
    ("space", "options", "sentence"),
    [
        ({}, {}, "Give at least one field"),
        ({"learning_rate": 0.1}, {}, "learning_rate needs a list"),
        ({"learning_rate": []}, {}, "learning_rate needs a list"),
        ({"depth": [1]}, {}, "A search cannot change depth"),
        ({"learning_rate": [0.1]}, {"trials": None}, "number of trials must be given"),
        ({"learning_rate": [0.1]}, {"sampler": "best"}, "none of those"),
        ({"learning_rate": Between(0.1, 1)}, {"sampler": "grid"}, "A grid needs lists"),
        ({"epochs": [1, 2]}, {}, "add pruner=None"),
        ({"learning_rate": [0.1]}, {"storage": __file__}, "cannot be opened as storage"),
        ({"learning_rate": [0.1]}, {"storage": "mysql://me:secret@nowhere/x"}, "database cannot be opened(?!.*secret)"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused(trained, stripes, space, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        search(stripes, space, **options)
    assert trained == []


def test_a_name_belongs_to_one_search_and_a_range_needs_two_numbers(trained, stripes):
    search(stripes, {"learning_rate": [0.1]}, name="mine", trials=1)
    with pytest.raises(ValueError, match="The search mine exists already with another space: give"):
        search(stripes, {"learning_rate": [0.2]}, name="mine", trials=1)
    with pytest.raises(ValueError, match="another dataset"):
        search(make_stripes(1), {"learning_rate": [0.1]}, name="mine", trials=1)
    for low, high in ((0, 1), (2, 1), (1, 1), (-1, 1)):
        with pytest.raises(ValueError, match="needs two numbers"):
            Between(low, high)


def test_the_command_searches_ranges_and_widths_and_records_no_password(
    trained, runs_here, stripes, tmp_path, monkeypatch
):
    replace_load(monkeypatch, lambda *_, **__: stripes)
    url = f"sqlite:///{tmp_path}/secret.db"
    tried = ("--try", "widths=4/8/8,8/8/8", "--try", "l2=1e-5..1e-3", "--try", "whitening=true", "--storage", url)
    result = lab("search", "--recipe", "fast-mini", *tried, "--trials", 4, "--epochs", 1, "--pruner", "none")
    assert result.exit_code == 0, result.output
    [study] = optuna.get_all_study_summaries(url)
    assert study.n_trials == 4
    found = [runs.open_run(path.parent).record for path in runs_here.glob("*/run.json")]
    assert all(1e-5 <= run["recipe"]["l2"] <= 1e-3 and len(run["recipe"]["widths"]) == 3 for run in found)
    assert len(found) == 4 and not any("secret" in run["command"] for run in found)
    assert result.output.splitlines()[-1].startswith("Best: trial")


@pytest.mark.parametrize(
    ("tried", "sentence"),
    [
        ("seed=1,2", "expected FIELD=VALUES"),
        ("batch_size=many", "invalid literal"),
        ("whitening=yes", "expected true or false"),
        ("learning_rate=1..0.1", "needs two numbers"),
    ],
)
def test_the_command_refuses_with_a_sentence(trained, runs_here, tried, sentence):
    result = lab("search", "--try", tried)
    assert result.exit_code == 2 and sentence in " ".join(result.output.split()) and not runs_here.exists()


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
