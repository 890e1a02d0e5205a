"""Where the folders lie that were loaded: known to this machine only, since no card names a path."""

import json
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.data.dataset import Dataset


def remember(dataset: Dataset, place: Path) -> None:
    """Keep where the pictures of a dataset lie, a folder or CSV file."""
    facts = {name: getattr(dataset, name) for name in ("name", "origin", "class_names", "options")}
    files.write_json(_note(facts), {"place": str(place.expanduser().absolute())})


def recall(facts: dict) -> Path | None:
    """Where the pictures of a dataset lie, or `None` when that is not known or they are no longer there.

    Args:
        facts: what a card says of the dataset.
    """
    try:
        place = Path(json.loads(_note(facts).read_text(encoding="utf-8"))["place"])
        return place if place.exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(facts: dict) -> Path:
    told = [facts.get("name"), facts.get("origin"), list(facts.get("class_names", ())), facts.get("options")]
    name = files.sha256_of(json.dumps(told, sort_keys=True).encode())
    return paths.data_folder() / "folders" / "places" / f"{name}.json"
