"""Compute the effect of each trick from run records, without training or Keras."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_lab import evaluation
from cifar_lab.evaluation import Difference
from cifar_lab.experiments import leaderboard
from cifar_lab.experiments.leaderboard import Spread
from cifar_lab.training.runs import Run

MIRROR = "mirror images at the end"  # the only trick that needs no training of its own
WITHOUT = " without "  # in the names of the ablated recipes


@dataclass(frozen=True)
class Trick:
    """The effect of one trick.

    Attributes:
        name: name of the trick.
        lost: mean accuracy with the trick minus mean accuracy without it, -1 to 1.
        accuracies: accuracy without it, one per seed, 0-1.
        minutes: training time without it.
        difference: the statistical comparison; `None` with too few seeds for one.
    """

    name: str
    lost: float
    accuracies: tuple[float, ...]
    minutes: Spread
    difference: Difference | None


@dataclass(frozen=True)
class Ablation:
    """The result of an ablation: accuracies on the test split with mirror test-time augmentation.

    Attributes:
        recipe: name of the recipe.
        dataset: name of the dataset.
        accuracies: accuracy of the full recipe, one per seed, 0-1.
        minutes: training time of the full recipe.
        tricks: the effect of each trick, largest first.
    """

    recipe: str
    dataset: str
    accuracies: tuple[float, ...]
    minutes: Spread
    tricks: tuple[Trick, ...]

    def table(self) -> str:
        """Return the result as a Markdown table."""
        lines = ["| without | accuracy | points lost | 95 % interval | minutes | runs |", "|---|---|---|---|---|---|"]
        lines.append(_row("nothing: the full recipe", self.accuracies, "", "", self.minutes))
        for trick in self.tricks:
            bounds = trick.difference and trick.difference.interval
            interval = f"{100 * bounds[0]:.1f} to {100 * bounds[1]:.1f}" if bounds else "-"
            lines.append(_row(trick.name, trick.accuracies, f"{100 * trick.lost:.1f}", interval, trick.minutes))
        return "\n".join(lines)


def _row(name: str, accuracies: Sequence[float], lost: str, interval: str, minutes: Spread) -> str:
    spread = Spread.of(accuracies)
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.1f}"
    return (
        f"| {name} | {100 * spread.mean:.1f}{deviation} % | {lost} | {interval} | {minutes.mean:.1f} | {spread.count} |"
    )


def summarise_ablation(found: Sequence[Run]) -> Ablation:
    """Summarise the runs of an ablation, from `run_ablation` or `leaderboard.read_runs`.

    Raises:
        ValueError: no run has the full recipe, or there are several recipes or datasets.
    """
    evaluated = [run for run in found if all(leaderboard.test_result(run, key) for key in ("test", "test_mirror"))]
    groups: dict[str, list[Run]] = {}
    for run in evaluated:
        groups.setdefault(run.record["recipe"]["name"], []).append(run)
    full_names = [name for name in groups if WITHOUT not in name]
    if len(full_names) != 1 or len({run.record["dataset"]["fingerprint"] for run in evaluated}) != 1:
        names = ", ".join(sorted(full_names)) or "none"
        raise ValueError(
            f"An ablation needs evaluated runs of one full recipe on one dataset; the full recipes are: {names}."
        )
    full = leaderboard.one_per_seed(groups.pop(full_names[0]))
    tricks = [
        _trick(name.partition(WITHOUT)[2], full, leaderboard.one_per_seed(group)) for name, group in groups.items()
    ]
    tricks = sorted([*tricks, _mirror(full)], key=lambda trick: -trick.lost)
    dataset = full[0].record["dataset"]["name"]
    return Ablation(full_names[0], dataset, _accuracies(full), _minutes(full), tuple(tricks))


def _trick(name: str, full: list[Run], ablated: list[Run]) -> Trick:
    return _compared(name, _accuracies(full), _accuracies(ablated), _minutes(ablated))


def _mirror(full: list[Run]) -> Trick:
    """Compare the same networks with and without mirror test-time augmentation."""
    one_view = tuple(run.record["metrics"]["test"]["accuracy"] for run in full)
    return _compared(MIRROR, _accuracies(full), one_view, _minutes(full), same_networks=True)


def _compared(name: str, with_it: tuple, without: tuple, minutes: Spread, **options) -> Trick:
    try:
        difference = evaluation.compare_seeds(with_it, without, **options)
    except ValueError:  # too few seeds, or no spread
        difference = None
    return Trick(name, Spread.of(with_it).mean - Spread.of(without).mean, without, minutes, difference)


def _accuracies(group: Iterable[Run]) -> tuple[float, ...]:
    return tuple(run.record["metrics"]["test_mirror"]["accuracy"] for run in group)


def _minutes(group: Iterable[Run]) -> Spread:
    return Spread.of(run.record["minutes"] for run in group)
