"""The leaderboard: finished runs, grouped over their seeds, and classifiers.

    runs, problems = leaderboard.read_runs()
    sections = leaderboard.rank_rows(leaderboard.run_rows(runs) + leaderboard.classifier_rows()[0])

Validation and test accuracy have separate columns: validation accuracy is optimistic, since it was used to make
choices. `cifar_lab.plots` draws accuracy against minutes.
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
