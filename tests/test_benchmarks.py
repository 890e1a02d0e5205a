"""`make bench`, from outside: it lists its measurements, and a quick one prints a ratio and records nothing."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def bench(*arguments: str) -> str:
    command = [sys.executable, "-m", "benchmarks", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_every_measurement_that_is_listed_is_a_file():
    names = [line.split()[0] for line in bench("--list").splitlines()]
    assert len(names) > 3
    assert [name for name in names if not (ROOT / "benchmarks" / f"{name}.py").is_file()] == []


def test_a_quick_measurement_prints_a_ratio_and_records_nothing():
    record = ROOT / "benchmarks" / "last_run.json"
    before = record.read_bytes()
    usual, ours, ratio = re.search(
        r"\| ([\d.]+) ms \| ([\d.]+) ms \| \*\*([\d.]+)\*\*", bench("--quick", "--only", "decode")
    ).groups()
    assert float(usual) > float(ours) > 0 and float(ratio) > 1
    assert record.read_bytes() == before
