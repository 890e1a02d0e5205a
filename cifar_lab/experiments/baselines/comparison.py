"""The table: baselines, and networks beside them, by their run cards."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import evaluate, leaderboard
from cifar_lab.experiments.baselines.fitting import fit_baseline
from cifar_lab.experiments.baselines.methods import BASELINE_FEATURES, BASELINE_METHODS
from cifar_lab.training.runs import Run

_HEADINGS = ("method", "features", "images", "minutes", "accuracy", "95 % interval", "MB")


@dataclass(frozen=True)
class BaselineRow:
    """One line of the table.

    Attributes:
        method: the baseline's method, or the network's recipe.
        features: what it sees: `"pixels"`, `"hog"`, or `"learnt"` by the network itself.
        images: how many it was trained on.
        minutes: of training.
        accuracy: on the test split, 0-1.
        interval: the accuracy's 95 % interval (Wilson).
        size: of its file, in bytes; `None` if neither the file nor its card is there to tell.
        run: the name of the run.
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
        """As words, in the order of the headings."""
        low, high = self.interval
        minutes = f"{self.minutes:.1f}" if self.minutes >= 0.1 else f"{self.minutes:.3f}"
        figures = f"{self.images:,}", minutes, f"{self.accuracy:.1%}", f"{low:.1%} to {high:.1%}"
        return self.method, self.features, *figures, "-" if self.size is None else f"{self.size / 1e6:.1f}"


@dataclass(frozen=True)
class BaselineTable:
    """Runs side by side, the worst first; text when printed, a table as the last line of a cell."""

    rows: tuple[BaselineRow, ...]

    def __str__(self) -> str:
        lines = [_HEADINGS, *(row.cells() for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def markdown(self) -> str:
        """The table in Markdown."""
        rule = ["---"] * 2 + ["---:"] * (len(_HEADINGS) - 2)
        return "\n".join(f"| {' | '.join(line)} |" for line in [_HEADINGS, rule, *(row.cells() for row in self.rows)])


def _aligned(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    words = [cell.ljust(width) for cell, width in zip(line[:2], widths[:2], strict=True)]
    return words + [cell.rjust(width) for cell, width in zip(line[2:], widths[2:], strict=True)]


def compare_baselines(
    dataset: Dataset,
    *,
    methods: Sequence[str] = tuple(BASELINE_METHODS),
    features: Sequence[str] = tuple(BASELINE_FEATURES),
    train: int | None = None,
    seed: int = 0,
    beside: Sequence[Run] = (),
    progress: bool = True,
) -> BaselineTable:
    """Fit baselines, measure them on the test split, and put them into one table.

    What has been fitted or measured before is not done again, so a call that was stopped goes on where it was.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        methods: names of `METHODS`.
        features: names of `FEATURES`; every method is fitted on each.
        train: use so many training images; all when not given.
        seed: as for `fit`.
        beside: other finished runs on the same pictures, such as networks, for the same table.
        progress: show progress bars.

    Raises:
        ValueError: there is no such method or features, or a run is about other pictures.
    """
    fingerprint = dataset.fingerprint()
    for run in beside:  # before hours are spent
        if run.record["dataset"]["fingerprint"] != fingerprint:
            raise ValueError(f"The run {run.folder.name} is about other pictures than this dataset ({dataset.name}).")
    options = {"train": train, "seed": seed, "again": False, "progress": progress}
    found = [fit_baseline(dataset, method, features=seen, **options) for method in methods for seen in features]
    measured = [
        (run, leaderboard.test_result(run) or evaluate.evaluate_run(run, dataset, progress=progress).to_dict())
        for run in [*found, *beside]
    ]
    return _table([_row(run, test) for run, test in measured])


def baseline_table(found: Sequence[Run]) -> BaselineTable:
    """Put runs that were measured before into one table, such as recorded cards: nothing is fitted or measured.

    Args:
        found: finished runs about the same pictures, from `cifar_lab.experiments.leaderboard.read_runs`.

    Raises:
        ValueError: they are about different pictures, or one was not measured on its test split.
    """
    if len({run.record["dataset"]["fingerprint"] for run in found}) > 1:
        raise ValueError("These runs are about different pictures: each table is about one dataset.")
    if unmeasured := [run.folder.name for run in found if not leaderboard.test_result(run)]:
        raise ValueError(f"Not measured on the test split: {', '.join(unmeasured)}. Do: cifar-lab evaluate RUN")
    return _table([_row(run, leaderboard.test_result(run)) for run in found])


def _table(rows: list[BaselineRow]) -> BaselineTable:
    return BaselineTable(tuple(sorted(rows, key=lambda row: row.accuracy)))


def _row(run: Run, test: dict) -> BaselineRow:
    return BaselineRow(
        method=run.record["recipe"]["model"] if run.is_baseline else run.record["recipe"]["name"],
        features=run.record["recipe"]["features"] if run.is_baseline else "learnt",
        images=run.record["dataset"]["sizes"]["train"],
        minutes=run.record["minutes"],
        accuracy=test["accuracy"],
        interval=tuple(test["interval"]),
        size=leaderboard.bytes_of(run),
        run=run.folder.name,
    )
