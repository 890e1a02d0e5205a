"""Time several ways of doing the same in turns, and show the medians and their ratios as a Markdown table."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cifar_lab.core.progress import progress_bar

OURS = "ours"
HEAD = (
    "| measurement | tutorials' way | best ordinary way | ours | ratio to the best ordinary | ratio to tutorials' |\n"
    "|---|---|---|---|---|---|"
)


class SkippedError(Exception):
    """A measurement that is impossible here; the message says why, and what to do."""


@dataclass(frozen=True)
class Row:
    """One comparison of several ways. Its fields are plain values, so that JSON keeps them.

    Attributes:
        what: what was measured, with the number of views of each picture where it matters.
        unit: of the medians.
        medians: by way: the tutorials' first, the ordinary ones next, ours last.
        best: the name of the best way that is not ours.
        to_best: the ratio of ours to that way, above 1 if ours is better: median, lowest and highest of the rounds.
        to_tutorial: the same for the tutorials' way.
        rounds: how often each way was measured.
    """

    what: str
    unit: str
    medians: dict[str, float]
    best: str
    to_best: list[float]
    to_tutorial: list[float]
    rounds: int

    def line(self) -> str:
        """Return the row as Markdown."""
        tutorial, *ordinary, _ = self.medians
        others = "".join(f"; {name}: {self._figure(name)}" for name in ordinary if name != self.best)
        cells = [
            self.what,
            f"{self._figure(tutorial)} ({tutorial})",
            f"{self._figure(self.best)} ({self.best}{others})",
        ]
        cells += [self._figure(OURS), *map(_spread, (self.to_best, self.to_tutorial))]
        return f"| {' | '.join(cells)} |"

    def _figure(self, way: str) -> str:
        return f"{short(self.medians[way])} {self.unit}"


def summarise(
    what: str, figures: Mapping[str, Sequence[float]], *, unit: str = "ms", more_is_better: bool = False
) -> Row:
    """Summarise the figures of several ways, measured in the same rounds.

    Args:
        what: the name of the row.
        figures: by way, one figure per round: the tutorials' way first, `OURS` last.
        unit: of the figures.
        more_is_better: whether they are rates rather than times or sizes.
    """
    tutorial, *_ = others = [name for name in figures if name != OURS]
    medians = {name: statistics.median(values) for name, values in figures.items()}
    best = (max if more_is_better else min)(others, key=medians.get)

    def ratio_to(way: str) -> list[float]:
        pairs = zip(figures[way], figures[OURS], strict=True)
        ratios = [ours / other if more_is_better else other / ours for other, ours in pairs]
        return [statistics.median(ratios), min(ratios), max(ratios)]

    return Row(what, unit, medians, best, ratio_to(best), ratio_to(tutorial), len(figures[OURS]))


def compare(what: str, ways: Mapping[str, Callable[[], object]], *, rounds: int, items: int = 0) -> Row:
    """Time every way in turns, after one round that is not counted.

    Args:
        what: the name of the row.
        ways: by name, a function that does it once: the tutorials' way first, `OURS` last.
        rounds: how often each is timed.
        items: how many items one call handles, for a rate per second instead of milliseconds.
    """
    figures = {name: [] for name in ways}
    for number in progress_bar(range(rounds + 1), unit="round", desc=what):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds = time.perf_counter() - started
            if number:
                figures[name].append(items / seconds if items else 1000 * seconds)
    return summarise(what, figures, unit="/s" if items else "ms", more_is_better=bool(items))


def table(rows: Sequence[Row]) -> str:
    """Return all rows as one Markdown table."""
    return "\n".join([HEAD, *(row.line() for row in rows)])


def short(figure: float) -> str:
    """Format a figure with at least two significant digits and no more than two decimal places."""
    return f"{figure:,.{0 if abs(figure) >= 10 else 1 if abs(figure) >= 1 else 2}f}"


def _spread(ratios: Sequence[float]) -> str:
    median, lowest, highest = map(short, ratios)
    return f"**{median}**" if lowest == highest else f"**{median}** ({lowest} to {highest})"
