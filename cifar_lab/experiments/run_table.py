"""The run table: finished runs, grouped over their seeds, and classifiers.

    found, problems = read_runs()
    sections = rank_rows(run_rows(found) + classifier_rows()[0])  # one per set of test images

Compare by test accuracy: validation accuracy is optimistic, since it was used to make choices. `cifar_lab.plots` draws
accuracy against minutes.
"""

import json
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.core.text import is_number
from cifar_lab.experiments.predictions import image_facts_of, same_images
from cifar_lab.inference import litert, model_card
from cifar_lab.training import runs
from cifar_lab.training.recipes import RECIPES
from cifar_lab.training.runs import Run

RUN_SORTS = ("test", "validation", "minutes", "bytes", "name")


@dataclass(frozen=True)
class Spread:
    """A figure over seeds: mean, standard deviation (`None` for a single value) and number of values."""

    mean: float
    deviation: float | None
    count: int

    @classmethod
    def of(cls, values: Iterable) -> "Spread | None":
        """Return the spread of those values that are numbers, or `None` if there are none."""
        numbers = [value for value in values if is_number(value)]
        deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
        return cls(statistics.fmean(numbers), deviation, len(numbers)) if numbers else None

    def percent(self) -> str:
        """Return a proportion as text, such as `61.0 ± 1.4 %`."""
        deviation = "" if self.deviation is None else f" ± {100 * self.deviation:.1f}"
        return f"{100 * self.mean:.1f}{deviation} %"


@dataclass(frozen=True)
class RunRow:
    """The runs of a recipe on a dataset over its seeds, or a classifier.

    Attributes:
        kind: `"run"` or `"classifier"`.
        name: the recipe and the fields changed in it, or the classifier.
        train: number of training images.
        runs, seeds: names of the runs and their seeds; the newest if a seed was trained several times.
        validation, test: accuracy on these splits, 0-1; `test` is that of the evaluated runs.
        calibration_error: mean over the seeds, 0-1.
        images: facts about the test images; only rows with the same test images can be compared.
    """

    kind: str
    name: str
    dataset: str
    train: int | None
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    validation: Spread | None
    test: Spread | None
    calibration_error: float | None
    minutes: Spread | None
    parameters: int | None
    bytes: int | None
    images: dict = field(repr=False)


def read_runs(folder: Path | None = None) -> tuple[list[Run], dict[str, str]]:
    """Read the records of all finished runs.

    Args:
        folder: a folder of runs, or of records `NAME.json` from `write_records`; default: `runs/`.

    Returns:
        The runs, oldest first, and an error message per broken record, by the name of its run.
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
    """Write the records of runs as `folder/NAME.json`, without networks; `read_runs(folder)` reads them.

    The metrics per class, the confusion matrix and the facts about stored predictions are left out.
    """
    for run in found:
        metrics = dict(run.record["metrics"])
        for name, value in metrics.items():
            if isinstance(value, dict):
                metrics[name] = {key: value[key] for key in value if key not in ("classes", "confusion", "predictions")}
        files.write_json(folder / f"{run.folder.name}.json", run.record | {"metrics": metrics})


def one_per_seed(group: Iterable[Run]) -> list[Run]:
    """Return the newest run of each seed, preferring evaluated ones, in the order of the seeds.

    Repeating a seed gives the same network: counting it twice would make the spread look too small.
    """
    ranked = sorted(group, key=lambda run: (test_result(run) is not None, _finished(run)))
    chosen = {run.record["recipe"].get("seed", 0): run for run in ranked}
    return [chosen[seed] for seed in sorted(chosen)]


def seeds_of(run: Run, found: Iterable[Run]) -> list[Run]:
    """Return the runs in `found` that differ from `run` at most in the seed, one per seed."""
    return one_per_seed(other for other in found if _without_seed(other) == _without_seed(run))


def _without_seed(run: Run) -> str:
    recipe = runs.full_recipe(run.record) | {"seed": None}
    key = [recipe, run.record["dataset"]["fingerprint"], run.record["versions"].get("backend")]
    return json.dumps(key, sort_keys=True)


def test_result(run: Run, key: str = "test") -> dict | None:
    """Return a run's result on the test split of its own dataset, or `None` if it was not evaluated on that.

    With `key="test_mirror"`, return the result with mirror test-time augmentation.
    """
    test = run.record["metrics"].get(key)
    return test if test and same_images(test, run.record["dataset"]) else None


def bytes_of(run: Run) -> int | None:
    """Return the size of a run's model file, recorded or on disk, or `None` if unknown."""
    size = _number(run.record.get("model_bytes"))
    return run.model_path.stat().st_size if size is None and run.model_path.is_file() else size


def _number(value):
    return value if is_number(value) else None


def run_rows(found: Iterable[Run]) -> list[RunRow]:
    """Group runs that differ only in the seed into one row each."""
    groups: dict[str, list[Run]] = {}
    bases = {name: recipe.to_dict() for name, recipe in RECIPES.items()}
    for run in found:
        groups.setdefault(_without_seed(run), []).append(run)
        bases.setdefault(run.record["recipe"]["name"], runs.full_recipe(run.record))
    rows = []
    for group in map(one_per_seed, groups.values()):
        tests = [test for run in group if (test := test_result(run))]
        records, names = [run.record for run in group], tuple(run.folder.name for run in group)
        rows.append(_row("run", _name(records[-1], bases), records, tests, runs=names, size=bytes_of(group[-1])))
    return rows


def classifier_rows() -> tuple[list[RunRow], dict[str, str]]:
    """Return a row per classifier in the models folder, and an error message per broken model card, by name."""
    rows, problems = [], {}
    for name in model_card.list_classifiers():
        try:
            card = {"trained": {}, "metrics": {}} | model_card.ModelCard.load(name).content
            record = {"recipe": {}, "dataset": {}} | card["trained"] | {"metrics": card["metrics"]}
            tests = [card["metrics"]["test"]] if card["metrics"].get("test") else []
            size = card["files"].get(litert.LITERT_FILE, {}).get("bytes")
            rows.append(_row("classifier", card["name"], [record], tests, size=size))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            problems[name] = str(error)
    return rows, problems


def _row(kind: str, name: str, records: list[dict], tests: list[dict], *, runs=(), size=None) -> RunRow:
    last = records[-1]
    images = image_facts_of(last["dataset"] | (tests[-1] if tests else {}))
    errors = Spread.of(test.get("calibration_error") for test in tests)
    return RunRow(
        kind=kind,
        name=name,
        dataset=str(images["dataset"] or "?"),
        train=_number(last["dataset"].get("sizes", {}).get("train")),
        runs=runs,
        seeds=tuple(record["recipe"].get("seed", 0) for record in records if record["recipe"]),
        validation=Spread.of(record["metrics"].get("validation", {}).get("accuracy") for record in records),
        test=Spread.of(test.get("accuracy") for test in tests),
        calibration_error=errors and errors.mean,
        minutes=Spread.of(record.get("minutes") for record in records),
        parameters=_number(last["metrics"].get("parameters")),
        bytes=_number(size),
        images=images,
    )


def _name(record: dict, bases: dict[str, dict]) -> str:
    """Return the recipe's name, the fields that differ from the known recipe of that name, and the backend."""
    recipe, parts = runs.full_recipe(record), [record["recipe"]["name"]]
    for key, value in recipe.items():
        if key not in ("name", "seed") and value != bases[recipe["name"]].get(key):
            text = f"{key} {'/'.join(map(str, value)) if isinstance(value, list) else value}"
            parts.append({True: key, False: f"no {key}"}[value] if isinstance(value, bool) else text)
    backend = record["versions"].get("backend")
    return ", ".join(parts if backend in (None, "tensorflow", "scikit-learn") else [*parts, f"on {backend}"])


def rank_rows(rows: Iterable[RunRow], sort: str = "test") -> list[list[RunRow]]:
    """Sort rows into one list per set of test images.

    Args:
        rows: from `run_rows` and `classifier_rows`.
        sort: `"test"` or `"validation"`, best first; `"minutes"` or `"bytes"`, smallest first; or `"name"`.

    Raises:
        ValueError: `sort` is none of these.
    """
    if sort not in RUN_SORTS:
        raise ValueError(f"sort must be one of {', '.join(RUN_SORTS)}, but it is {sort!r}.")
    sections: list[list[RunRow]] = []
    for row in sorted(rows, key=lambda row: _sort_key(row, sort)):
        section = next((section for section in sections if same_images(section[0].images, row.images)), None)
        if section is None:
            sections.append(section := [])
        section.append(row)
    return sorted(sections, key=lambda section: section[0].dataset)


def _sort_key(row: RunRow, sort: str) -> list[tuple]:
    """Return a sort key: smallest first, unknown values last; ties by validation accuracy, then by name."""
    keys = {split: spread and -spread.mean for split, spread in (("test", row.test), ("validation", row.validation))}
    keys |= {"minutes": row.minutes and row.minutes.mean, "bytes": row.bytes, "name": row.name}
    return [(keys[key] is None, keys[key] or 0) for key in (sort, "validation", "name")]
