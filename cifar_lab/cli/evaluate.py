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
    help="Evaluate a classifier on this folder instead: one subfolder per class; other subfolders count as "
    '"none of these".',
)
@click.option("--keep", is_flag=True, help="Store the result in a classifier's card and the predictions next to it.")
@click.option("--json", "as_json", is_flag=True, help="Print the metrics as JSON.")
def evaluate_command(subject, dataset, photographs, keep, as_json):
    """Evaluate a run or classifier on the test split.

    SUBJECT is the name or folder of a finished run or classifier. For a run, the result is stored in its record. If the
    dataset is not on this machine, stored predictions are evaluated instead, which the bundled classifiers have.
    """
    from cifar_lab import data
    from cifar_lab.experiments import evaluate

    if keep and Path(subject).is_file():
        raise click.UsageError(f"--keep needs a folder, not the file {subject}. First: cifar-lab unpack {subject}")
    if photographs:
        from cifar_lab.experiments import folder_accuracy
        from cifar_lab.inference.classifier import Classifier

        report = folder_accuracy.evaluate_folder(Classifier.load(subject), photographs, keep=keep, progress=True)
        click.echo(json.dumps(vars(report), indent=2) if as_json else "\n".join(report.lines()))
        return
    trained_on = evaluate.trained_on(subject)
    saved = None if dataset or keep or data.is_here(trained_on) else evaluate.evaluate_saved(subject)
    if saved:
        evaluation, origin = saved
        click.echo(origin, err=True)
    else:
        evaluation = evaluate.evaluate_named(
            subject, data.load_again(trained_on, dataset, say=not as_json), keep=keep, progress=True
        )
    click.echo(json.dumps(evaluation.to_dict(), indent=2) if as_json else evaluation.table())
