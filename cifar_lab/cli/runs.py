"""`cifar-lab runs`: a table of the finished runs."""

import csv
import io
import json

import click

from cifar_lab.cli.group import main

_HEADINGS = ("test", "validation", "calibration", "minutes", "parameters", "MB", "trained on", "seeds")
_WIDTHS = (14, 14, 11, 7, 10, 6, 10, 5)


@main.command("runs")
@click.option("--dataset", help="List only runs on the dataset of this name.")
@click.option("--recipe", help="List only recipes whose name starts like this.")
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
@click.option("--csv", "as_csv", is_flag=True, help="Print comma-separated values.")
def runs_command(dataset, recipe, classifiers, sort, top, as_json, as_csv):
    """List the finished runs, best first.

    Runs that differ only in the seed share a row: mean ± standard deviation over the seeds. Compare by test accuracy:
    validation accuracy was used to make choices. Rows under different headings have different test images.
    """
    from cifar_lab.experiments import leaderboard

    found, problems = leaderboard.read_runs()
    rows = leaderboard.run_rows(found)
    if classifiers:
        more, broken = leaderboard.classifier_rows()
        rows, problems = rows + more, problems | broken
    rows = [row for row in rows if dataset in (None, row.dataset) and row.name.startswith(recipe or "")]
    sections = [section[:top] for section in leaderboard.rank_rows(rows, sort)]
    for name, problem in problems.items():
        click.echo(f"Skipped {name}: {problem}", err=True)
    if as_json:
        click.echo(json.dumps([row.to_dict() for section in sections for row in section], indent=2))
    elif as_csv:
        click.echo(_csv(sections), nl=False)
    else:
        click.echo("\n\n".join(map(_section, sections)) or "No matching runs yet. Start with: cifar-lab train")
        _print_notes([row for section in sections for row in section])


def _section(section) -> str:
    counts = [row.images["test_count"] for row in section if row.images["test_count"]]
    count = f"{counts[0]:,} test images" if counts else "test images"
    heading = "  ".join(f"{word:>{width}}" for word, width in zip(_HEADINGS, _WIDTHS, strict=True))
    title = f"{section[0].dataset}: {count}. {section[0].images['origin'] or ''}".rstrip()
    return "\n".join([title, f"{heading}  recipe, newest run", *map(_line, section)])


def _line(row) -> str:
    cells = (
        _accuracy(row.test, len(row.runs)),
        _accuracy(row.validation, len(row.runs)),
        "-" if row.calibration_error is None else f"{100 * row.calibration_error:.1f} %",
        "-" if row.minutes is None else f"{row.minutes.mean:.1f}",
        "-" if row.parameters is None else f"{row.parameters:,}",
        "-" if row.bytes is None else f"{row.bytes / 1e6:.1f}",
        "-" if row.train is None else f"{row.train:,}",
        len(row.seeds) or "-",
    )
    shown = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, _WIDTHS, strict=True))
    return f"{shown}  {f'{row.name}: {row.runs[-1]}' if row.runs else f'classifier {row.name}'}"


def _accuracy(spread, seed_count: int) -> str:
    if spread is None:
        return "-"
    deviation = "" if spread.deviation is None else f" ± {100 * spread.deviation:.1f}"
    seeds = f" ({spread.count})" if spread.count < seed_count else ""
    return f"{100 * spread.mean:.1f}{deviation} %{seeds}"


def _print_notes(rows) -> None:
    if any(row.test and row.test.count < len(row.runs) for row in rows):
        click.echo("\n(2): only so many seeds have been evaluated.")
    if any(row.test is None for row in rows):
        click.echo("\n-: not evaluated on the test split yet. Next: cifar-lab evaluate RUN")


def _csv(sections) -> str:
    """Return one line per row; a figure over seeds takes three columns: mean, deviation, count."""
    stream = io.StringIO()
    writer = None
    for row in (row for section in sections for row in section):
        flat = {}
        for name, value in (row.to_dict() | {"images": None}).items():
            if name in ("test", "validation", "minutes"):
                flat |= {f"{name}_{part}": (value or {}).get(part) for part in ("mean", "deviation", "count")}
            else:
                flat[name] = " ".join(map(str, value)) if isinstance(value, list) else value
        flat["images"] = row.images["test_fingerprint"] or row.images["fingerprint"]
        writer = writer or _start_csv(stream, flat)
        writer.writerow(flat)
    return stream.getvalue()


def _start_csv(stream: io.StringIO, flat: dict) -> csv.DictWriter:
    writer = csv.DictWriter(stream, flat, lineterminator="\n")
    writer.writeheader()
    return writer
