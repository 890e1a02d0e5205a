"""`cifar-lab runs`: a table of the finished runs."""

import dataclasses
import json

import click

from cifar_lab.cli.group import main

_HEADINGS = ("test", "validation", "calibration", "minutes", "parameters", "MB", "trained on", "seeds")


@main.command("runs")
@click.option("--dataset", help="List only runs on the dataset of this name.")
@click.option("--recipe", help="List only recipes whose name starts with this.")
@click.option("--classifiers", is_flag=True, help="Also list the classifiers in data/models.")
@click.option(
    "--sort",
    type=click.Choice(["test", "validation", "minutes", "bytes", "name"]),
    default="test",
    show_default=True,
    help="Sort by accuracy (best first), minutes or bytes (smallest first), or name.",
)
@click.option("--top", type=click.IntRange(1), help="List at most this many rows per set of test images.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list of rows.")
def runs_command(dataset, recipe, classifiers, sort, top, as_json):
    """List the finished runs, best first.

    Runs that differ only in the seed share a row: mean ± standard deviation over the seeds. Compare by test accuracy:
    validation accuracy was used to make choices. Rows under different headings have different test images.
    """
    from cifar_lab.experiments import run_table

    found, problems = run_table.read_runs()
    rows = run_table.run_rows(found)
    if classifiers:
        more, broken = run_table.classifier_rows()
        rows, problems = rows + more, problems | broken
    rows = [row for row in rows if dataset in (None, row.dataset) and row.name.startswith(recipe or "")]
    sections = [section[:top] for section in run_table.rank_rows(rows, sort)]
    for name, problem in problems.items():
        click.echo(f"Skipped {name}: {problem}", err=True)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(row) for section in sections for row in section], indent=2))
        return
    click.echo("\n\n".join(map(_section, sections)) or "No matching runs yet. Start with: cifar-lab train")
    if any(row.test and row.test.count < len(row.runs) for section in sections for row in section):
        click.echo("\n(2): only this many seeds have been evaluated.")
    if any(row.test is None for section in sections for row in section):
        click.echo("\n-: not evaluated on the test split yet. Next: cifar-lab evaluate RUN")


def _section(rows) -> str:
    from cifar_lab.core.text import text_table

    images = rows[0].images
    count = f"{images['test_count']:,} test images" if images["test_count"] else "test images"
    title = f"{rows[0].dataset}: {count}. {images['origin'] or ''}".rstrip()
    headings = (*_HEADINGS, "recipe: newest run")
    return f"{title}\n{text_table([headings, *map(_cells, rows)], left=(len(_HEADINGS),))}"


def _cells(row) -> tuple[str, ...]:
    return (
        _accuracy(row.test, len(row.runs)),
        _accuracy(row.validation, len(row.runs)),
        "-" if row.calibration_error is None else f"{100 * row.calibration_error:.1f} %",
        "-" if row.minutes is None else f"{row.minutes.mean:.1f}",
        "-" if row.parameters is None else f"{row.parameters:,}",
        "-" if row.bytes is None else f"{row.bytes / 1e6:.1f}",
        "-" if row.train is None else f"{row.train:,}",
        str(len(row.seeds) or "-"),
        f"{row.name}: {row.runs[-1]}" if row.runs else f"classifier {row.name}",
    )


def _accuracy(spread, seed_count: int) -> str:
    if spread is None:
        return "-"
    return spread.percent() + (f" ({spread.count})" if spread.count < seed_count else "")
