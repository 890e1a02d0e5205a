"""Comparing two classifiers on the same images: is the difference more than chance?"""

import numpy as np
from scipy import stats


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
