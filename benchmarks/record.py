"""The record of the last `make bench`: `last_run.json` with every round's figure, `last_run.md` to read."""

import json
import os
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Row, table
from cifar_lab.core import files
from cifar_lab.training import runs

FOLDER = Path(__file__).parent
_WHERE = ("machine", "versions")
# From new to old. Machines in one cloud can share a name and differ in these, and in speed twofold.
_VECTORS = {"avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx2": "AVX2"}


def begin() -> dict:
    """The record to go on with: what is there, if it is of this machine with these versions; else an empty one."""
    here = {"format": 1, "machine": machine(), "versions": runs.package_versions(), "measurements": {}}
    try:
        there = json.loads((FOLDER / "last_run.json").read_text(encoding="utf-8"))
        same = all(there[name] == here[name] for name in (*_WHERE, "format"))
        return there if same and isinstance(there["measurements"], dict) else here
    except (OSError, ValueError, KeyError, TypeError):
        return here


def add(record: dict, name: str, rows: list[Row], *, seconds: float = 0.0, left_out: str = "") -> None:
    """Put one finished measurement into a record, in the place of an earlier one of that name."""
    record["measurements"][name] = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "seconds": round(seconds, 1),
        "left_out": left_out,
        "rows": [asdict(row) for row in rows],
    }


def write(record: dict) -> None:
    """Write both files, each whole or not at all."""
    files.write_json(FOLDER / "last_run.json", record)
    text = as_text(record)
    files.write_whole(FOLDER / "last_run.md", lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def as_text(record: dict) -> str:
    """A record as a page in Markdown."""
    found = record["measurements"]
    rows = [Row(**row) for one in found.values() for row in one["rows"]]
    dates = sorted(one["date"] for one in found.values())
    lines = ["# The last run of `make bench`", "", _about(record), ""]
    if dates:
        minutes = sum(one["seconds"] for one in found.values()) / 60
        lines += [f"Measured {dates[0]} to {dates[-1]} in {minutes:.0f} minutes.", ""]
    lines += [
        'The figures are medians over the rounds, in which the two ways take turns; "times better" is the median of',
        "the rounds' ratios, and behind the number of rounds stand the worst and the best of them. Times of 100 rounds",
        "or more have a p99: 99 in 100 rounds took no longer.",
        "",
        table(rows),
    ]
    missing = [f"- {name}: {one['left_out']}" for name, one in found.items() if one["left_out"]]
    return "\n".join([*lines, *(["", "Not measured:", "", *missing] if missing else []), ""])


def _about(record: dict) -> str:
    there, versions = record["machine"], record["versions"]
    vectors = f" with {there['vectors']}" if there["vectors"] else ""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"{there['cores']} cores of {there['model'] or there['processor']}{vectors}, {there['system']}; {packages}."


def machine() -> dict:
    """This machine in words: processor family and model, its vector instructions, cores, system."""
    flags = _told("flags").split()
    vectors = next((name for flag, name in _VECTORS.items() if flag in flags), "")
    return runs.describe_machine() | {
        "cores": _cores(),
        "model": _told("model name") or platform.processor(),
        "vectors": vectors,
    }


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _told(word: str) -> str:
    """What Linux tells about its first processor under this word; nothing elsewhere."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return ""
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith(word)), "")
