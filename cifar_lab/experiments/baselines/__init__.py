"""Baselines: classifiers from before deep learning, on the same images.

run = baselines.fit_baseline(dataset, "svm", features="hog")  # a finished run, like that of a network
print(baselines.compare_baselines(dataset))                   # all of them in one table
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
