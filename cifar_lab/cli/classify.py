"""`cifar-lab classify`: classify any number of pictures into a table."""

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import model_option


@main.command("classify")
@click.argument("source", metavar="FOLDER_OR_LIST")
@model_option
@click.option("--output", default="predictions.csv", show_default=True, help="Table to write, .csv or .parquet.")
@click.option("--workers", type=click.IntRange(1), help="Number of processes (default: one per core).")
@click.option("--cluster", help="Use Ray: auto for this machine's cluster, HOST:PORT, or local to start Ray here.")
@click.option("--replace", is_flag=True, help="Replace a table, or an unfinished run with another classifier.")
def classify_command(source, output, **options):
    """Classify all pictures of a folder or list into a table.

    FOLDER_OR_LIST is a folder, searched recursively; or a text file with one path per line; or - to read such a list
    from standard input (find ... -print0 works too). The table has one row per file: path, label, index, score, known;
    or code and error if the file cannot be read. After Ctrl-C or a kill, the same command resumes.
    """
    from cifar_lab import inference

    source = click.get_binary_stream("stdin") if source == "-" else source
    outcomes = inference.classify_files(source, output, **options).most_common()
    click.echo(f"{output}: " + ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes))
