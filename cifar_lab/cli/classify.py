"""`cifar-lab classify`: classify a large collection of pictures into a table."""

import sys
from pathlib import Path

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import model_option


@main.command("classify")
@click.argument("source", metavar="FOLDER_OR_LIST", type=click.Path(path_type=Path, allow_dash=True))
@model_option
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("answers.csv"),
    show_default=True,
    help="Table to write, .csv or .parquet.",
)
@click.option("--workers", type=click.IntRange(1), help="Number of worker processes (default: one per core).")
@click.option(
    "--cluster", help="Run on a Ray cluster: auto for the one this machine is in, HOST:PORT, or local for a new one."
)
@click.option("--replace", is_flag=True, help="Discard an existing table, or an unfinished run with other settings.")
@click.option("--as-listed", is_flag=True, help="Resume with the stored list, even if the folder has changed since.")
def classify_command(source, output, **options):
    """Classify all pictures of a folder or list into a table.

    FOLDER_OR_LIST is a folder, searched recursively; or a text file with one path per line; or - to read such a list
    from standard input (find ... -print0 works too). Names that start with a dot and links to folders are skipped.

    The table has one row per file: path, label, index, score, known; or code and error if the file cannot be read. To
    resume a run that was stopped or killed, give the same command again: no file is skipped or counted twice. With
    --cluster, all nodes must see the files under the same paths.
    """
    from cifar_lab.inference import batch

    stream = sys.stdin.buffer if str(source) == "-" else source
    try:
        report = batch.classify_files(stream, output, progress=True, **options)
    except KeyboardInterrupt:
        click.echo("The rows so far are kept. To resume: the same command again.", err=True)
        raise
    click.echo("\n".join(report.lines()))
