"""TensorBoard's event files, read back with TensorFlow's own reader, which checks the checksums."""

import pytest
import tensorflow as tf
from click.testing import CliRunner
from tensorflow.core.util import event_pb2

from cifar_lab import training
from cifar_lab.cli import main
from cifar_lab.core.keras_backend import keras
from cifar_lab.training import build, loop
from cifar_lab.training.tensorboard import EventLog
from tests.helpers.datasets import replace_load

HISTORY = [
    {"epoch": 1, "loss": 2.5, "accuracy": 0.125, "validation_loss": 2.25, "validation_accuracy": 0.25},
    {"epoch": 300, "loss": 0.5, "accuracy": 0.75, "validation_loss": 0.625, "validation_accuracy": 0.5},
]


def curves(folder, split: str) -> dict[str, list[tuple[int, float]]]:
    """What the one event file of a split holds, by the name of the curve."""
    [path] = (folder / "tensorboard" / split).iterdir()
    first, *events = (event_pb2.Event.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path)))
    assert first.file_version == "brain.Event:2" and first.wall_time > 1e9
    found = {}
    for event in events:
        for value in event.summary.value:
            found.setdefault(value.tag, []).append((event.step, value.simple_value))
    return found


def test_epochs_are_read_back_by_tensorflow(tmp_path):
    log = EventLog(tmp_path, HISTORY[:1])
    log.add(HISTORY[1])
    assert curves(tmp_path, "train") == {
        "epoch_loss": [(1, 2.5), (300, 0.5)],
        "epoch_accuracy": [(1, 0.125), (300, 0.75)],
    }
    expected = {"epoch_loss": [(1, 2.25), (300, 0.625)], "epoch_accuracy": [(1, 0.25), (300, 0.5)]}
    assert curves(tmp_path, "validation") == expected


def test_another_start_has_the_epochs_behind_it_once(tmp_path, monkeypatch):
    log = EventLog(tmp_path, HISTORY[:1])
    log.add(HISTORY[1])  # and killed before the checkpoint: the epoch is trained again
    monkeypatch.setattr("cifar_lab.training.tensorboard.time.time", lambda: 2e9)
    EventLog(tmp_path, HISTORY[:1]).add(HISTORY[1])
    assert [step for step, _ in curves(tmp_path, "train")["epoch_loss"]] == [1, 300]


@pytest.fixture
def cheap(tmp_path, monkeypatch):
    """Training whose network is one number, and whose epochs cost nothing; gives what validation says, in order."""
    said = []

    def network(*_):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
        model.compile("sgd", "mse")
        model.optimizer.build(model.trainable_variables)
        return model

    def validate(*_):
        if (accuracy := said.pop(0)) is KeyboardInterrupt:
            raise accuracy
        return {"validation_loss": 1.0, "validation_accuracy": accuracy}

    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path)
    monkeypatch.setattr(build, "build_model", network)
    monkeypatch.setattr(loop, "batches", lambda *_, **__: ())
    monkeypatch.setattr(loop, "evaluate_in_batches", validate)
    return said


def test_a_resumed_run_goes_on_with_its_curves(cheap, stripes):
    cheap += [0.25, 0.5, KeyboardInterrupt, 0.75]
    with pytest.raises(KeyboardInterrupt):
        training.train(stripes, epochs=3, progress=False, tensorboard=True)
    run = training.train(stripes, epochs=3, progress=False, resume=True)  # said once is enough
    assert curves(run.folder, "validation")["epoch_accuracy"] == [(1, 0.25), (2, 0.5), (3, 0.75)]


def test_there_are_no_curves_unless_asked_for(cheap, stripes):
    cheap += [0.5]
    assert not (training.train(stripes, epochs=1, progress=False).folder / "tensorboard").exists()


def test_the_command_line_asks_for_curves_and_says_how_to_see_them(cheap, tmp_path, stripes, monkeypatch):
    cheap += [0.5]
    replace_load(monkeypatch, lambda *_, **__: stripes)
    result = CliRunner().invoke(main, ["train", "--epochs", "1", "--tensorboard"])
    assert f"tensorboard --logdir {tmp_path}" in result.output and "pip install tensorboard" in result.output
    assert [step for step, _ in curves(tmp_path / "tutorial-stripes-seed0", "train")["epoch_loss"]] == [1]
