"""The page beside the usual one (Flask and `keras.Model.predict`), both under gunicorn, asked in turns.

    python -m benchmarks --only page

`python -m benchmarks.page_load` has more: 1, 8 and 64 connections, and latencies.
"""

import sys

from benchmarks.decode import photograph
from benchmarks.measure import LeftOut, Row
from benchmarks.page_client import upload
from benchmarks.page_load import USUAL, small
from benchmarks.page_load import measure as load_of
from benchmarks.page_server import served
from cifar_lab.core.progress import progress_bar

# The picture and the connections of each case.
_ASKED = {
    "32 x 32 PNG, 1 connection": (small, 1),
    "32 x 32 PNG, 8 connections": (small, 8),
    "12-megapixel JPEG, 8 connections": (photograph, 8),
}


def measure(*, quick: bool = False) -> list[Row]:
    """Answers a second in each case, the time until it is ready, and memory before and after."""
    if sys.platform != "linux":
        raise LeftOut("its memory is read in a way that only Linux has.")
    rounds, seconds = (1, 1.0) if quick else (5, 4.0)
    with served(*USUAL) as usual, served(CIFAR_LAB_WAITING="64") as ours:
        pages = (usual, ours)
        start = [page.memory() for page in pages]
        rows = []
        for what, (content, connections) in _ASKED.items():
            request = upload(content())
            turns = [
                [load_of(page, request, connections, seconds).rate for page in pages]
                for _ in progress_bar(range(rounds), unit="round", desc=what)
            ]
            rates = map(list, zip(*turns, strict=True))
            rows.append(Row(f"page, {what} (Flask, keras.Model.predict)", *rates, unit="/s", more_is_better=True))
        end = [page.memory() for page in pages]
    ready = [[page.seconds] for page in pages]
    return [
        *rows,
        Row("page ready after", *ready, unit="s"),
        Row("page's memory after the start", *([float(used)] for used in start), unit="MB"),
        Row("page's memory after all this", *([float(used)] for used in end), unit="MB"),
    ]
