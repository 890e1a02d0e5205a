"""Run cards: what a training run leaves behind in `runs/`, and how to find it again."""

import json
import os
import platform
import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from cifar_lab import files, paths
from cifar_lab.recipes import Recipe

CARD, START, MODEL = "card.json", "start.json", "model.keras"


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        folder: where it lies; holds `card.json` and `model.keras`, the network of the best epoch.
        card: the run card: recipe, dataset, metrics, history, minutes, machine, versions.
    """

    folder: Path
    card: dict

    @property
    def history(self) -> list[dict]:
        """One dictionary an epoch: epoch, loss, accuracy, validation_loss, validation_accuracy."""
        return self.card["history"]

    def load_model(self):
        """The trained Keras network, after checking that its file is the one the card speaks of.

        Raises:
            ValueError: the file is missing or its SHA-256 is another.
        """
        from cifar_lab.backend import keras  # here, so that listing runs costs no TensorFlow

        path = self.folder / MODEL
        if not path.is_file() or files.sha256(path) != self.card["model_sha256"]:
            raise ValueError(f"{path} is not the network that its run card describes. Train it again.")
        return keras.saving.load_model(path, compile=False, safe_mode=True)

    def record(self, **metrics: dict) -> "Run":
        """Add metrics to the card on disk, such as `test={...}`, and return the run with them."""
        card = self.card | {"metrics": self.card["metrics"] | metrics}
        files.write_json(self.folder / CARD, card)
        return Run(self.folder, card)


def open_run(run: str | Path) -> Run:
    """Open a finished run by its name in `runs/`, or by its folder.

    Raises:
        ValueError: there is no such run, it has not finished, or its card cannot be read.
    """
    folder = next((path for path in (Path(run), paths.runs_folder() / run) if path.is_dir()), None)
    if folder is None:
        newest = ", ".join(path.name for path in finished_folders()[-5:]) or "none yet"
        raise ValueError(f"There is no run {str(run)!r}. The newest finished runs: {newest}.")
    if not (folder / CARD).is_file():
        raise ValueError(f"The run {folder.name} has not finished. Go on with: cifar-lab train --resume")
    try:
        return Run(folder, json.loads((folder / CARD).read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ValueError(f"The run card {folder / CARD} cannot be read: {error}") from error


def finished_folders() -> list[Path]:
    """The folders of all finished runs, oldest first."""
    cards = paths.runs_folder().glob(f"*/{CARD}")
    return [card.parent for card in sorted(cards, key=lambda card: card.stat().st_mtime)]


def start(recipe: Recipe, dataset_facts: dict) -> Path:
    """Make the folder of a new run, under a name that no other run has."""
    stem = re.sub(r"[^A-Za-z0-9.]+", "-", f"{recipe.name}-{dataset_facts['name']}-seed{recipe.seed}")
    number = 1
    while True:
        folder = paths.runs_folder() / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)  # fails if it exists: two runs that start at once get two folders
            break
        except FileExistsError:
            number += 1
    files.write_json(folder / START, {"recipe": recipe.to_dict(), "dataset": dataset_facts})
    return folder


def find_unfinished(recipe: Recipe, dataset_facts: dict) -> Path | None:
    """The newest run of just this recipe on just this dataset that has no card yet, or `None`."""
    starts = paths.runs_folder().glob(f"*/{START}")
    for path in sorted(starts, key=lambda path: path.stat().st_mtime, reverse=True):
        begun = json.loads(path.read_text(encoding="utf-8"))
        same = begun["recipe"] == recipe.to_dict() and begun["dataset"]["fingerprint"] == dataset_facts["fingerprint"]
        if same and not (path.parent / CARD).exists():
            return path.parent
    return None


def machine() -> dict:
    """The machine in words, for a card: processor family, cores, system."""
    return {"processor": platform.machine(), "cores": os.cpu_count(), "system": platform.system()}


def versions() -> dict:
    """The versions that a result depends on, by package."""
    packages = ("cifar-lab", "keras", "tensorflow", "numpy", "pillow")
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:  # a torch or jax user may have no tensorflow
            continue
    return found
