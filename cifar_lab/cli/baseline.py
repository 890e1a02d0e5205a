"""`cifar-lab baseline`: classifiers from before deep learning, for the same pictures."""

import click

from cifar_lab.cli.group import main, typed
from cifar_lab.cli.options import folder_options, folder_wishes, held_out_option


@main.command("baseline")
@click.argument("method")
@click.option("--features", default="hog", show_default=True, help="What it sees of an image: hog or pixels.")
@click.option(
    "--dataset", default="auto", show_default=True, help="auto, cifar10, sketches, digits, or a folder of pictures."
)
@folder_options
@held_out_option
@click.option("--train", type=click.IntRange(1), help="Use so many training images, every class in proportion.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Fixes what is left to chance.")
def baseline_command(method, features, dataset, held_out, train, seed, **wishes):
    """Fit a classifier that is no network.

    METHOD is knn, logistic, linear-svm, svm or forest. Or all: every one on both features, measured on the test split,
    in one table; a stopped one goes on where it was.
    """
    from cifar_lab import data
    from cifar_lab.experiments import baselines

    if method != "all":
        baselines.build_pipeline(method, features=features)  # a mistake is told before the wait for data
    pictures = data.load(dataset, held_out=held_out, **folder_wishes(wishes))
    if method == "all":
        click.echo(baselines.compare_baselines(pictures, train=train, seed=seed))
        return
    run = baselines.fit_baseline(pictures, method, features=features, train=train, seed=seed, command=typed())
    accuracy = run.record["metrics"]["validation"]["accuracy"]
    click.echo(f"Run {run.folder.name}: {accuracy:.1%} on validation after {run.record['minutes']:.1f} minutes.")
    click.echo(f"Next: cifar-lab evaluate {run.folder.name}, or cifar-lab export {run.folder.name} --name NAME")
