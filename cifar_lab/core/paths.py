"""Where things lie: one place that knows the folders, so that no other module builds a path by hand."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent.parent


def home() -> Path:
    """The folder that holds `data/` and `runs/`: the checkout, or the current folder for an installed copy."""
    return _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else Path.cwd()


def data_folder() -> Path:
    """Where downloads land (`data/`, ignored by git)."""
    return home() / "data"


def models_folder() -> Path:
    """Where classifiers are looked up by name: `CIFAR_LAB_MODELS`, else `data/models/`."""
    return Path(os.environ.get("CIFAR_LAB_MODELS") or data_folder() / "models").expanduser()


def keras_folder() -> Path:
    """Where Keras keeps what it has fetched: `KERAS_HOME`, else `.keras` in the home folder."""
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")


def runs_folder() -> Path:
    """Where training runs leave their checkpoints and run cards (`runs/`, ignored by git)."""
    return home() / "runs"
