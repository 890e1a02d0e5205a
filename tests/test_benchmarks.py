"""`make bench` from outside, and the ratios of its table."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import OURS, summarise

ROOT = Path(__file__).parent.parent


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_listed_measurement_is_a_module():
    names = [line.split()[0] for line in bench("--list").splitlines()]
    assert names
    assert [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").is_file()] == []


def test_a_quick_measurement_prints_ratios_and_records_nothing():
    record = ROOT / "benchmarks" / "last_run.json"
    before = record.read_bytes()
    line = bench("--quick", "--only", "decode").splitlines()[-1]
    tutorial, best, ours = map(float, re.findall(r"([\d.]+) ms", line))
    assert tutorial > best > 0 < ours  # decoding in full takes longer than decoding at an eighth of the size
    assert record.read_bytes() == before


@pytest.mark.parametrize("more_is_better", [False, True])
def test_ratios_are_taken_round_by_round_to_the_best_other_way(more_is_better):
    figures = {"predict": [8.0, 12.0, 10.0], "function": [2.0, 4.0, 3.0], OURS: [4.0, 4.0, 4.0]}
    row = summarise("prediction", figures, more_is_better=more_is_better)
    if more_is_better:  # predict: 4/8, 4/12, 4/10
        assert (row.best, row.to_best) == ("predict", pytest.approx([0.4, 1 / 3, 0.5]))
    else:  # function: 2/4, 4/4, 3/4
        assert (row.best, row.to_best, row.to_tutorial) == ("function", [0.75, 0.5, 1.0], [2.5, 2.0, 3.0])
