"""The rows of the leaderboard: one per recipe, over its seeds, or classifier."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cifar_lab.core.text import is_number
from cifar_lab.experiments import predictions
from cifar_lab.experiments.leaderboard.reading import one_per_seed, test_result, without_seed
from cifar_lab.inference import engines, model_card
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
        if not numbers:
            return None
        deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
        return cls(statistics.fmean(numbers), deviation, len(numbers))


@dataclass(frozen=True)
class RunRow:
    """One row of the leaderboard: the runs of one recipe on one dataset over its seeds, or one classifier.

    Attributes:
        kind: `"run"` or `"classifier"`.
        name: the recipe and the fields changed in it, or the classifier.
        dataset: name of the dataset.
        train: number of training images, if recorded.
        runs: names of the runs, one per seed; the newest if a seed was trained several times.
        seeds: their seeds.
        validation: accuracy on the validation split, 0-1.
        test: accuracy on the test split, 0-1, of the evaluated runs.
        calibration_error: mean calibration error on the test split over the seeds, 0-1.
        minutes: training time.
        parameters: number of parameters.
        bytes: size of the model file: `model.keras` of a run, the file that a classifier predicts with.
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

    def to_dict(self) -> dict:
        """Return all fields as plain values, for JSON."""
        values = {name: vars(value) if isinstance(value, Spread) else value for name, value in vars(self).items()}
        return values | {"runs": list(self.runs), "seeds": list(self.seeds)}


def run_rows(found: Sequence[Run]) -> list[RunRow]:
    """Group runs that differ only in the seed into one row each."""
    groups: dict[str, list[Run]] = {}
    bases: dict[str, dict] = {name: recipe.to_dict() for name, recipe in RECIPES.items()}
    for run in found:
        groups.setdefault(without_seed(run), []).append(run)
        bases.setdefault(run.record["recipe"]["name"], runs.full_recipe(run.record))
    return [_row(one_per_seed(group), bases) for group in groups.values()]


def _row(group: list[Run], bases: dict) -> RunRow:
    records = [run.record for run in group]
    last = group[-1]
    tests = [test for run in group if (test := test_result(run))]
    errors = Spread.of(test.get("calibration_error") for test in tests)
    return RunRow(
        kind="run",
        name=_name(last.record, bases),
        dataset=last.record["dataset"]["name"],
        train=last.record["dataset"].get("sizes", {}).get("train"),
        runs=tuple(run.folder.name for run in group),
        seeds=tuple(record["recipe"].get("seed", 0) for record in records),
        validation=Spread.of(record["metrics"]["validation"]["accuracy"] for record in records),
        test=Spread.of(test["accuracy"] for test in tests),
        calibration_error=errors and errors.mean,
        minutes=Spread.of(record["minutes"] for record in records),
        parameters=last.record["metrics"].get("parameters"),
        bytes=bytes_of(last),
        images=predictions.image_facts_of(last.record["dataset"]),
    )


def bytes_of(run: Run) -> int | None:
    """Return the size of a run's model file, recorded or on disk, or `None` if unknown."""
    if is_number(size := run.record.get("model_bytes")):
        return size
    return run.model_path.stat().st_size if run.model_path.is_file() else None


def _name(record: dict, bases: dict) -> str:
    """Return the recipe's name and the fields that differ from the known recipe of that name."""
    recipe, base = runs.full_recipe(record), bases[record["recipe"]["name"]]
    changed = [key for key in recipe if key not in ("name", "seed") and recipe[key] != base.get(key)]
    parts = [recipe["name"], *(_describe_field(key, recipe[key]) for key in changed)]
    backend = record["versions"].get("backend")
    usual = (None, "tensorflow", "scikit-learn")
    return ", ".join(parts + ([] if backend in usual else [f"on {backend}"]))


def _describe_field(key: str, value) -> str:
    if isinstance(value, bool):
        return key if value else f"no {key}"
    return f"{key} {'/'.join(map(str, value)) if isinstance(value, list) else value}"


def classifier_rows() -> tuple[list[RunRow], dict[str, str]]:
    """Return a row per classifier in the models folder, and one sentence per broken model card, by name."""
    rows, problems = [], {}
    for name in model_card.list_classifiers():
        try:
            rows.append(_classifier_row(model_card.ModelCard.load(name)))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            problems[name] = str(error)
    return rows, problems


def _classifier_row(card: model_card.ModelCard) -> RunRow:
    trained, metrics = card.content.get("trained", {}), card.content.get("metrics", {})
    dataset, test = trained.get("dataset", {}), metrics.get("test", {})
    seed, files = trained.get("recipe", {}).get("seed"), card.content["files"]
    return RunRow(
        kind="classifier",
        name=card.name,
        dataset=test.get("dataset") or dataset.get("name", "?"),
        train=dataset.get("sizes", {}).get("train"),
        runs=(),
        seeds=() if seed is None else (seed,),
        validation=Spread.of([metrics.get("validation", {}).get("accuracy")]),
        test=Spread.of([test.get("accuracy")]),
        calibration_error=test.get("calibration_error"),
        minutes=Spread.of([trained.get("minutes")]),
        parameters=metrics.get("parameters"),
        bytes=next((entry.get("bytes") for name, entry in files.items() if name in engines.FILES), None),
        images=predictions.image_facts_of(test or dataset),
    )


def rank_rows(rows: Sequence[RunRow], sort: str = "test") -> list[list[RunRow]]:
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
    for row in sorted(rows, key=lambda row: _rank(row, sort)):
        for section in sections:
            if predictions.same_images(section[0].images, row.images):
                section.append(row)
                break
        else:
            sections.append([row])
    return sorted(sections, key=lambda section: section[0].dataset)


def _rank(row: RunRow, sort: str) -> tuple:
    """Return the sort key of a row: smallest first, unknown values last."""
    known = {
        "test": (_negative(row.test), _negative(row.validation)),
        "validation": (_negative(row.validation),),
        "minutes": (row.minutes and row.minutes.mean,),
        "bytes": (row.bytes,),
        "name": (),
    }[sort]
    return (*((value is None, value or 0) for value in known), row.name)


def _negative(spread: Spread | None) -> float | None:
    return spread and -spread.mean
