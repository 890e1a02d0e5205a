"""`cifar-lab check` and `cifar-lab data`: what is here, and what can be learnt from."""

import sys

import click

from cifar_lab.cli.group import main


@main.command()
def check():
    """Say what is here, and what is missing."""
    from cifar_lab import check as checks

    findings = checks.run()
    for finding in findings:
        mark = click.style("ok     ", fg="green") if finding.ok else click.style("missing", fg="yellow")
        click.echo(f"{mark}  {finding.text}")
        if finding.mend:
            click.echo(f"         -> {finding.mend}")
    if any(finding.needed and not finding.ok for finding in findings):
        sys.exit(1)


@main.command(name="data")
@click.argument("name", type=click.Choice(["cifar10", "sketches"]), default="cifar10")
def data_command(name):
    """Fetch a dataset and say what is in it.

    A download that was stopped goes on where it was.
    """
    from cifar_lab import data

    if name == "cifar10":
        from cifar_lab.data import cifar10

        if cifar10.locate() is None:
            cifar10.fetch(patient=True)
    _describe(data.load(name))


def _describe(dataset) -> None:
    sizes = f"{len(dataset.train):,} train, {len(dataset.validation):,} validation, {len(dataset.test):,} test images"
    click.echo(f"{dataset.name}: {sizes}, {len(dataset.class_names)} classes. {dataset.origin}")
