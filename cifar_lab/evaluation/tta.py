"""Test-time augmentation: one answer from several looks at the same image."""

import numpy as np

from cifar_lab.core.probabilities import average_views

# How much each view counts in `predict_with_views`: the image and its mirror image first, then the moved ones.
VIEWS = {"one": (1.0,), "mirror": (0.5, 0.5), "six": (0.25, 0.25, 0.125, 0.125, 0.125, 0.125)}


def predict_with_views(predict, images: np.ndarray, views: str = "six") -> np.ndarray:
    """Test-time augmentation: let a network look at each image in several ways, and average what it says.

    Args:
        predict: from `(n, height, width, 3)` uint8, 0-255, to `(n, classes)` probabilities.
        images: `(n, height, width, 3)` uint8, 0-255.
        views: `"one"`, the image itself; `"mirror"`, also its mirror image; `"six"`, both of them also moved by one
            pixel up left and down right, which count half (Jordan, 2024).

    Returns:
        `(n, classes)` float, every row adding up to 1.

    Raises:
        ValueError: there are no such views.
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
