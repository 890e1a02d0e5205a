"""Timing two ways of doing the same, in turns."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison: what the usual way and ours took, one figure a round, in milliseconds unless `what` says."""

    what: str
    usual: list[float]
    ours: list[float]

    @property
    def ratios(self) -> list[float]:
        """How many times less ours was, round by round."""
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


def percentile_99(figures: list[float]) -> float:
    """The figure that 99 of 100 stay below; of fewer than 100 the largest."""
    return sorted(figures)[min(len(figures) - 1, int(0.99 * len(figures)))]


def table(rows: list[Row]) -> str:
    """The rows as text: medians, 99th percentiles, and the ratio with its lowest and highest round."""
    lines = [f"{'':<46} {'usual':>8} {'(99 %)':>8} {'ours':>8} {'(99 %)':>8}   ratio (lowest to highest round)"]
    for row in rows:
        figures = [statistics.median(row.usual), percentile_99(row.usual)]
        figures += [statistics.median(row.ours), percentile_99(row.ours)]
        spread = f"{statistics.median(row.ratios):>6.1f} ({min(row.ratios):.1f} to {max(row.ratios):.1f})"
        lines.append(f"{row.what:<46} {' '.join(f'{figure:>8.2f}' for figure in figures)}   {spread}")
    return "\n".join(lines)
