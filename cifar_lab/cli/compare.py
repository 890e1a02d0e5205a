"""`cifar-lab compare`: is a difference in accuracy significant?"""

import json

import click

from cifar_lab.cli.group import main


@main.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--over-seeds", is_flag=True, help="Compare the recipes, over all runs that differ only in the seed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare_command(a, b, over_seeds, as_json):
    """Test whether A is better than B.

    A and B are names or folders of finished runs or classifiers that were evaluated on the same test images. Reports
    McNemar's test on the images that only one classifies correctly, and a bootstrap interval. With --over-seeds, A and
    B stand for their recipes: Welch's t-test on the test accuracies of all their seeds.
    """
    from cifar_lab.experiments import evaluate

    difference = (evaluate.compare_over_seeds if over_seeds else evaluate.compare)(a, b)
    if as_json:
        click.echo(json.dumps(difference.to_dict() | {"a": a, "b": b}, indent=2))
        return
    counted = "seeds" if over_seeds else "images that only it classifies correctly"
    click.echo(f"{a}: {100 * difference.accuracy_a:.2f} %; {counted}: {difference.count_a:,}")
    click.echo(f"{b}: {100 * difference.accuracy_b:.2f} %; {counted}: {difference.count_b:,}")
    click.echo(difference.verdict(a, b))
    if over_seeds:
        click.echo("This compares the two recipes, retrained with other seeds, on these test images.")
    else:
        click.echo("This compares two trained networks. To compare recipes, train several seeds and use --over-seeds.")
