"""A table of baselines and networks, from their run records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_lab.core.text import markdown_table, text_table
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import evaluate, run_table
from cifar_lab.experiments.baselines.fitting import fit_baseline
from cifar_lab.experiments.baselines.methods import BASELINE_FEATURES, BASELINE_METHODS
from cifar_lab.training.runs import Run

_HEADINGS = ("method", "features", "images", "minutes", "accuracy", "95 % interval", "MB")


@dataclass(frozen=True)
class BaselineRow:
    """One row of the table.

    Attributes:
        method: the method of a baseline, or the recipe of a network.
        features: `"pixels"` or `"hog"`; `"learnt"` for a network.
        images: number of training images.
        minutes: training time.
        accuracy: accuracy on the test split, 0-1.
        interval: 95 % interval of the accuracy (Wilson).
        size: bytes of the model: of a network's file, or of a fitted pipeline when pickled; `None` if unknown.
        run: name of the run.
    """

    method: str
    features: str
    images: int
    minutes: float
    accuracy: float
    interval: tuple[float, float]
    size: int | None
    run: str

    def cells(self) -> tuple[str, ...]:
        """Return the cells as text, in the order of the headings."""
        low, high = self.interval
        minutes = f"{self.minutes:.1f}" if self.minutes >= 0.1 else f"{self.minutes:.3f}"
        figures = f"{self.images:,}", minutes, f"{self.accuracy:.1%}", f"{low:.1%} to {high:.1%}"
        return self.method, self.features, *figures, "-" if self.size is None else f"{self.size / 1e6:.1f}"


@dataclass(frozen=True)
class BaselineTable:
    """Runs sorted by accuracy, worst first; prints as text, displays as Markdown in a notebook."""

    rows: tuple[BaselineRow, ...]

    def __str__(self) -> str:
        return text_table([_HEADINGS, *(row.cells() for row in self.rows)], left=(0, 1))

    def markdown(self) -> str:
        """Return the table in Markdown."""
        return markdown_table([_HEADINGS, *(row.cells() for row in self.rows)], left=(0, 1))

    _repr_markdown_ = markdown


def compare_baselines(
    dataset: Dataset,
    *,
    methods: Sequence[str] = tuple(BASELINE_METHODS),
    features: Sequence[str] = tuple(BASELINE_FEATURES),
    train_size: int | None = None,
    seed: int = 0,
    beside: Sequence[Run] = (),
    progress: bool = True,
) -> BaselineTable:
    """Fit baselines, evaluate them on the test split, and put them into one table.

    Finished runs are reused, so call the function again to resume after an interruption.

    Args:
        dataset: the dataset, from `cifar_lab.data.load`.
        methods: names from `BASELINE_METHODS`.
        features: names from `BASELINE_FEATURES`; every method is fitted on each.
        train_size, seed: as for `fit_baseline`.
        beside: other finished runs on the same dataset, such as networks, to include.
        progress: show progress bars.

    Raises:
        ValueError: a method or kind of features does not exist, or a run has another dataset.
    """
    fingerprint = dataset.fingerprint()
    for run in beside:  # check before fitting for hours
        if run.record["dataset"]["fingerprint"] != fingerprint:
            raise ValueError(f"The run {run.folder.name} was not trained on this dataset ({dataset.name}).")
    options = {"train_size": train_size, "seed": seed, "reuse": True, "progress": progress}
    fitted = [fit_baseline(dataset, method, features=kind, **options) for method in methods for kind in features]
    return _table(
        _row(run, run_table.test_result(run) or evaluate.evaluate_run(run, dataset, progress=progress).to_dict())
        for run in [*fitted, *beside]
    )


def baseline_table(found: Sequence[Run]) -> BaselineTable:
    """Put evaluated runs into one table, without fitting or evaluating anything.

    Args:
        found: finished runs on the same dataset, from `cifar_lab.experiments.run_table.read_runs`.

    Raises:
        ValueError: the datasets differ, or a run was not evaluated on its test split.
    """
    if len({run.record["dataset"]["fingerprint"] for run in found}) > 1:
        raise ValueError("These runs have different datasets. Make one table per dataset.")
    if missing := [run.folder.name for run in found if not run_table.test_result(run)]:
        raise ValueError(f"Not evaluated on the test split: {', '.join(missing)}. Do: cifar-lab evaluate RUN")
    return _table(_row(run, run_table.test_result(run)) for run in found)


def _table(rows: Iterable[BaselineRow]) -> BaselineTable:
    return BaselineTable(tuple(sorted(rows, key=lambda row: row.accuracy)))


def _row(run: Run, test: dict) -> BaselineRow:
    return BaselineRow(
        method=run.record["recipe"]["model"] if run.is_baseline else run.record["recipe"]["name"],
        features=run.record["recipe"]["features"] if run.is_baseline else "learnt",
        images=run.record["dataset"]["sizes"]["train"],
        minutes=run.record["minutes"],
        accuracy=test["accuracy"],
        interval=tuple(test["interval"]),
        size=run_table.bytes_of(run),
        run=run.folder.name,
    )
