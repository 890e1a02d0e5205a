"""Evaluation metrics for classifiers, on NumPy arrays: no plots, no Keras.

    result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
    result.accuracy, result.interval
    print(result.table())

Modules: `result` (the complete evaluation), `metrics` (its building blocks), `calibration` (temperature scaling),
`rejection` (out-of-distribution images, "none of these"), `comparison` (significance tests for two classifiers) and
`tta` (test-time augmentation).
"""

from cifar_lab.core.probabilities import apply_temperature
from cifar_lab.evaluation.calibration import Reliability, calibration_error, fit_temperature, reliability
from cifar_lab.evaluation.comparison import (
    Difference,
    bootstrap_interval,
    compare_predictions,
    compare_seeds,
    mcnemar,
)
from cifar_lab.evaluation.metrics import cross_entropy, wilson_interval, worst_mistakes
from cifar_lab.evaluation.rejection import known_auroc, known_curve, known_threshold
from cifar_lab.evaluation.result import ClassMetrics, Evaluation, evaluate
from cifar_lab.evaluation.tta import VIEWS, predict_with_views

__all__ = [
    "VIEWS",
    "ClassMetrics",
    "Difference",
    "Evaluation",
    "Reliability",
    "apply_temperature",
    "bootstrap_interval",
    "calibration_error",
    "compare_predictions",
    "compare_seeds",
    "cross_entropy",
    "evaluate",
    "fit_temperature",
    "known_auroc",
    "known_curve",
    "known_threshold",
    "mcnemar",
    "predict_with_views",
    "reliability",
    "wilson_interval",
    "worst_mistakes",
]
