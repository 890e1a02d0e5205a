"""Baselines: what classifiers from before deep learning make of the same pictures.

run = baselines.fit(dataset, "svm", features="hog")     # a finished run, like a network's
print(baselines.compare(dataset))                       # all of them in one table

One idea a file: `methods` (the pipelines), `fitting` (from a method to a finished run) and `comparison` (the table).
"""

from cifar_lab.experiments.baselines.comparison import BaselineRow, BaselineTable, baseline_table, compare_baselines
from cifar_lab.experiments.baselines.fitting import fit_baseline
from cifar_lab.experiments.baselines.methods import BASELINE_FEATURES, BASELINE_METHODS, build_pipeline

__all__ = [
    "BASELINE_FEATURES",
    "BASELINE_METHODS",
    "BaselineRow",
    "BaselineTable",
    "baseline_table",
    "build_pipeline",
    "compare_baselines",
    "fit_baseline",
]
