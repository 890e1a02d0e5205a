"""The record of the last `make bench`: `last_run.json` for programs, `last_run.md` to read."""

import json
import platform
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measure import Row, table
from cifar_lab.core import files
from cifar_lab.core.machine import cores
from cifar_lab.training import runs

_FOLDER = Path(__file__).parent
_FORMAT = 2
# From new to old: machines of one name can differ in these, and in speed by a factor of two.
_VECTORS = {"avx512_vnni": "AVX-512 VNNI", "avx512f": "AVX-512", "avx2": "AVX2"}


def begin() -> dict:
    """Return the stored record if it is of this machine and these versions, otherwise an empty one."""
    here = {"format": _FORMAT, "machine": machine(), "versions": runs.package_versions()}
    try:
        stored = json.loads((_FOLDER / "last_run.json").read_text(encoding="utf-8"))
        if all(stored[name] == value for name, value in here.items()) and isinstance(stored["measurements"], dict):
            return stored
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return here | {"measurements": {}}


def add(record: dict, name: str, rows: list[Row], *, seconds: float) -> None:
    """Put a finished measurement into a record, replacing an earlier one of that name, and write both files."""
    record["measurements"][name] = {
        "date": datetime.now(UTC).isoformat(timespec="minutes"),
        "seconds": round(seconds, 1),
        "rows": [asdict(row) for row in rows],
    }
    text = as_markdown(record)
    files.write_json(_FOLDER / "last_run.json", record)
    files.write_whole(_FOLDER / "last_run.md", lambda unfinished: unfinished.write_text(text, encoding="utf-8"))


def as_markdown(record: dict) -> str:
    """Return a record as a Markdown page."""
    found, where = record["measurements"].values(), record["machine"]
    dates, minutes = sorted(one["date"] for one in found), sum(one["seconds"] for one in found) / 60
    packages = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return "\n".join(
        [
            "# The last run of `make bench`",
            "",
            f"{where['cores']} cores of {where['model']} with {where['vectors']}, {where['system']}; {packages}.",
            "",
            f"Measured {dates[0]} to {dates[-1]} in {minutes:.0f} minutes.",
            "",
            "Figures are medians over rounds in which all ways take turns. A ratio above 1 means that ours is better",
            "by that factor, below 1 that it is worse; the lowest and highest ratio of a round are in brackets. The",
            "best ordinary way is the best of all ways that were measured besides ours.",
            "",
            table([Row(**row) for one in found for row in one["rows"]]),
            "",
        ]
    )


def machine() -> dict:
    """Describe this machine: processor, its vector instructions, cores, system."""
    cpuinfo = Path("/proc/cpuinfo")  # Linux
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = fields.get("flags", "").split()
    return {
        "model": fields.get("model name") or platform.processor() or platform.machine(),
        "vectors": next((name for flag, name in _VECTORS.items() if flag in flags), "unknown vector instructions"),
        "cores": cores(),
        "system": platform.system(),
    }
