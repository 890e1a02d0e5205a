"""Few-shot learning: accuracy as a function of the number of labels per class.

curves = few_shot_accuracies({"pixels": (train_pixels, test_pixels)}, labels, test_labels, counts=(1, 10, 100))
plots.few_shot_curves(curves, chance=0.1)
accuracies_of_runs(runs)  # the same from run records, such as those in `notebooks/experiments/transfer`
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cifar_lab.training.runs import Run

# For each kind of features or recipe, by labels per class: the accuracy, 0-1, of each repetition.
Curves = dict[str, dict[int, list[float]]]


def choose_labelled(labels: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """Choose `count` images of each class at random; with the same seed, a larger choice contains the smaller ones.

    Args:
        labels: `(n,)` int64.
        count: images per class, at least 1.
        seed: random seed.

    Returns:
        Indices into `labels`, `(classes * count,)` int64.

    Raises:
        ValueError: a class has fewer images, or `count` is below 1.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    classes, sizes = np.unique(labels, return_counts=True)
    if not 1 <= count <= sizes.min():
        raise ValueError(f"count must be 1 to {sizes.min()}, the size of the smallest class, but it is {count}.")
    return np.concatenate([shuffled[labels[shuffled] == label][:count] for label in classes])


def nearest_mean(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Predict the class whose mean is nearest: the simplest classifier that learns.

    Args:
        known: features of the labelled images, `(n, features)` float.
        labels: `(n,)` int64.
        asked: features of the images to classify, `(m, features)` float.

    Returns:
        Predicted labels, `(m,)` int64.
    """
    classes = np.unique(labels)
    means = np.stack([known[labels == label].mean(axis=0) for label in classes])
    # |asked - mean|^2 without |asked|^2, which is the same for all classes: (m, classes)
    distances = (means**2).sum(axis=1) - 2 * asked @ means.T
    return classes[distances.argmin(axis=1)]


def few_shot_accuracies(
    views: Mapping[str, tuple[np.ndarray, np.ndarray]],
    labels: np.ndarray,
    test_labels: np.ndarray,
    *,
    counts: Sequence[int] = (1, 2, 5, 10, 20, 50),
    seeds: Sequence[int] = range(5),
) -> Curves:
    """Measure the accuracy of `nearest_mean` for several kinds of features and numbers of labels per class.

    Args:
        views: by name, the features of the training images, `(n, features)` float, and test images,
            `(m, features)` float.
        labels: training labels, `(n,)` int64.
        test_labels: `(m,)` int64.
        counts: numbers of labels per class.
        seeds: random seeds; each chooses different training images.

    Returns:
        By name and number of labels per class, one accuracy per seed, 0-1.
    """
    curves: Curves = {}
    for name, (known, asked) in views.items():
        curves[name] = {}
        for count in counts:
            chosen = [choose_labelled(labels, count, seed=seed) for seed in seeds]
            predicted = [nearest_mean(known[indices], labels[indices], asked) for indices in chosen]
            curves[name][count] = [float(np.mean(one == test_labels)) for one in predicted]
    return curves


def accuracies_of_runs(found: Iterable[Run]) -> Curves:
    """Return the test accuracies of evaluated runs by recipe name and labels per class, in the order of the runs."""
    accuracies: Curves = {}
    for run in found:
        facts, test = run.record["dataset"], run.record["metrics"].get("test")
        if test:
            count = facts["sizes"]["train"] // len(facts["class_names"])
            accuracies.setdefault(run.record["recipe"]["name"], {}).setdefault(count, []).append(test["accuracy"])
    return accuracies
