"""`cifar-lab check`: is everything installed?"""

import sys

import click

from cifar_lab.cli.group import main


@main.command("check")
def check_command():
    """Check the installation, the datasets and the classifiers."""
    from cifar_lab.cli import environment

    findings = environment.run()
    for finding in findings:
        mark = click.style("ok     ", fg="green") if finding.ok else click.style("missing", fg="yellow")
        click.echo(f"{mark}  {finding.text}")
        if finding.fix:
            click.echo(f"         -> {finding.fix}")
    if any(finding.needed and not finding.ok for finding in findings):
        sys.exit(1)
