"""Measuring two ways of doing the same in turns, and the table of what came of it."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from cifar_lab.core.progress import progress_bar

_TAIL_FROM = 100  # rounds: of fewer, a 99th percentile is no more than the worst
_HEAD = "| | usual way | here | times better | rounds |\n|---|---|---|---|---|"


class LeftOut(Exception):
    """A measurement that can't be made here; the sentence says why, and what to do about it."""


@dataclass(frozen=True)
class Row:
    """One comparison.

    Attributes:
        what: what was measured, and in brackets what the usual way is.
        usual: what the usual way took or reached, one figure a round; empty if there is none.
        ours: the same of ours, in the same rounds.
        unit: of both.
        more_is_better: whether they are rates rather than times or sizes.
    """

    what: str
    usual: list[float]
    ours: list[float]
    unit: str = "ms"
    more_is_better: bool = False

    @property
    def ratios(self) -> list[float]:
        """How many times better ours was, round by round."""
        pairs = zip(self.usual, self.ours, strict=True) if self.usual else ()
        return [ours / usual if self.more_is_better else usual / ours for usual, ours in pairs]

    def line(self) -> str:
        """The row in Markdown: medians, the median of the ratios, and the ratio in the worst and the best round.

        With a hundred rounds or more, times also have their 99th percentile.
        """
        ratio, spread = "-", f"{len(self.ours)}"
        if ratios := self.ratios:
            ratio = f"**{short(statistics.median(ratios))}**"
            spread += f": {short(min(ratios))} to {short(max(ratios))}" if len(ratios) > 1 else ""
        return f"| {' | '.join([self.what, self._cell(self.usual), self._cell(self.ours), ratio, spread])} |"

    def _cell(self, figures: list[float]) -> str:
        if not figures:
            return "-"
        median = f"{short(statistics.median(figures))} {self.unit}"
        if self.more_is_better or len(figures) < _TAIL_FROM:
            return median
        return f"{median} (p99 {short(statistics.quantiles(figures, n=100, method='inclusive')[98])})"


def compare(
    what: str, usual: Callable[[], object], ours: Callable[[], object], *, rounds: int = 15, items: int = 0
) -> Row:
    """Time both ways in turns, after one round that is not counted.

    Args:
        what: what the row is called.
        usual: does it once in the usual way.
        ours: does it once in ours.
        rounds: how often each is timed.
        items: with a number, the row is of so many items' rate a second instead of milliseconds.
    """
    figures: tuple[list[float], list[float]] = ([], [])
    for number in progress_bar(range(rounds + 1), unit="round", desc=what):
        for way, kept in zip((usual, ours), figures, strict=True):
            started = time.perf_counter()
            way()
            seconds = time.perf_counter() - started
            if number:
                kept.append(items / seconds if items else 1000 * seconds)
    return Row(what, *figures, **({"unit": "/s", "more_is_better": True} if items else {}))


def table(rows: list[Row]) -> str:
    """All rows as one table in Markdown."""
    return "\n".join([_HEAD, *(row.line() for row in rows)])


def short(figure: float) -> str:
    """A figure with as many digits as mean something."""
    return f"{figure:,.0f}" if abs(figure) >= 20 else f"{figure:.2g}"
