"""The result of an evaluation: accuracy with its interval, metrics per class, confusion matrix."""

from dataclasses import dataclass

import numpy as np
from sklearn import metrics

from cifar_lab.evaluation.calibration import calibration_error
from cifar_lab.evaluation.metrics import check_probabilities, cross_entropy, wilson_interval


@dataclass(frozen=True)
class ClassMetrics:
    """Metrics of one class: precision, recall and F1, each 0-1, and its number of images."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        accuracy: share of correctly classified images, 0-1.
        interval: 95 % confidence interval of the accuracy (Wilson).
        loss: mean cross-entropy in nats.
        calibration_error: expected calibration error with 15 bins, 0-1.
        classes: metrics per class.
        confusion: `(k, k)` int64 counts; rows are the true classes, columns the predicted ones.
    """

    accuracy: float
    interval: tuple[float, float]
    loss: float
    calibration_error: float
    classes: tuple[ClassMetrics, ...]
    confusion: np.ndarray

    @property
    def macro_f1(self) -> float:
        """Unweighted mean of the F1 scores of the classes."""
        return float(np.mean([row.f1 for row in self.classes]))

    def most_confused(self, count: int = 5) -> list[tuple[str, str, int]]:
        """Return the most frequent confusions.

        Args:
            count: maximum number of pairs.

        Returns:
            `(true class, predicted class, images)`, most frequent first; pairs that never occur are left out.
        """
        off_diagonal = self.confusion * (1 - np.eye(len(self.classes), dtype=np.int64))
        pairs = np.argsort(-off_diagonal, axis=None, kind="stable")[:count]
        cells = zip(*np.unravel_index(pairs, off_diagonal.shape), strict=True)
        named = [(self.classes[i].name, self.classes[j].name, int(off_diagonal[i, j])) for i, j in cells]
        return [pair for pair in named if pair[2]]

    def to_dict(self) -> dict:
        """Return all values as a dictionary for JSON."""
        return {
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "macro_f1": self.macro_f1,
            "loss": self.loss,
            "calibration_error": self.calibration_error,
            "classes": [vars(row) for row in self.classes],
            "confusion": self.confusion.tolist(),
        }

    def table(self) -> str:
        """Return the metrics as a text table."""
        width = max(len(row.name) for row in self.classes)
        low, high = self.interval
        lines = [f"{'class':<{width}}  precision  recall     F1  images"]
        for row in self.classes:
            shares = f"{row.precision:>9.1%}  {row.recall:>6.1%}  {row.f1:>5.1%}"
            lines.append(f"{row.name:<{width}}  {shares}  {row.count:>6,}")
        lines += [
            f"accuracy {self.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}), mean F1 {self.macro_f1:.2%}",
            f"loss {self.loss:.3f}, calibration error {self.calibration_error:.2%}",
        ]
        return "\n".join(lines)


def evaluate(probabilities: np.ndarray, labels: np.ndarray, class_names) -> Evaluation:
    """Evaluate predicted probabilities against the true labels.

    Args:
        probabilities: `(n, k)` float, 0-1, each row summing to 1.
        labels: `(n,)` integers, 0 to k - 1.
        class_names: k names.

    Raises:
        ValueError: the arrays do not match each other or the class names, or are not probabilities and labels.
    """
    probabilities, labels = check_probabilities(probabilities, labels)
    count = len(class_names)
    if probabilities.shape[1] != count:
        raise ValueError(f"probabilities has {probabilities.shape[1]} columns, but there are {count} class names.")
    predicted = probabilities.argmax(axis=1)
    every = np.arange(count)
    scores = metrics.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    rows = zip(class_names, *scores, strict=True)
    correct = int(np.sum(predicted == labels))
    return Evaluation(
        accuracy=correct / len(labels),
        interval=wilson_interval(correct, len(labels)),
        loss=cross_entropy(probabilities, labels),
        calibration_error=calibration_error(probabilities, labels),
        classes=tuple(ClassMetrics(name, float(p), float(r), float(f), int(n)) for name, p, r, f, n in rows),
        confusion=metrics.confusion_matrix(labels, predicted, labels=every),
    )
