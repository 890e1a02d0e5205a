"""The leaderboard: finished runs, those that differ only in their seed together, and classifiers beside them.

    found, problems = leaderboard.read_runs()
    rows = leaderboard.ranked(leaderboard.rows_of(found) + leaderboard.classifier_rows()[0])

Accuracy on the validation split and on the test split are two things: decisions were made on the first, so that it
flatters, and they never stand in one column. `cifar_lab.plots.leaderboard` draws accuracy against minutes.
"""

from cifar_lab.experiments.leaderboard.reading import one_a_seed, own_test, read_runs, record, seeds_of
from cifar_lab.experiments.leaderboard.rows import SORTS, Row, Spread, bytes_of, classifier_rows, ranked, rows_of

__all__ = [
    "SORTS",
    "Row",
    "Spread",
    "bytes_of",
    "classifier_rows",
    "one_a_seed",
    "own_test",
    "ranked",
    "read_runs",
    "record",
    "rows_of",
    "seeds_of",
]
