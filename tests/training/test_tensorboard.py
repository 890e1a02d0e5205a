"""TensorBoard's event files, read back with TensorFlow's own reader, which checks the checksums."""

import types

import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from cifar_lab.training.tensorboard import TensorBoard


@pytest.mark.parametrize("start", [0, 1], ids=["new run", "resumed run"])
def test_epochs_are_read_back_by_tensorflow(tmp_path, start):
    history = [
        {"epoch": 1, "loss": 2.5, "accuracy": 0.125, "validation_loss": 2.25, "validation_accuracy": 0.25},
        {"epoch": 2, "loss": 0.5, "accuracy": 0.75, "validation_loss": 0.625, "validation_accuracy": 0.5},
    ]
    for first in range(start + 1):  # the resumed run finds the files of both epochs
        callback, job = TensorBoard(), types.SimpleNamespace(folder=tmp_path)
        job.state = types.SimpleNamespace(history=history[:first])
        for row in history[first:]:
            callback.on_epoch_begin(job)
            callback.on_epoch_end(job, row)
    for split, expected in (("train", [2.5, 0.125, 0.5, 0.75]), ("validation", [2.25, 0.25, 0.625, 0.5])):
        [path] = (tmp_path / "tensorboard" / split).iterdir()
        events = [event_pb2.Event.FromString(record.numpy()) for record in tf.data.TFRecordDataset(str(path))]
        values = [(event.step, value.tag, value.tensor) for event in events for value in event.summary.value]
        assert [(step, tag) for step, tag, _ in values] == [
            (step, tag) for step in (1, 2) for tag in ("epoch_loss", "epoch_accuracy")
        ]
        assert [float(tf.make_ndarray(tensor)) for *_, tensor in values] == expected
