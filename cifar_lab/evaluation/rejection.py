"""Known or none of these: what a threshold on the score keeps, and what it lets through."""

import numpy as np
from sklearn import metrics


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
    return float(metrics.roc_auc_score(*_both(known, others)))


def known_curve(known: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The ROC curve of "is it known?": what every possible threshold does.

    Args:
        known: `(n,)` float: the classifier's scores for pictures of classes it knows.
        others: `(m,)` float: its scores for pictures of none of them.

    Returns:
        `(thresholds, accepted, fooled)`, float64 and equally long. A score at or above the threshold counts as known:
        then `accepted` is the share of the known pictures that do, and `fooled` the share of the others. The first
        threshold is infinite (nothing is accepted), the last accepts everything.

    Raises:
        ValueError: one of the two is empty.
    """
    fooled, accepted, thresholds = metrics.roc_curve(*_both(known, others))
    return thresholds, accepted, fooled


def _both(known: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures are known, 1 or 0, and all the scores."""
    if len(known) == 0 or len(others) == 0:
        raise ValueError(f"Both kinds of pictures are needed, but there are {len(known)} and {len(others)}.")
    return np.repeat([1, 0], [len(known), len(others)]), np.concatenate([known, others])
