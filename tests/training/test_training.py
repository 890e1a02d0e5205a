"""Training: what is learnt, what is written, and that a killed run ends as an unbroken one."""

import json
import os
import signal
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from cifar_lab import models, training
from cifar_lab.core.keras_backend import build_metrics
from cifar_lab.data.dataset import Split
from cifar_lab.training import loop, recipes, runs
from cifar_lab.training.recipe import COMPUTE_PRECISIONS
from tests.helpers import interruption

SAME = ("recipe", "dataset", "metrics", "history", "weights_sha256")  # what killing a run must not change


@pytest.fixture
def runs_here(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    return tmp_path / "runs"


def test_learns_what_can_be_learnt(runs_here, stripes):
    run = training.train(stripes, epochs=4, progress=False)
    assert run.record["metrics"]["validation"]["accuracy"] > 0.9  # two directions of stripes: chance is 0.5
    assert run.history[-1]["loss"] < run.history[0]["loss"]


def test_card_agrees_with_an_evaluation_of_the_saved_network(runs_here, stripes):
    run = training.train(stripes, epochs=3, learning_rate=0.01, progress=False)
    probabilities = run.load_model().predict(stripes.validation.images, verbose=0)
    accuracy = np.mean(probabilities.argmax(axis=1) == stripes.validation.labels)
    stated = run.record["metrics"]["validation"]["accuracy"]
    assert stated == pytest.approx(accuracy)
    assert stated == max(row["validation_accuracy"] for row in run.history)  # the best epoch, not the last


def test_the_test_split_is_not_looked_at(runs_here, stripes):
    spoilt = Split(images=np.zeros_like(stripes.test.images), labels=stripes.test.labels)
    changed = type(stripes)(
        stripes.name, stripes.class_names, stripes.train, stripes.validation, spoilt, stripes.origin
    )
    first, second = (training.train(d, epochs=1, progress=False) for d in (stripes, changed))
    assert first.record["weights_sha256"] == second.record["weights_sha256"]


def test_seed_fixes_the_run_and_another_seed_changes_it(runs_here, stripes):
    first, again, other = (training.train(stripes, epochs=1, seed=s, progress=False) for s in (1, 1, 2))
    assert {key: first.record[key] for key in SAME} == {key: again.record[key] for key in SAME}
    assert first.record["weights_sha256"] != other.record["weights_sha256"]
    assert len({first.folder, again.folder, other.folder}) == 3  # nothing is overwritten


def test_batches_show_every_image_once_in_another_order_each_epoch(stripes):
    numbered = Split(images=stripes.train.images, labels=np.arange(len(stripes.train)))
    orders = []
    for epoch in (0, 1):
        labels = [labels for _, labels in training.batches(numbered, 7, seed=0, epoch=epoch)]
        assert {len(batch) for batch in labels[:-1]} == {7}
        orders.append(np.concatenate(labels))
        assert sorted(orders[-1]) == list(range(len(numbered)))
    assert not np.array_equal(*orders)


CHILD = textwrap.dedent(
    """
    import os, signal, sys
    from pathlib import Path
    from cifar_lab import training
    from cifar_lab.training import loop
    from cifar_lab.core import paths
    from tests.conftest import make_stripes

    folder, kill_after = Path(sys.argv[1]), int(sys.argv[2])
    paths.runs_folder = lambda: folder
    steps = 0
    real = loop.batches

    def deadly(*arguments, **options):
        global steps
        for batch in real(*arguments, **options):
            steps += 1
            if steps == kill_after:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    loop.batches = deadly
    training.train(make_stripes(), epochs=4, seed=5, progress=False, resume=True)
    """
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_a_run_killed_twice_ends_as_an_unbroken_one(tmp_path, runs_here, stripes):
    def start(kill_after):
        command = [sys.executable, "-c", CHILD, str(tmp_path / "killed"), str(kill_after)]
        return subprocess.run(command, cwd=os.getcwd(), capture_output=True, text=True, timeout=300)

    steps = -(-len(stripes.train) // recipes.get("tutorial").batch_size)
    assert start(steps + 2).returncode == -signal.SIGKILL  # in the second epoch
    assert start(steps + 1).returncode == -signal.SIGKILL  # resumed, and killed in the third
    last = start(10_000)
    assert last.returncode == 0, last.stderr
    [folder] = (tmp_path / "killed").iterdir()  # one run, gone on with twice
    unbroken = training.train(stripes, epochs=4, seed=5, progress=False)
    killed = runs.open_run(folder)
    assert {key: killed.record[key] for key in SAME} == {key: unbroken.record[key] for key in SAME}


def test_a_resumed_run_keeps_the_state_of_random_layers(runs_here, stripes, monkeypatch):
    """Dropout and batch normalisation carry state that is no weight in the narrow sense."""
    from cifar_lab import models
    from cifar_lab.core.keras_backend import keras

    def random_layers(class_count, input_size):
        pixels = keras.Input((input_size, input_size, 3), dtype="uint8")
        hidden = keras.layers.Dense(8)(keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pixels)))
        hidden = keras.layers.Dropout(0.5)(keras.layers.BatchNormalization()(hidden))
        return keras.Model(pixels, keras.layers.Dense(class_count, activation="softmax")(hidden))

    monkeypatch.setitem(models.BUILDERS, "random layers", random_layers)
    unbroken = training.train(stripes, model="random layers", epochs=3, progress=False)
    with interruption.in_epoch(2):
        training.train(stripes, model="random layers", epochs=3, progress=False)
    resumed = training.train(stripes, model="random layers", epochs=3, progress=False, resume=True)
    assert {key: resumed.record[key] for key in SAME} == {key: unbroken.record[key] for key in SAME}


# The fast recipe in small: the same tricks, and an epoch in a moment.
SMALL_FAST = {"recipe": "fast", "widths": (6, 8, 8), "batch_size": 40, "learning_rate": 0.06, "zoom": 0.2, "cutout": 3}
SMALL_FAST |= {"start_size": 12, "plain_epochs": 1}  # 12 pixels, of 16


@pytest.mark.parametrize("precision", COMPUTE_PRECISIONS)
def test_the_fast_recipe_learns(runs_here, stripes, precision):
    recipe = SMALL_FAST | {"batch_size": 20, "learning_rate": 0.5, "precision": precision}  # few images: longer steps
    run = training.train(stripes, **recipe, epochs=6, progress=False)
    assert run.record["metrics"]["validation"]["accuracy"] > 0.9
    assert run.record["metrics"]["best_epoch"] == 6  # the last one, whatever the others had
    probabilities = run.load_model().predict(stripes.validation.images, verbose=0)
    accuracy = np.mean(probabilities.argmax(axis=1) == stripes.validation.labels)
    assert run.record["metrics"]["validation"]["accuracy"] == pytest.approx(accuracy)  # folded, as it is on disk


def test_a_resumed_fast_run_ends_as_an_unbroken_one(runs_here, stripes, monkeypatch):
    """After the fourth epoch: the first layer is frozen by then, and look-ahead has a second network to remember."""
    unbroken = training.train(stripes, **SMALL_FAST, epochs=6, progress=False)
    with interruption.in_epoch(5):
        training.train(stripes, **SMALL_FAST, epochs=6, progress=False)
    resumed = training.train(stripes, **SMALL_FAST, epochs=6, progress=False, resume=True)
    assert {key: resumed.record[key] for key in SAME} == {key: unbroken.record[key] for key in SAME}


OFF = {
    "whitening": False,
    "identity_start": False,
    "look_ahead": False,
    "bias_rate": 1.0,
    "label_smoothing": 0.0,
    "schedule": "constant",
    "l2": 0.0,
    "flip": "random",
    "shift": 0,
    "zoom": 0.0,
    "cutout": 0,
    "start_size": 0,
    "plain_epochs": 0,
}


@pytest.fixture(scope="module")
def all_tricks(tmp_path_factory):
    from tests.conftest import make_stripes

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("all tricks")
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder)
        return training.train(make_stripes(), **SMALL_FAST, epochs=2, progress=False).record["weights_sha256"]


@pytest.mark.parametrize("trick", OFF)
def test_each_trick_can_be_switched_off(runs_here, stripes, all_tricks, trick):
    recipe = SMALL_FAST | {trick: OFF[trick]}
    without = training.train(stripes, **recipe, epochs=2, progress=False)
    assert without.record["recipe"][trick] == OFF[trick]
    assert without.record["weights_sha256"] != all_tricks


def test_a_run_says_how_long_it_will_take_here(runs_here, stripes, capsys):
    training.train(stripes, **SMALL_FAST, epochs=6)
    said = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("measured here: what is left will take about") for line in said) == 1


def test_images_grow_to_their_own_size():
    recipe = recipes.get("fast", epochs=6, start_size=16)
    assert [recipe.image_size(epoch, 32) for epoch in range(6)] == [16, 20, 24, 28, 32, 32]
    assert [recipes.get("fast", epochs=2).image_size(epoch, 32) for epoch in range(2)] == [32, 32]


def test_the_last_epochs_may_be_plain():
    recipe = recipes.get("fast", epochs=4, zoom=0.25, cutout=8, plain_epochs=1)
    strong, plain = recipe.augmentation_in(2), recipe.augmentation_in(3)
    assert (strong.zoom, strong.cutout, strong.shift, strong.flip) == (0.25, 8, 2, "alternating")
    assert (plain.zoom, plain.cutout, plain.shift, plain.flip) == (0, 0, 2, "alternating")


def test_recipes_survive_json():
    for recipe in recipes.RECIPES.values():
        assert json.loads(json.dumps(recipe.to_dict())) == recipe.to_dict()
    assert recipes.get("fast").to_dict()["widths"] == [64, 128, 128]


def test_resume_starts_anew_when_the_recipe_or_the_pictures_differ(runs_here, stripes, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "evaluate_in_batches", stop)
    with pytest.raises(KeyboardInterrupt):
        training.train(stripes, epochs=2, progress=False)
    monkeypatch.undo()
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: runs_here)
    training.train(stripes, epochs=1, progress=False, resume=True)
    assert len(list(runs_here.iterdir())) == 2
    training.train(stripes, epochs=2, progress=False, resume=True)
    assert len(list(runs_here.iterdir())) == 2


def test_interrupting_says_how_to_go_on(runs_here, stripes, monkeypatch, capsys):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "evaluate_in_batches", stop)
    with pytest.raises(KeyboardInterrupt):
        training.train(stripes, epochs=2)
    assert "resume" in capsys.readouterr().out


def test_a_loss_that_explodes_ends_with_a_sentence(runs_here, stripes):
    with pytest.raises(ValueError, match=r"no longer a number after epoch 1.*smaller learning_rate than 1e\+20"):
        training.train(stripes, optimizer="sgd", learning_rate=1e20, epochs=2, progress=False)


def test_a_damaged_checkpoint_is_named(runs_here, stripes, monkeypatch):
    recipe = recipes.get("tutorial", epochs=2)
    folder = runs.start_run(recipe, runs.describe_dataset(stripes))
    (folder / "checkpoint.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(ValueError, match=r"checkpoint\.npz does not fit this run"):
        training.train(stripes, recipe, resume=True, progress=False)


def test_a_network_that_is_not_the_cards_is_refused(runs_here, stripes):
    run = training.train(stripes, epochs=1, progress=False)
    path = run.folder / "model.keras"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="not the network that its record describes"):
        run.load_model()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1"),
        ({"learning_rate": -1.0}, "learning_rate must be above 0"),
        ({"learning_rat": 0.1}, "A recipe has no learning_rat"),
        ({"recipe": "fastest"}, "There is no recipe 'fastest'. Choose one of: digits, distilled, fast"),
        ({"whitening": True}, "the network 'tutorial' has no whitening layer"),
        ({"widths": (8, 8)}, "widths"),
        ({"widths": (8, 0)}, "widths must be whole numbers above 0"),
        ({"recipe": "fast", "widths": (4, 4, 4, 4, 4)}, "cannot be built with input_size 16"),
        ({"precision": "float8"}, "precision must be float32 or bfloat16"),
        ({"precision": "bfloat16"}, "precision is for the fast network; 'tutorial' computes with float32"),
        ({"momentum": 1.0}, "momentum and label_smoothing must be from 0 to below 1"),
        ({"schedule": "cosine"}, "schedule must be constant or triangle"),
        ({"flip": "left"}, "flip must be one of none, random, alternating"),
        ({"optimizer": "adamm"}, "There is no optimizer 'adamm'"),
        ({"model": "resnet"}, "There is no network 'resnet'"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused_before_anything_is_written(runs_here, stripes, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        training.train(stripes, **changes)
    assert not runs_here.exists()


def test_the_metrics_are_there_before_the_first_step(stripes):
    """Made within it, they would have TensorFlow trace it twice."""
    model = models.build("tutorial", class_count=2, input_size=16)
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    build_metrics(model)
    before = [variable.path for variable in model.metrics_variables]
    assert len(before) == 4  # two sums, two counts
    assert all(float(variable) == 0 for variable in model.metrics_variables)
    model.train_on_batch(stripes.train.images[:4], stripes.train.labels[:4])
    assert [variable.path for variable in model.metrics_variables] == before
