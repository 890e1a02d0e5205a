"""`cifar-lab evaluate`: accuracy on the test split."""

import json
from pathlib import Path

import click

from cifar_lab.cli.group import main
from cifar_lab.cli.options import own_dataset_option


@main.command("evaluate")
@click.argument("subject")
@own_dataset_option
@click.option(
    "--photographs",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Measure a classifier on this folder instead: a subfolder a class, others for other things.",
)
@click.option("--keep", is_flag=True, help="Keep the result on a classifier's card, and its answers beside it.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def evaluate_command(subject, dataset, photographs, keep, as_json):
    """Measure a network on the test split.

    SUBJECT is a finished run or a classifier, by its name or folder. A run's card keeps the result. Where the dataset
    is not on this machine, a shipped classifier is measured by the answers that were kept when it was made.
    """
    from cifar_lab import data
    from cifar_lab.experiments import evaluate

    if keep and Path(subject).is_file():
        raise click.UsageError(f"--keep writes beside the card. Make a folder of it first: cifar-lab unpack {subject}")
    if photographs:
        from cifar_lab.experiments import folder_accuracy as measuring
        from cifar_lab.inference.classifier import Classifier

        report = measuring.evaluate_folder(Classifier.load(subject), photographs, keep=keep, progress=True)
        click.echo(json.dumps(vars(report), indent=2) if as_json else "\n".join(report.lines()))
        return
    facts = evaluate.trained_on(subject)
    kept = None if dataset or keep or data.is_here(facts) else evaluate.evaluate_saved(subject)
    if kept:
        evaluation, about = kept
        click.echo(about, err=True)
    else:
        evaluation = evaluate.evaluate_named(
            subject, data.load_again(facts, dataset, say=not as_json), keep=keep, progress=True
        )
    click.echo(json.dumps(evaluation.to_dict(), indent=2) if as_json else evaluation.table())
