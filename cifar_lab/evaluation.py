"""How good a classifier is, in numbers: nothing here draws, and nothing needs Keras.

result = evaluation.evaluate(probabilities, dataset.test.labels, dataset.class_names)
result.accuracy, result.interval
print(result.table())
"""

from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats
from sklearn import metrics

from cifar_lab.classifier import apply_temperature, average_views

# How much each view counts in `with_views`: the image and its mirror image first, then the moved ones.
VIEWS = {"one": (1.0,), "mirror": (0.5, 0.5), "six": (0.25, 0.25, 0.125, 0.125, 0.125, 0.125)}


@dataclass(frozen=True)
class ClassMetrics:
    """One class: precision, recall and F1, each 0-1, and how many images it has."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The result of `evaluate`.

    Attributes:
        accuracy: the share of images whose most probable class is theirs, 0-1.
        interval: the 95 % interval of the accuracy (Wilson).
        loss: mean cross-entropy in nats.
        calibration_error: expected calibration error in 15 bins, 0-1.
        classes: metrics for each class.
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
        """The mean of the classes' F1: every class counts the same."""
        return float(np.mean([row.f1 for row in self.classes]))

    def to_dict(self) -> dict:
        """All of it as plain numbers, for JSON."""
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
        """The metrics as lines of text, for a terminal or a notebook."""
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
    """Compare what a classifier says with what is true.

    Args:
        probabilities: `(n, k)` float, 0-1, every row adding up to 1.
        labels: `(n,)` whole numbers, 0 to k - 1.
        class_names: k names.

    Raises:
        ValueError: the arrays don't fit each other, or are no probabilities and labels.
    """
    probabilities, labels = _checked(probabilities, labels)
    count = len(class_names)
    if probabilities.shape[1] != count:
        raise ValueError(f"There are {probabilities.shape[1]} probabilities a row, but {count} class names.")
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


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """The interval in which the true accuracy lies, for `correct` right answers of `total` (Wilson, 1927).

    Returns:
        `(low, high)`, each 0-1.

    Raises:
        ValueError: there are no answers, or more right ones than answers.
    """
    if not 0 <= correct <= total or total < 1:
        raise ValueError(f"{correct} right of {total} is no result.")
    interval = stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def cross_entropy(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The mean of minus the logarithm of the probability given to the right class, in nats.

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` whole numbers.
    """
    of_truth = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(of_truth, np.finfo(np.float32).tiny)).mean())


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """The expected calibration error (Guo et al., 2017): how far scores are from the share of right answers.

    Images are sorted by their score into bins of equal width; in each the mean score is compared with the accuracy.

    Args:
        probabilities: `(n, k)` float, 0-1.
        labels: `(n,)` whole numbers.
        bins: how many bins between 0 and 1.

    Returns:
        The mean distance, weighted by the images in a bin, 0-1. 0 means that of the answers given with 80 %, 80 % are
        right.
    """
    scores = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bin_of = np.minimum((scores * bins).astype(int), bins - 1)
    distance = np.bincount(bin_of, weights=right, minlength=bins) - np.bincount(bin_of, weights=scores, minlength=bins)
    return float(np.abs(distance).sum() / len(labels))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes scores honest: the one with the least cross-entropy (Guo et al., 2017).

    Args:
        probabilities: `(n, k)` float, 0-1, on images that were not trained on.
        labels: `(n,)` whole numbers.

    Returns:
        What to divide the logits by, 0.05 to 20; above 1 when the network is too sure of itself.
    """
    probabilities, labels = _checked(probabilities, labels)
    wide = probabilities.astype(np.float64)

    def loss(log_temperature: float) -> float:
        return cross_entropy(apply_temperature(wide, float(np.exp(log_temperature))), labels)

    found = optimize.minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(found.x))


def known_threshold(scores: np.ndarray, keep: float = 0.95) -> float:
    """The largest threshold that accepts at least a share `keep` of known pictures.

    Args:
        scores: `(n,)` float: the classifier's scores for pictures of classes it knows.
        keep: 0-1.

    Raises:
        ValueError: there are no scores.
    """
    if len(scores) == 0:
        raise ValueError("A threshold needs at least one score of a known picture.")
    refused = int(np.floor(len(scores) * (1 - keep) + 1e-9))
    return float(np.sort(scores)[min(refused, len(scores) - 1)])


def known_auroc(known: np.ndarray, others: np.ndarray) -> float:
    """How well a score tells known pictures from others: the area under the ROC curve.

    Args:
        known: `(n,)` float: the classifier's scores for pictures of classes it knows.
        others: `(m,)` float: its scores for pictures of none of them.

    Returns:
        The chance that a known picture scores higher than another one, 0-1; 0.5 is guessing.

    Raises:
        ValueError: one of the two is empty.
    """
    if len(known) == 0 or len(others) == 0:
        raise ValueError(f"Both kinds of pictures are needed, but there are {len(known)} and {len(others)}.")
    truth = np.repeat([1, 0], [len(known), len(others)])
    return float(metrics.roc_auc_score(truth, np.concatenate([known, others])))


def with_views(predict, images: np.ndarray, views: str = "six") -> np.ndarray:
    """Test-time augmentation: let a network look at each image in several ways, and average what it says.

    Args:
        predict: from `(n, height, width, 3)` uint8, 0-255, to `(n, classes)` probabilities.
        images: `(n, height, width, 3)` uint8, 0-255.
        views: `"one"`, the image itself; `"mirror"`, also its mirror image; `"six"`, both of them also moved by one
            pixel up left and down right, which count half (Jordan, 2024).

    Returns:
        `(n, classes)` float, every row adding up to 1.
    """
    if views not in VIEWS:
        raise ValueError(f"views must be one of {', '.join(VIEWS)}, but it is {views!r}.")
    shown = [images]
    if views == "six":
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        shown += [padded[:, :-2, :-2], padded[:, 2:, 2:]]
    if views != "one":
        shown = [side for view in shown for side in (view, view[:, :, ::-1])]
    answers = np.stack([predict(np.ascontiguousarray(view)) for view in shown], axis=1)
    return average_views(answers, VIEWS[views])


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> float:
    """How likely a difference as large as this is between two classifiers that are equally good (McNemar, 1947).

    Only images on which just one of the two is right say anything; each is a coin toss if both are equally good.

    Args:
        right_a: `(n,)` bool: where the first classifier is right.
        right_b: `(n,)` bool: where the second is, on the same images.

    Returns:
        The exact two-sided p-value, 0-1.

    Raises:
        ValueError: the two are not about the same number of images.
    """
    if np.shape(right_a) != np.shape(right_b):
        raise ValueError(f"Both need the same images, but there are {len(right_a)} and {len(right_b)} answers.")
    only_a, only_b = int(np.sum(right_a & ~right_b)), int(np.sum(right_b & ~right_a))
    return 1.0 if only_a + only_b == 0 else float(stats.binomtest(only_a, only_a + only_b).pvalue)


def _checked(probabilities, labels) -> tuple[np.ndarray, np.ndarray]:
    probabilities, labels = np.asarray(probabilities), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != (len(probabilities),) or len(labels) == 0:
        raise ValueError(
            f"probabilities must be (n, classes) and labels (n,) with n above 0, not {probabilities.shape} and "
            f"{labels.shape}."
        )
    if not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3) or probabilities.min() < 0:
        raise ValueError("Every row of probabilities must add up to 1, without negative ones. Is the softmax missing?")
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(f"labels must be whole numbers from 0 to {probabilities.shape[1] - 1}.")
    return probabilities, labels
