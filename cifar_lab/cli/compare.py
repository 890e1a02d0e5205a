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
    counted, hint = (
        "images that only it classifies correctly",
        ("This compares two trained networks. To compare recipes, train several seeds of each and use --over-seeds."),
    )
    if over_seeds:
        counted, hint = "seeds", "This compares the two recipes, retrained with other seeds, on these test images."
    if as_json:
        click.echo(json.dumps(difference.to_dict() | {"a": a, "b": b}, indent=2))
        return
    for name, accuracy, count in (
        (a, difference.accuracy_a, difference.count_a),
        (b, difference.accuracy_b, difference.count_b),
    ):
        click.echo(f"{name}: {100 * accuracy:.2f} %; {counted}: {count:,}")
    click.echo(f"{difference.verdict(a, b)}\n{hint}")
