"""Run records written by hand."""

import json
from pathlib import Path

from cifar_lab.training import recipes


def run_card(
    seed: int = 0, *, recipe="tutorial", validation=0.5, test=None, minutes=1.0, images="A", **changes
) -> dict:
    """Return a record as training and evaluation write it; `images` identifies the test images."""
    dataset = {
        "name": "stripes",
        "origin": "Made by the tests.",
        "class_names": ["level", "upright"],
        "sizes": {"train": 200, "validation": 60, "test": 40},
        "fingerprint": f"all of {images}",
        "test_fingerprint": f"test of {images}",
    }
    metrics = {"validation": {"accuracy": validation, "loss": 1.0}, "parameters": 167_562, "best_epoch": 1}
    if test is not None:
        about = {"dataset": "stripes", "test_fingerprint": dataset["test_fingerprint"], "test_count": 40}
        metrics["test"] = {"accuracy": test, "calibration_error": 0.02} | about
    return {
        "format": 1,
        "recipe": recipe if isinstance(recipe, dict) else recipes.get(recipe, seed=seed).to_dict(),
        "dataset": dataset,
        "metrics": metrics,
        "history": [],
        "model_bytes": 2_000_000,
        "minutes": minutes,
        "finished": f"2026-01-01T00:00:{seed:02d}+00:00",
        "versions": {"backend": "tensorflow"},
    } | changes


def write_run(folder: Path, name: str, card: dict) -> None:
    """Write a record to where that of a finished run is."""
    (folder / name).mkdir(parents=True)
    (folder / name / "run.json").write_text(json.dumps(card))
