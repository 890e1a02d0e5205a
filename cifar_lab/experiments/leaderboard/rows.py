"""The rows of the leaderboard: recipes over their seeds, and classifiers."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from cifar_lab.experiments import predictions
from cifar_lab.experiments.leaderboard.reading import one_per_seed, test_result, without_seed
from cifar_lab.inference import engines, model_card
from cifar_lab.training import runs
from cifar_lab.training.recipes import RECIPES
from cifar_lab.training.runs import Run, is_number

RUN_SORTS = ("test", "validation", "minutes", "bytes", "name")


@dataclass(frozen=True)
class Spread:
    """A figure over seeds: the mean, the standard deviation (`None` for a single one), and of how many."""

    mean: float
    deviation: float | None
    count: int

    @classmethod
    def of(cls, values: Iterable) -> "Spread | None":
        """The spread of those values that are numbers; `None` if there are none."""
        numbers = [value for value in values if is_number(value)]
        if not numbers:
            return None
        deviation = statistics.stdev(numbers) if len(numbers) > 1 else None
        return cls(statistics.fmean(numbers), deviation, len(numbers))


@dataclass(frozen=True)
class RunRow:
    """One line of the leaderboard: the runs of one recipe on one dataset over its seeds, or one classifier.

    Attributes:
        kind: `"run"` or `"classifier"`.
        name: the recipe, with what was changed of it; or the classifier.
        dataset: the name of the dataset.
        train: how many images were trained on, if the card says so.
        runs: the names of the runs, one for each seed: where a seed was trained several times, the newest.
        seeds: their seeds.
        validation: accuracy on the validation split, 0-1.
        test: accuracy on the test split, 0-1; of those runs that were evaluated.
        calibration_error: on the test split, the mean over the seeds, 0-1.
        minutes: of training.
        parameters: numbers that were learnt.
        bytes: of the network's file: `model.keras` of a run, of a classifier the file that it answers by.
        images: what the cards say of the test images; only rows with the same ones can be compared.
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
        """All of it as plain values, for JSON."""
        values = {name: vars(value) if isinstance(value, Spread) else value for name, value in vars(self).items()}
        return values | {"runs": list(self.runs), "seeds": list(self.seeds)}


def run_rows(found: Sequence[Run]) -> list[RunRow]:
    """Put runs that differ only in their seed into one row each."""
    groups: dict[str, list[Run]] = {}
    bases: dict[str, dict] = {name: recipe.to_dict() for name, recipe in RECIPES.items()}
    for run in found:
        groups.setdefault(without_seed(run), []).append(run)
        bases.setdefault(run.record["recipe"]["name"], runs.full_recipe(run.record))
    return [_row(one_per_seed(group), bases) for group in groups.values()]


def _row(group: list[Run], bases: dict) -> RunRow:
    cards = [run.record for run in group]
    last = group[-1]
    tests = [test for run in group if (test := test_result(run))]
    errors = Spread.of(test.get("calibration_error") for test in tests)
    return RunRow(
        kind="run",
        name=_name(last.record, bases),
        dataset=last.record["dataset"]["name"],
        train=last.record["dataset"].get("sizes", {}).get("train"),
        runs=tuple(run.folder.name for run in group),
        seeds=tuple(card["recipe"].get("seed", 0) for card in cards),
        validation=Spread.of(card["metrics"]["validation"]["accuracy"] for card in cards),
        test=Spread.of(test["accuracy"] for test in tests),
        calibration_error=errors and errors.mean,
        minutes=Spread.of(card["minutes"] for card in cards),
        parameters=last.record["metrics"].get("parameters"),
        bytes=bytes_of(last),
        images=predictions.image_facts_of(last.record["dataset"]),
    )


def bytes_of(run: Run) -> int | None:
    """How large the file of a run's network or pipeline is, by its card or itself; `None` if neither says."""
    if is_number(stated := run.record.get("model_bytes")):
        return stated
    return run.model_path.stat().st_size if run.model_path.is_file() else None


def _name(card: dict, bases: dict) -> str:
    """The recipe's name and what is different from the recipe that is known by it."""
    recipe, base = runs.full_recipe(card), bases[card["recipe"]["name"]]
    changed = [key for key in recipe if key not in ("name", "seed") and recipe[key] != base.get(key)]
    words = [recipe["name"], *(_in_words(key, recipe[key]) for key in changed)]
    backend = card["versions"].get("backend")
    usual = (None, "tensorflow", "scikit-learn")
    return ", ".join(words + ([] if backend in usual else [f"on {backend}"]))


def _in_words(key: str, value) -> str:
    if isinstance(value, bool):
        return key if value else f"no {key}"
    return f"{key} {'/'.join(map(str, value)) if isinstance(value, list) else value}"


def classifier_rows() -> tuple[list[RunRow], dict[str, str]]:
    """A row for each classifier in the models folder, and one sentence for each whose card is broken."""
    rows, problems = [], {}
    for name in model_card.list_classifiers():
        try:
            rows.append(_classifier_row(model_card.ModelCard.load(name)))
        except (ValueError, TypeError, AttributeError, KeyError) as error:
            problems[name] = str(error)
    return rows, problems


def _classifier_row(found: model_card.ModelCard) -> RunRow:
    trained, metrics = found.content.get("trained", {}), found.content.get("metrics", {})
    dataset, test = trained.get("dataset", {}), metrics.get("test", {})
    seed, files = trained.get("recipe", {}).get("seed"), found.content["files"]
    return RunRow(
        kind="classifier",
        name=found.name,
        dataset=test.get("dataset") or dataset.get("name", "?"),
        train=dataset.get("sizes", {}).get("train"),
        runs=(),
        seeds=() if seed is None else (seed,),
        validation=Spread.of([metrics.get("validation", {}).get("accuracy")]),
        test=Spread.of([test.get("accuracy")]),
        calibration_error=test.get("calibration_error"),
        minutes=Spread.of([trained.get("minutes")]),
        parameters=metrics.get("parameters"),
        bytes=next((stated.get("bytes") for name, stated in files.items() if name in engines.FILES), None),
        images=predictions.image_facts_of(test or dataset),
    )


def rank_rows(rows: Sequence[RunRow], sort: str = "test") -> list[list[RunRow]]:
    """Sort rows, those about the same test images together: one list for each set of images.

    Args:
        rows: from `run_rows` and `classifier_rows`.
        sort: `"test"` or `"validation"`, the best first; `"minutes"` or `"bytes"`, the smallest first; or `"name"`.

    Raises:
        ValueError: `sort` is something else.
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
    """What to sort a row by: the smallest comes first, and what is not known last."""
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
