"""`make bench`: ours beside the usual way of doing the same, every pair in one run, all ratios in one table.

    python -m benchmarks                          # everything
    python -m benchmarks --quick                  # few rounds, nothing trained to the end, nothing recorded
    python -m benchmarks --only page --only start
    python -m benchmarks --list

Each measurement is recorded as soon as it is done, in benchmarks/last_run.json and .md: after a stop, `--only` brings
what is missing.
"""

import importlib
import time

import click

from benchmarks import record
from benchmarks.measure import LeftOut, Row, table

# Each is a module here with `measure(quick=...)`; the quick ones first.
MEASUREMENTS = {
    "decode": "a large JPEG to the network's 32 x 32",
    "start": "a new process: import, load, first answer, memory; file size",
    "predict": "one prediction from bytes",
    "augmentation": "augmented images a second",
    "page": "the page: answers a second, start, memory (Linux)",
    "training": "training images a second",
    "accuracy": "minutes to the tutorial network's accuracy; with CIFAR-10 a quarter of an hour",
    "suite": "minutes of the last `make test`",
}


def listed(context, _parameter, wanted: bool) -> None:
    """Print the names, and stop."""
    if wanted:
        click.echo("\n".join(f"{name:<14}{about}" for name, about in MEASUREMENTS.items()))
        context.exit()


@click.command()
@click.option("--only", type=click.Choice(list(MEASUREMENTS)), multiple=True, help="Only this; can be given again.")
@click.option("--quick", is_flag=True, help="A rough look in about two minutes; nothing is recorded.")
@click.option("--list", is_flag=True, is_eager=True, expose_value=False, callback=listed, help="Name what there is.")
def main(only, quick):
    """Measure ours beside the usual way, and print one table of ratios."""
    names, book, rows = only or tuple(MEASUREMENTS), record.begin(), []
    for number, name in enumerate(names, start=1):
        click.echo(f"[{number}/{len(names)}] {name}: {MEASUREMENTS[name]}", err=True)
        started = time.perf_counter()
        found, left_out = measured(name, quick=quick)
        rows += found
        if not quick:
            record.add(book, name, found, seconds=time.perf_counter() - started, left_out=left_out)
            record.write(book)
        if left_out:
            click.echo(f"      left out: {left_out}", err=True)
    click.echo(table(rows))
    if not quick:
        click.echo("Recorded in benchmarks/last_run.md, every round in benchmarks/last_run.json.", err=True)


def measured(name: str, *, quick: bool) -> tuple[list[Row], str]:
    """The rows of one measurement, or none and the reason."""
    try:
        return importlib.import_module(f"benchmarks.{name}").measure(quick=quick), ""
    except LeftOut as reason:
        return [], str(reason)


if __name__ == "__main__":
    main()
