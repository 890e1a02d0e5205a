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
    for path in sorted([*folder.glob(f"*/{runs.CARD}"), *folder.glob("*.json")]):
        home = path.parent if path.name == runs.CARD else path.with_suffix("")
        try:
            found.append(Run(home, runs.read_card(path)))
        except ValueError as error:
            problems[home.name] = str(error)
    return sorted(found, key=_finished), problems


def _finished(run: Run) -> str:
    return str(run.card.get("finished", ""))


def record(found: Iterable[Run], folder: Path) -> None:
    """Write the cards of some runs into a folder, `NAME.json` each: figures only, no networks and no pictures.

    `read_runs(folder)` reads them. Left out are the classes' metrics and what speaks of files.
    """
    for one in found:
        card = dict(one.card)
        card["metrics"] = {name: _figures(value) for name, value in card["metrics"].items()}
        files.write_json(folder / f"{one.folder.name}.json", card)


def _figures(value):
    if not isinstance(value, dict):
        return value
    return {key: entry for key, entry in value.items() if key not in ("classes", "confusion", "predictions")}


def seeds_of(run: Run, found: Sequence[Run]) -> list[Run]:
    """Those of some runs that differ from one at most in the seed, one a seed."""
    return one_a_seed([other for other in found if but_for_seed(other) == but_for_seed(run)])


def one_a_seed(group: Sequence[Run]) -> list[Run]:
    """Of each seed the newest run, by preference one that was evaluated, in the order of the seeds.

    The same seed again is the same network again: to count it twice would make the spread look smaller than it is.
    """
    chosen = {}
    for run in sorted(group, key=lambda run: (own_test(run) is not None, _finished(run))):
        chosen[run.card["recipe"].get("seed", 0)] = run
    return [chosen[seed] for seed in sorted(chosen)]


def own_test(run: Run, key: str = "test") -> dict | None:
    """What a run's card says of the test split of the dataset that it was trained on, if it was evaluated on that.

    Args:
        run: a finished run.
        key: `"test"`, or `"test_mirror"` for the result from mirror images too.
    """
    test = run.card["metrics"].get(key)
    facts = [predictions.image_facts_of(found) for found in (test or {}, run.card["dataset"])]
    return test if test and predictions.same_images(*facts) else None


def but_for_seed(run: Run) -> str:
    """What is the same for two runs if they differ in nothing but the seed: recipe, dataset and Keras's backend."""
    recipe = runs.full_recipe(run.card) | {"seed": None}
    return json.dumps([recipe, run.card["dataset"]["fingerprint"], run.card["versions"].get("backend")], sort_keys=True)
