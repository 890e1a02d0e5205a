"""What each trick is worth, worked out from run cards: nothing here trains, and nothing needs Keras."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cifar_lab import evaluation
from cifar_lab.evaluation import Difference
from cifar_lab.experiments import leaderboard
from cifar_lab.experiments.leaderboard import Spread
from cifar_lab.training.runs import Run

MIRROR = "mirror images at the end"  # the one trick that needs no other training
WITHOUT = " without "  # in the names of recipes that lack a trick


@dataclass(frozen=True)
class Trick:
    """What one trick is worth.

    Attributes:
        name: of the trick.
        lost: the accuracy with it minus that without it, the means over the seeds, -1 to 1.
        accuracies: without it, one a seed, 0-1.
        minutes: of training without it.
        difference: the comparison with its interval; `None` with too few seeds for one.
    """

    name: str
    lost: float
    accuracies: tuple[float, ...]
    minutes: Spread
    difference: Difference | None


@dataclass(frozen=True)
class Ablation:
    """The result of an ablation: accuracy on the test split, from each image and its mirror image together.

    Attributes:
        recipe: the name of the recipe.
        dataset: the name of the dataset.
        accuracies: of the whole recipe, one a seed, 0-1.
        minutes: of training it.
        tricks: what each is worth, the most valuable first.
    """

    recipe: str
    dataset: str
    accuracies: tuple[float, ...]
    minutes: Spread
    tricks: tuple[Trick, ...]

    def table(self) -> str:
        """The result as a Markdown table."""
        lines = ["| without | accuracy | points lost | 95 % interval | minutes | runs |", "|---|---|---|---|---|---|"]
        lines.append(_row("nothing: the whole recipe", self.accuracies, "", "", self.minutes))
        for trick in self.tricks:
            ends = trick.difference and trick.difference.interval
            between = f"{100 * ends[0]:.1f} to {100 * ends[1]:.1f}" if ends else "-"
            lines.append(_row(trick.name, trick.accuracies, f"{100 * trick.lost:.1f}", between, trick.minutes))
        return "\n".join(lines)


def _row(name: str, accuracies: Sequence[float], lost: str, between: str, minutes: Spread) -> str:
    spread = Spread.of(accuracies)
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.1f}"
    return (
        f"| {name} | {100 * spread.mean:.1f}{deviation} % | {lost} | {between} | {minutes.mean:.1f} | {spread.count} |"
    )


def summarise_ablation(found: Sequence[Run]) -> Ablation:
    """What each trick is worth, from the cards of the runs: `run` gives them, or `leaderboard.read_runs` of a folder.

    Raises:
        ValueError: the whole recipe is not among them, or they are of several recipes or datasets.
    """
    measured = [one for one in found if all(leaderboard.test_result(one, key) for key in ("test", "test_mirror"))]
    groups: dict[str, list[Run]] = {}
    for one in measured:
        groups.setdefault(one.record["recipe"]["name"], []).append(one)
    wholes = [name for name in groups if WITHOUT not in name]
    if len(wholes) != 1 or len({one.record["dataset"]["fingerprint"] for one in measured}) != 1:
        there = ", ".join(sorted(wholes)) or "none"
        raise ValueError(
            f"An ablation is about one whole recipe on one dataset; the whole recipes that were measured are: {there}."
        )
    whole = leaderboard.one_per_seed(groups.pop(wholes[0]))
    tricks = [
        _trick(name.partition(WITHOUT)[2], whole, leaderboard.one_per_seed(group)) for name, group in groups.items()
    ]
    tricks = sorted([*tricks, _mirror(whole)], key=lambda trick: -trick.lost)
    dataset = whole[0].record["dataset"]["name"]
    return Ablation(wholes[0], dataset, _accuracies(whole), _minutes(whole), tuple(tricks))


def _trick(name: str, whole: list[Run], lacking: list[Run]) -> Trick:
    return _compared(name, _accuracies(whole), _accuracies(lacking), _minutes(lacking))


def _mirror(whole: list[Run]) -> Trick:
    """The same networks, looked at in two ways."""
    one_view = tuple(one.record["metrics"]["test"]["accuracy"] for one in whole)
    return _compared(MIRROR, _accuracies(whole), one_view, _minutes(whole), same_networks=True)


def _compared(name: str, having: tuple, without: tuple, minutes: Spread, **options) -> Trick:
    try:
        difference = evaluation.compare_seeds(having, without, **options)
    except ValueError:  # too few seeds, or no spread
        difference = None
    return Trick(name, Spread.of(having).mean - Spread.of(without).mean, without, minutes, difference)


def _accuracies(group: Iterable[Run]) -> tuple[float, ...]:
    return tuple(one.record["metrics"]["test_mirror"]["accuracy"] for one in group)


def _minutes(group: Iterable[Run]) -> Spread:
    return Spread.of(one.record["minutes"] for one in group)
