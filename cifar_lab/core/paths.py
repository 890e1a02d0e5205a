"""The folders of the lab, defined in one place."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent.parent


def home() -> Path:
    """Return the folder that contains `data/` and `runs/`: the checkout, or the current folder if installed."""
    return _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else Path.cwd()


def data_folder() -> Path:
    """Return the folder for downloads (`data/`, ignored by git)."""
    return home() / "data"


def models_folder() -> Path:
    """Return the folder with the classifiers: `CIFAR_LAB_MODELS`, else `data/models/`."""
    return Path(os.environ.get("CIFAR_LAB_MODELS") or data_folder() / "models").expanduser()


def keras_folder() -> Path:
    """Return the folder for downloads by Keras: `KERAS_HOME`, else `.keras` in the home folder."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def runs_folder() -> Path:
    """Return the folder for training runs, with their checkpoints and run records (`runs/`, ignored by git)."""
    return home() / "runs"
