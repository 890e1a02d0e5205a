"""Read, write and group run records."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.experiments import predictions
from cifar_lab.training import runs
from cifar_lab.training.runs import Run


def read_runs(folder: Path | None = None) -> tuple[list[Run], dict[str, str]]:
    """Read the records of all finished runs.

    Args:
        folder: a folder of runs, or of records `NAME.json` from `write_records`; default: `runs/`.

    Returns:
        The runs, oldest first, and one sentence per broken record, by the name of its run.
    """
    folder = folder or paths.runs_folder()
    found, problems = [], {}
    folders = {path: path.parent for path in runs.record_paths(folder)}
    folders |= {path: path.with_suffix("") for path in folder.glob("*.json")}
    for path, run_folder in sorted(folders.items()):
        try:
            found.append(Run(run_folder, runs.read_record(path)))
        except ValueError as error:
            problems[run_folder.name] = str(error)
    return sorted(found, key=_finished), problems


def _finished(run: Run) -> str:
    return str(run.record.get("finished", ""))


def write_records(found: Iterable[Run], folder: Path) -> None:
    """Write the records of runs into a folder as `NAME.json`, without networks; `read_runs(folder)` reads them.

    The metrics per class, the confusion matrix and the facts about stored predictions are left out.
    """
    for run in found:
        record = dict(run.record)
        record["metrics"] = {name: _figures(value) for name, value in record["metrics"].items()}
        files.write_json(folder / f"{run.folder.name}.json", record)


def _figures(value):
    if not isinstance(value, dict):
        return value
    return {key: entry for key, entry in value.items() if key not in ("classes", "confusion", "predictions")}


def seeds_of(run: Run, found: Sequence[Run]) -> list[Run]:
    """Return the runs in `found` that differ from `run` at most in the seed, one per seed."""
    return one_per_seed([other for other in found if without_seed(other) == without_seed(run)])


def one_per_seed(group: Sequence[Run]) -> list[Run]:
    """Return the newest run of each seed, preferring evaluated ones, in the order of the seeds.

    Repeating a seed gives the same network: counting it twice would make the spread look too small.
    """
    chosen = {}
    for run in sorted(group, key=lambda run: (test_result(run) is not None, _finished(run))):
        chosen[run.record["recipe"].get("seed", 0)] = run
    return [chosen[seed] for seed in sorted(chosen)]


def test_result(run: Run, key: str = "test") -> dict | None:
    """Return a run's result on the test split of its own dataset, or `None` if it was not evaluated on that.

    Args:
        run: a finished run.
        key: `"test"`, or `"test_mirror"` for the result with mirror test-time augmentation.
    """
    test = run.record["metrics"].get(key)
    facts = [predictions.image_facts_of(found) for found in (test or {}, run.record["dataset"])]
    return test if test and predictions.same_images(*facts) else None


def without_seed(run: Run) -> str:
    """Return a key that is equal for runs that differ only in the seed: recipe, dataset and Keras backend."""
    recipe = runs.full_recipe(run.record) | {"seed": None}
    return json.dumps(
        [recipe, run.record["dataset"]["fingerprint"], run.record["versions"].get("backend")], sort_keys=True
    )
