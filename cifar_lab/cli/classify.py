"""`cifar-lab classify`: a large collection of pictures into a table."""

import sys
from pathlib import Path

import click

from cifar_lab.cli.group import main


@main.command("classify")
@click.argument("source", metavar="FOLDER_OR_LIST", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--model", default=None, help="A classifier's name or folder (default: the best shipped one).")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("answers.csv"),
    show_default=True,
    help="The table to write, .csv or .parquet.",
)
@click.option("--workers", type=click.IntRange(1), help="Pictures in work at once (default: one a core).")
@click.option(
    "--cluster", help="Work on a Ray cluster: auto for the one this machine is in, HOST:PORT, or local for a new one."
)
@click.option("--replace", is_flag=True, help="Give up a table, or an unfinished run of other things, that is there.")
@click.option("--as-listed", is_flag=True, help="Go on with the list as it was, whatever is in the folder by now.")
def classify_command(source, output, **options):
    """Classify every picture of a folder or list into a table.

    FOLDER_OR_LIST is a folder, with all folders in it; or a text file with one path a line, or - for one that comes in
    (find ... -print0 is understood too). Names that begin with a dot are left out, and links to folders not followed.

    Each file gets one row: path, label, index, score, known; or code and error, if it cannot be read. A run that was
    stopped or killed goes on with the same command: nothing is lost or counted twice. With --cluster every node must
    be able to read the files under the same paths.
    """
    from cifar_lab.inference import batch

    stream = sys.stdin.buffer if str(source) == "-" else source
    try:
        report = batch.classify_files(stream, output, progress=True, **options)
    except KeyboardInterrupt:
        click.echo("What is answered is kept: the same command goes on.", err=True)
        raise
    click.echo("\n".join(report.lines()))
