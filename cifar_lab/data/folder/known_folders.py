"""Remember on this machine where loaded folders are, since cards never contain paths."""

import json
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.data.dataset import Dataset


def remember(dataset: Dataset, place: Path) -> None:
    """Remember the folder or CSV file of a dataset."""
    facts = {name: getattr(dataset, name) for name in ("name", "origin", "class_names", "options")}
    files.write_json(_note(facts), {"place": str(place.expanduser().absolute())})


def recall(facts: dict) -> Path | None:
    """Return the folder or CSV file of a dataset, or `None` if it is unknown or gone.

    Args:
        facts: the description of the dataset on a card.
    """
    try:
        place = Path(json.loads(_note(facts).read_text(encoding="utf-8"))["place"])
        return place if place.exists() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _note(facts: dict) -> Path:
    key = [facts.get("name"), facts.get("origin"), list(facts.get("class_names", ())), facts.get("options")]
    name = files.sha256_of(json.dumps(key, sort_keys=True).encode())
    return paths.data_folder() / "folders" / "places" / f"{name}.json"
