"""`cifar-lab compare`: is a difference in accuracy real?"""

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

    if over_seeds:
        difference = evaluate.compare_over_seeds(a, b)
        lines = [
            f"{a}: {100 * difference.accuracy_a:.2f} % over {difference.count_a} seeds",
            f"{b}: {100 * difference.accuracy_b:.2f} % over {difference.count_b} seeds",
            difference.verdict(a, b),
            "This compares the two recipes, retrained with other seeds, on these test images.",
        ]
    else:
        difference = evaluate.compare(a, b)
        lines = [
            f"{a}: {100 * difference.accuracy_a:.2f} %; alone correct on {difference.count_a:,} images",
            f"{b}: {100 * difference.accuracy_b:.2f} %; alone correct on {difference.count_b:,} images",
            difference.verdict(a, b),
            "This compares two trained networks. To compare recipes, train several seeds of each and use --over-seeds.",
        ]
    click.echo(json.dumps(difference.to_dict() | {"a": a, "b": b}, indent=2) if as_json else "\n".join(lines))
