"""Reading and recording run cards, and which of them belong together."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.experiments import predictions
from cifar_lab.training import runs
from cifar_lab.training.runs import Run


def read_runs(folder: Path | None = None) -> tuple[list[Run], dict[str, str]]:
    """Read the cards of all finished runs.

    Args:
        folder: `runs/` when not given; or a folder of recorded cards, `NAME.json` each.

    Returns:
        The runs, the oldest first, and for each card that is broken its run's name with one sentence.
    """
    folder = folder or paths.runs_folder()
    found, problems = [], {}
    homes = {path: path.parent for path in runs.record_paths(folder)}
    homes |= {path: path.with_suffix("") for path in folder.glob("*.json")}
    for path, home in sorted(homes.items()):
        try:
            found.append(Run(home, runs.read_record(path)))
        except ValueError as error:
            problems[home.name] = str(error)
    return sorted(found, key=_finished), problems


def _finished(run: Run) -> str:
    return str(run.record.get("finished", ""))


def write_records(found: Iterable[Run], folder: Path) -> None:
    """Write the cards of some runs into a folder, `NAME.json` each: figures only, no networks and no pictures.

    `read_runs(folder)` reads them. Left out are the classes' metrics and what speaks of files.
    """
    for one in found:
        card = dict(one.record)
        card["metrics"] = {name: _figures(value) for name, value in card["metrics"].items()}
        files.write_json(folder / f"{one.folder.name}.json", card)


def _figures(value):
    if not isinstance(value, dict):
        return value
    return {key: entry for key, entry in value.items() if key not in ("classes", "confusion", "predictions")}


def seeds_of(run: Run, found: Sequence[Run]) -> list[Run]:
    """Those of some runs that differ from one at most in the seed, one a seed."""
    return one_per_seed([other for other in found if without_seed(other) == without_seed(run)])


def one_per_seed(group: Sequence[Run]) -> list[Run]:
    """Of each seed the newest run, by preference one that was evaluated, in the order of the seeds.

    The same seed again is the same network again: to count it twice would make the spread look smaller than it is.
    """
    chosen = {}
    for run in sorted(group, key=lambda run: (test_result(run) is not None, _finished(run))):
        chosen[run.record["recipe"].get("seed", 0)] = run
    return [chosen[seed] for seed in sorted(chosen)]


def test_result(run: Run, key: str = "test") -> dict | None:
    """What a run's card says of the test split of the dataset that it was trained on, if it was evaluated on that.

    Args:
        run: a finished run.
        key: `"test"`, or `"test_mirror"` for the result from mirror images too.
    """
    test = run.record["metrics"].get(key)
    facts = [predictions.image_facts_of(found) for found in (test or {}, run.record["dataset"])]
    return test if test and predictions.same_images(*facts) else None


def without_seed(run: Run) -> str:
    """What is the same for two runs if they differ in nothing but the seed: recipe, dataset and Keras's backend."""
    recipe = runs.full_recipe(run.record) | {"seed": None}
    return json.dumps(
        [recipe, run.record["dataset"]["fingerprint"], run.record["versions"].get("backend")], sort_keys=True
    )
