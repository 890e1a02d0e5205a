"""Rejection of out-of-distribution images by a threshold on the score: "known", or "none of these".

In distribution ("known") are images of the classifier's classes, out of distribution ("others") are all other images.
"""

import numpy as np
from sklearn import metrics


def known_threshold(scores: np.ndarray, keep: float = 0.95) -> float:
    """Find the largest rejection threshold that accepts at least a share `keep` of the known images.

    Args:
        scores: `(n,)` float: the classifier's scores for known images.
        keep: share to accept, 0-1.

    Raises:
        ValueError: `scores` is empty.
    """
    if len(scores) == 0:
        raise ValueError("scores is empty: a threshold needs at least one score of a known image.")
    rejected = int(np.floor(len(scores) * (1 - keep) + 1e-9))
    return float(np.sort(scores)[min(rejected, len(scores) - 1)])


def known_auroc(known: np.ndarray, others: np.ndarray) -> float:
    """Compute the area under the ROC curve for separating known from out-of-distribution images by score.

    Args:
        known: `(n,)` float: the classifier's scores for known images.
        others: `(m,)` float: its scores for out-of-distribution images.

    Returns:
        The probability that a known image scores higher than another one, 0-1; 0.5 is guessing.

    Raises:
        ValueError: an array is empty.
    """
    return float(metrics.roc_auc_score(*_labels_and_scores(known, others)))


def known_curve(known: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compute the ROC curve of the rejection: true and false positive rate at every threshold.

    Args:
        known: `(n,)` float: the classifier's scores for known images.
        others: `(m,)` float: its scores for out-of-distribution images.

    Returns:
        `(thresholds, accepted, fooled)`, float64 arrays of equal length. An image is accepted if its score is at or
        above the threshold; `accepted` is the accepted share of the known images, `fooled` that of the others. The
        first threshold is infinite (nothing is accepted), the last accepts everything.

    Raises:
        ValueError: an array is empty.
    """
    fooled, accepted, thresholds = metrics.roc_curve(*_labels_and_scores(known, others))
    return thresholds, accepted, fooled


def _labels_and_scores(known: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the binary labels (1 for known) and all scores."""
    if len(known) == 0 or len(others) == 0:
        raise ValueError(
            "Scores of known and of other images are needed, at least one each, "
            f"got {len(known)} known and {len(others)} others."
        )
    return np.repeat([1, 0], [len(known), len(others)]), np.concatenate([known, others])
