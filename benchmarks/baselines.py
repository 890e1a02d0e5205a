"""Fit the baselines on CIFAR-10 and print them next to published figures as a Markdown table.

    python -m benchmarks.baselines
    python -m benchmarks.baselines --method knn --method svm --train 10000 --beside fast-mini-cifar10-seed0
    python -m benchmarks.baselines --record notebooks/experiments/baselines

Fits what is missing, the fastest first; the same command resumes an interrupted run. All of it takes hours on two
cores, most of them for the support vector machine. Minutes compare only if nothing else ran on the machine. With
--record, the run records are also copied to a folder, as the notebook on experiments shows them.
"""

from pathlib import Path

import click

from cifar_lab import data
from cifar_lab.experiments import baselines, run_table
from cifar_lab.experiments.baselines import BASELINE_FEATURES
from cifar_lab.training import runs

QUICKEST_FIRST = ("knn", "logistic", "linear-svm", "forest", "svm")
# On CIFAR-10 as it is, in per cent, with all 50,000 training images; pixels and HOG differ in their details.
PUBLISHED = {
    ("knn", "pixels"): "35.4 to 38.6 (Stanford, CS231n notes: nearest neighbour by L2 and L1)",
    ("knn", "hog"): "58.3 (Mouselimis, KernelKnn vignette: weighted by a kernel)",
    ("svm", "hog"): "62 (Lee, SVM Doped: RBF kernel on principal components)",
}


@click.command()
@click.option("--method", "methods", type=click.Choice(QUICKEST_FIRST), multiple=True, default=QUICKEST_FIRST)
@click.option("--features", type=click.Choice(list(BASELINE_FEATURES)), multiple=True, default=tuple(BASELINE_FEATURES))
@click.option("--dataset", default="cifar10", show_default=True)
@click.option("--train", type=click.IntRange(1), help="Use so many training images, every class in proportion.")
@click.option("--beside", multiple=True, help="The finished run of a network, for the same table.")
@click.option(
    "--record",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the run records into this folder, NAME.json each: figures only, no pictures.",
)
def main(methods, features, dataset, train, beside, folder):
    """Fit and measure what has not been yet, and print what each took and reached."""
    networks = [runs.open_run(name) for name in beside]
    table = baselines.compare_baselines(
        data.load(dataset), methods=methods, features=features, train_size=train, beside=networks
    )
    if folder:  # opened anew: a run that was measured now has it on its card on disk
        beside_folders = {network.folder.name: network.folder for network in networks}
        run_table.write_records([runs.open_run(beside_folders.get(row.run, row.run)) for row in table.rows], folder)
    published = ["published", "---", *(PUBLISHED.get((row.method, row.features), "") for row in table.rows)]
    for line, figure in zip(table.markdown().splitlines(), published, strict=True):
        click.echo(f"{line} {figure} |")


if __name__ == "__main__":
    main()
