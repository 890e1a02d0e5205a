"""`make bench`: this project beside the tutorials' way and the best ordinary way, in one table.

    python -m benchmarks                          # everything
    python -m benchmarks --quick                  # few rounds, small data, nothing recorded
    python -m benchmarks --only page --only start
    python -m benchmarks --list

Each measurement is recorded as soon as it is finished, in benchmarks/last_run.json and last_run.md; after an
interruption, `--only` adds what is missing.
"""

import importlib
import os
import time

import click

from benchmarks import record
from benchmarks.measure import SkippedError, table

# Each is a module here with `measure(quick=...)`, the quick ones first.
MEASUREMENTS = {
    "decode": "a 12-megapixel JPEG to 32 x 32",
    "predict": "one prediction from a file, and 256 images at once",
    "start": "a new process: time to its first prediction, memory",
    "augmentation": "augmented images per second",
    "page": "the web page: pictures per second, start, memory (Linux)",
    "training": "minutes to the tutorial network's accuracy",
}


@click.command()
@click.option("--only", type=click.Choice(list(MEASUREMENTS)), multiple=True, help="Only this one; may be repeated.")
@click.option("--quick", is_flag=True, help="Few rounds and small data, for a first impression; records nothing.")
@click.option("--list", "is_list", is_flag=True, help="List the measurements.")
def main(only, quick, is_list):
    """Measure this project beside two other ways, and print one table."""
    if is_list:
        click.echo("\n".join(f"{name:<14}{about}" for name, about in MEASUREMENTS.items()))
        return
    os.environ["KERAS_BACKEND"] = "tensorflow"  # tf.function and tf.data are what it is compared with
    names, book, rows = only or tuple(MEASUREMENTS), record.begin(), []
    for number, name in enumerate(names, start=1):
        click.echo(f"[{number}/{len(names)}] {name}: {MEASUREMENTS[name]}", err=True)
        started = time.perf_counter()
        try:
            found = importlib.import_module(f"benchmarks.{name}").measure(quick=quick)
        except SkippedError as reason:
            click.echo(f"      skipped: {reason}", err=True)
            continue
        rows += found
        if not quick:
            record.add(book, name, found, seconds=time.perf_counter() - started)
    click.echo(table(rows))
    if not quick:
        click.echo("Recorded in benchmarks/last_run.md and last_run.json.", err=True)


if __name__ == "__main__":
    main()
