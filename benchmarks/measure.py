"""Timing two ways of doing the same, in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison: milliseconds of the usual way and of ours, one figure a round."""

    what: str
    usual: list[float]
    ours: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times faster ours was, round by round."""
        return [usual / ours for usual, ours in zip(self.usual, self.ours, strict=True)]


def compare(what: str, usual: Callable[[], object], ours: Callable[[], object], rounds: int = 15) -> Row:
    """Time both ways in turns, after one round that is not counted."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds + 1):
        for way, kept in zip((usual, ours), times, strict=True):
            started = time.perf_counter()
            way()
            if number:
                kept.append(1000 * (time.perf_counter() - started))
    return Row(what, *times)


def table(rows: list[Row]) -> str:
    """The rows as text: medians, and the ratio with its lowest and highest round."""
    lines = [f"{'':<46} {'usual ms':>10} {'ours ms':>10}   times faster (lowest to highest round)"]
    for row in rows:
        medians = f"{statistics.median(row.usual):>10.2f} {statistics.median(row.ours):>10.2f}"
        spread = f"{statistics.median(row.ratios):>6.1f} ({min(row.ratios):.1f} to {max(row.ratios):.1f})"
        lines.append(f"{row.what:<46} {medians}   {spread}")
    return "\n".join(lines)
