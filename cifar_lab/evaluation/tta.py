"""Test-time augmentation: average the predictions for several views of an image."""

import numpy as np

from cifar_lab.core.probabilities import average_views

# Weights of the views in `predict_with_views`: image, mirror image, then the shifted ones.
VIEWS = {"one": (1.0,), "mirror": (0.5, 0.5), "six": (0.25, 0.25, 0.125, 0.125, 0.125, 0.125)}


def predict_with_views(predict, images: np.ndarray, views: str = "six") -> np.ndarray:
    """Predict each image in several views, and average the predictions (test-time augmentation).

    Args:
        predict: function from `(n, height, width, 3)` uint8, 0-255, to `(n, classes)` probabilities.
        images: `(n, height, width, 3)` uint8, 0-255.
        views: `"one"`: the image itself; `"mirror"`: also its mirror image; `"six"`: also both of them shifted by one
            pixel, up-left and down-right, with half the weight (Jordan, 2024).

    Returns:
        `(n, classes)` float, each row summing to 1.

    Raises:
        ValueError: `views` is not one of these.
    """
    if views not in VIEWS:
        raise ValueError(f"views must be one of {', '.join(VIEWS)}, got {views!r}.")
    batches = [images]
    if views == "six":
        padded = np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="reflect")
        batches += [padded[:, :-2, :-2], padded[:, 2:, 2:]]
    if views != "one":
        batches = [side for batch in batches for side in (batch, batch[:, :, ::-1])]
    probabilities = np.stack([predict(np.ascontiguousarray(batch)) for batch in batches], axis=1)  # (n, views, classes)
    return average_views(probabilities, VIEWS[views])
