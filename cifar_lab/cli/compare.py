"""`cifar-lab compare`: whether a difference in accuracy is real."""

import json

import click

from cifar_lab.cli.group import main


@main.command("compare")
@click.argument("a")
@click.argument("b")
@click.option("--over-seeds", is_flag=True, help="Compare the recipes: all runs that differ only in the seed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def compare_command(a, b, over_seeds, as_json):
    """Say whether A is better than B, or only seems so.

    A and B are finished runs or classifiers, by their names or folders, that were evaluated on the same test images:
    McNemar's test on those that only one gets right, and a bootstrap interval. With --over-seeds A and B stand for
    their recipes: Welch's t-test on the test accuracies of all their seeds.
    """
    from cifar_lab.experiments import evaluate

    if over_seeds:
        difference = evaluate.compare_over_seeds(a, b)
        lines = [
            f"{a}: {100 * difference.accuracy_a:.2f} % over {difference.count_a} seeds",
            f"{b}: {100 * difference.accuracy_b:.2f} % over {difference.count_b} seeds",
            difference.verdict(a, b),
            "That is about the two recipes, trained again with other seeds, on these test images.",
        ]
    else:
        difference = evaluate.compare(a, b)
        lines = [
            f"{a}: {100 * difference.accuracy_a:.2f} %; it alone is right on {difference.count_a:,} images",
            f"{b}: {100 * difference.accuracy_b:.2f} %; it alone is right on {difference.count_b:,} images",
            difference.verdict(a, b),
            "That is about these two networks. For their recipes: several seeds of each, and --over-seeds.",
        ]
    click.echo(json.dumps(difference.to_dict() | {"a": a, "b": b}, indent=2) if as_json else "\n".join(lines))
