"""`cifar-lab baseline`: classifiers from before deep learning, on the same images."""

import click

from cifar_lab.cli.group import main, typed_command
from cifar_lab.cli.options import dataset_option, folder_options, held_out_option, pop_folder_options


@main.command("baseline")
@click.argument("method")
@click.option("--features", default="hog", show_default=True, help="Image features: hog or pixels.")
@dataset_option
@folder_options
@held_out_option
@click.option("--train", type=click.IntRange(1), help="Number of training images to use (class proportions are kept).")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Random seed.")
def baseline_command(method, features, dataset, held_out, train, seed, **options):
    """Fit a classifier that is not a neural network.

    METHOD is knn, logistic, linear-svm, svm or forest. With all, fit every method on both kinds of features and print
    one table; run it again to resume where it stopped. Figures and test predictions are kept as a run, the fitted model
    is not.
    """
    from cifar_lab import data
    from cifar_lab.experiments import baselines

    if method != "all":
        baselines.build_pipeline(method, features=features)  # fail on a wrong name before loading the data
    loaded = data.load(dataset, held_out=held_out, **pop_folder_options(options))
    if method == "all":
        click.echo(baselines.compare_baselines(loaded, train_size=train, seed=seed))
        return
    run = baselines.fit_baseline(
        loaded, method, features=features, train_size=train, seed=seed, command=typed_command()
    )
    validation, test = (run.record["metrics"][split]["accuracy"] for split in ("validation", "test"))
    name, minutes = run.folder.name, run.record["minutes"]
    click.echo(f"Run {name}: {validation:.1%} on validation, {test:.1%} on test after {minutes:.1f} minutes.")
    click.echo(f"Next: cifar-lab evaluate {name}, or cifar-lab compare {name} RUN")
