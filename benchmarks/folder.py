"""Folders of pictures: what is found of what was planted, and what loading many of them takes.

    python -m benchmarks.folder                     # 2,000 files: 2 % broken, 3 % duplicates, ten to one
    python -m benchmarks.folder --files 100000      # and the seconds and peak memory of loading so many

Both make their pictures in a folder of their own and remove them afterwards.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.helpers.planted_folder import plant


def exercise(count: int) -> None:
    """Plant mistakes in a folder, look through it, and print what was found of them."""
    from cifar_lab.core import paths
    from cifar_lab.data.folder import checks

    with tempfile.TemporaryDirectory() as scratch:
        paths.data_folder = lambda: Path(scratch)  # so that the decoded pictures go there, and then with it
        planted, made = plant(Path(scratch) / "planted", count), time.perf_counter()
        report = checks.check_folder(Path(scratch) / "planted")
        print(
            f"{count:,} files looked through in {time.perf_counter() - made:.1f} s, peak {_peak():.0f} MB\n\n{report}"
        )
        print(f"\n{'planted':<14}{'files':>7}{'found':>7}{'others':>8}")
        named = {reason: {problem.path for problem in problems} for reason, problems in report.by_reason.items()}
        named["misnamed"] = set(report.misnamed)
        for reason in sorted(planted.keys() | named.keys()):
            found, wanted = named.get(reason, set()), planted.get(reason, set())
            print(f"{reason:<14}{len(wanted):>7}{len(found & wanted):>7}{len(found - wanted):>8}")


def loading(count: int) -> None:
    """Load a folder twice, each time in a new process, and print seconds and peak memory."""
    with tempfile.TemporaryDirectory() as scratch:
        started, before = time.perf_counter(), time.process_time()
        plant(Path(scratch) / "many", count)
        processor = time.process_time() - before
        print(f"{count:,} files made in {time.perf_counter() - started:.0f} s, {processor:.0f} s of the processor")
        for what in ("first time, decoding", "second time, from the cache"):
            command = [sys.executable, "-m", "benchmarks.folder", "--load", scratch]
            result = subprocess.run(command, capture_output=True, text=True, check=True)
            print(f"{what}: {result.stdout.strip().splitlines()[-1]}")


def _load(scratch: str) -> None:
    """Load a folder, and print what it took; for a process of its own."""
    from cifar_lab import data
    from cifar_lab.core import paths

    paths.data_folder = lambda: Path(scratch)
    before = _peak()
    started = time.perf_counter()
    dataset = data.load(f"{scratch}/many")
    loaded, seconds, processor = _peak(), time.perf_counter() - started, time.process_time()
    total = sum(len(split) for split in (dataset.train, dataset.validation, dataset.test))
    for first in range(0, len(dataset.train), 512):
        dataset.train.images[first : first + 512].mean()
    kind = "on disk" if isinstance(dataset.train.images, np.memmap) else "in memory"
    print(
        f"{seconds:.1f} s ({processor:.1f} s of the processor) for {total:,} images, peak {loaded:.0f} MB "
        f"({before:.0f} MB before); {_peak():.0f} MB after one epoch's reading, train split {kind}"
    )


def _peak() -> float:
    """The largest resident memory of this process so far, in MB."""
    import resource  # here, since Windows has none

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2_000)
    parser.add_argument("--load", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.load:
        _load(arguments.load)
    else:
        exercise(min(arguments.files, 2_000))
        if arguments.files > 2_000:
            loading(arguments.files)
