"""The leaderboard: finished runs, those that differ only in their seed together, and classifiers beside them.

    found, problems = leaderboard.read_runs()
    rows = leaderboard.ranked(leaderboard.rows_of(found) + leaderboard.classifier_rows()[0])

Accuracy on the validation split and on the test split are two things: decisions were made on the first, so that it
flatters, and they never stand in one column. `cifar_lab.plots.leaderboard` draws accuracy against minutes.
"""

from cifar_lab.experiments.leaderboard.reading import one_per_seed, read_runs, seeds_of, test_result, write_records
from cifar_lab.experiments.leaderboard.rows import (
    RUN_SORTS,
    RunRow,
    Spread,
    bytes_of,
    classifier_rows,
    rank_rows,
    run_rows,
)

__all__ = [
    "RUN_SORTS",
    "RunRow",
    "Spread",
    "bytes_of",
    "classifier_rows",
    "one_per_seed",
    "rank_rows",
    "read_runs",
    "run_rows",
    "seeds_of",
    "test_result",
    "write_records",
]
