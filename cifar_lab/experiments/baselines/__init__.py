"""Baselines: what classifiers from before deep learning make of the same pictures.

run = baselines.fit(dataset, "svm", features="hog")     # a finished run, like a network's
print(baselines.compare(dataset))                       # all of them in one table

One idea a file: `methods` (the pipelines), `fitting` (from a method to a finished run) and `comparison` (the table).
"""

from cifar_lab.experiments.baselines.comparison import Row, Table, compare, table_of
from cifar_lab.experiments.baselines.fitting import fit
from cifar_lab.experiments.baselines.methods import FEATURES, METHODS, build

__all__ = ["FEATURES", "METHODS", "Row", "Table", "build", "compare", "fit", "table_of"]
