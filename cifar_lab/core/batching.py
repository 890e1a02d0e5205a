"""Predict batch by batch."""

from collections.abc import Callable

import numpy as np


def predict_in_batches(
    predict: Callable[[np.ndarray], np.ndarray],
    images: np.ndarray,
    batch_size: int,
    *,
    description: str = "predict",
    progress: bool = False,
) -> np.ndarray:
    """Call `predict` batch by batch, and concatenate the results.

    Args:
        predict: from `(m, ...)` to `(m, outputs)`; it is called with at least one image.
        images: `(n, ...)`, n at least 1.
        batch_size: images per call; the last batch may be smaller.
        description: label of the progress bar.
        progress: show a progress bar.

    Returns:
        `(n, outputs)`, in the order of the images.
    """
    starts = range(0, len(images), batch_size)
    if progress:
        from cifar_lab.core.progress import progress_bar  # here: the page predicts without tqdm

        starts = progress_bar(starts, desc=description, unit="batch")
    return np.concatenate([predict(images[start : start + batch_size]) for start in starts])
