"""Checkpoints: the whole state of a training run in one file, so that a killed run resumes exactly.

The file is a plain NumPy archive with the weights, the optimiser's variables, the best weights so far, and metadata as
JSON. It is read with `allow_pickle=False`, so that opening one cannot run code.
"""

import hashlib
import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from cifar_lab.core import files
from cifar_lab.core.keras_backend import keras

FILE_NAME = "checkpoint.npz"


@dataclass
class TrainingState:
    """The progress of a run.

    Attributes:
        epoch: number of finished epochs.
        seconds: total training time, including that before the run was resumed.
        history: one dictionary per finished epoch: epoch, loss, accuracy, validation_loss, validation_accuracy.
        best_epoch: epoch whose weights are kept so far, counted from 1; 0 before the first.
        best_weights: weights of that epoch, or their mean with those of the previous one; one float32 array per
            variable.
    """

    epoch: int = 0
    seconds: float = 0.0
    history: list[dict] = field(default_factory=list)
    best_epoch: int = 0
    best_weights: list[np.ndarray] = field(default_factory=list)

    def add(self, row: dict, *, seconds: float) -> None:
        """Add a finished epoch: its row of the history and its duration."""
        self.history.append(row)
        self.epoch += 1
        self.seconds += seconds

    def keep(self, model: keras.Model, *, keep: str = "best", before: list[np.ndarray] | None = None) -> None:
        """Keep the weights after the latest epoch, if they are the ones to keep so far.

        Args:
            model: the network after the epoch.
            keep: `"best"` keeps the epoch with the highest validation accuracy, anything else the newest.
            before: weights at the beginning of the epoch; if given, their mean with the newest weights is kept.
        """
        if before is not None:
            pairs = zip(before, model.get_weights(), strict=True)
            self.best_epoch, self.best_weights = self.epoch, [(old + new) / 2 for old, new in pairs]
            return
        accuracy = self.history[-1]["validation_accuracy"]
        # On a tie the earlier epoch wins: fewer epochs for the same accuracy.
        if keep == "last" or self.best_epoch == 0 or accuracy > self.best["validation_accuracy"]:
            self.best_epoch, self.best_weights = self.epoch, model.get_weights()

    @property
    def best(self) -> dict:
        """The row of the best epoch."""
        return self.history[self.best_epoch - 1]


def save_checkpoint(folder: Path, model: keras.Model, progress: TrainingState) -> None:
    """Write the state of `model` and its run to `folder`, atomically."""
    facts = {name: getattr(progress, name) for name in ("epoch", "seconds", "history", "best_epoch")}
    arrays = {"facts": np.array(json.dumps(facts))}
    # All variables: without the optimiser's moments or the seeds of dropout layers, a resumed run would diverge.
    arrays |= {f"model_{i}": values for i, values in enumerate(_values(model.variables))}
    arrays |= {f"optimizer_{i}": values for i, values in enumerate(_values(model.optimizer.variables))}
    arrays |= {f"best_{i}": weights for i, weights in enumerate(progress.best_weights)}
    files.write_whole(folder / FILE_NAME, lambda path: np.savez(path, **arrays))


def restore_checkpoint(folder: Path, model: keras.Model) -> TrainingState:
    """Restore a checkpoint into a newly built and compiled `model`.

    Returns:
        The progress of the run; a new `TrainingState` if there is no checkpoint yet.

    Raises:
        ValueError: the file is damaged, or belongs to a different network.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return TrainingState()
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts = json.loads(str(archive["facts"]))
            saved = [*_numbered(archive, "model"), *_numbered(archive, "optimizer")]
            best = _numbered(archive, "best")
        for variable, values in zip([*model.variables, *model.optimizer.variables], saved, strict=True):
            variable.assign(values)
        return TrainingState(best_weights=best, **facts)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} does not fit this run: {error}. Start a new run, without resume.") from error


def weights_sha256(weights: list[np.ndarray]) -> str:
    """Return one SHA-256 of all weights; it is equal only if the weights are equal bit for bit."""
    digest = hashlib.sha256()
    for array in weights:
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _values(variables) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def _numbered(archive, kind: str) -> list[np.ndarray]:
    count = sum(name.startswith(f"{kind}_") for name in archive.files)
    return [archive[f"{kind}_{i}"] for i in range(count)]
