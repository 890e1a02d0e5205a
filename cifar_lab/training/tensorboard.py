"""A run's curves for TensorBoard, written with `tf.summary`: `training.train(dataset, tensorboard=True)`."""

import shutil

from cifar_lab.training.callbacks import Callback

FOLDER = "tensorboard"


class TensorBoard(Callback):
    """Write loss and accuracy of every epoch, in training and validation, to the run's folder `tensorboard`."""

    def on_epoch_begin(self, job) -> None:
        if hasattr(self, "_writers"):
            return
        import tensorflow as tf

        folder = job.folder / FOLDER
        shutil.rmtree(folder, ignore_errors=True)  # a resumed run writes the epochs of its checkpoint again
        self._writers = {split: tf.summary.create_file_writer(str(folder / split)) for split in ("train", "validation")}
        for row in job.state.history:
            self.on_epoch_end(job, row)

    def on_epoch_end(self, job, row) -> None:
        import tensorflow as tf

        # What `tf.summary.scalar` sets: that function needs the package tensorboard, `write` does not.
        scalar = tf.compat.v1.SummaryMetadata(plugin_data={"plugin_name": "scalars"}, data_class="DATA_CLASS_SCALAR")
        for split, writer in self._writers.items():
            with writer.as_default(step=row["epoch"]):
                for name in ("loss", "accuracy"):
                    value = tf.constant(row[name if split == "train" else f"validation_{name}"], tf.float32)
                    tf.summary.write(f"epoch_{name}", value, metadata=scalar)
            writer.flush()
