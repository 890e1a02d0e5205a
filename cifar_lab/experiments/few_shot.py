"""Few labels: how much is right when only so many pictures of each class may be learnt from.

found = few_labels.curves({"pixels": (train_pixels, test_pixels)}, labels, test_labels, counts=(1, 10, 100))
few_labels.chart(found, chance=0.1)
few_labels.measured(runs)                     # the same from run cards, as `benchmarks.transfer` leaves them
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from cifar_lab.training.runs import Run

# For each way of learning the accuracies, 0-1, of its repetitions, by labels a class.
Curves = dict[str, dict[int, list[float]]]


def choose_labelled(labels: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """The positions of `count` pictures of each class, chosen by chance; more of the same seed have the fewer in them.

    Args:
        labels: `(n,)` int64.
        count: how many of each class.
        seed: another seed chooses others.

    Returns:
        `(classes * count,)` int64.

    Raises:
        ValueError: a class has fewer.
    """
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    classes, numbers = np.unique(labels, return_counts=True)
    if not 1 <= count <= numbers.min():
        raise ValueError(f"{count} pictures of each class were asked for; there are 1 to {numbers.min()} to be had.")
    return np.concatenate([shuffled[labels[shuffled] == label][:count] for label in classes])


def nearest_mean(known: np.ndarray, labels: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Name each picture after the class whose mean is nearest: the simplest classifier that learns from pictures.

    Args:
        known: `(n, numbers)` float, what is known of pictures with labels.
        labels: `(n,)` int64.
        asked: `(m, numbers)` float, what is known of the pictures to name.

    Returns:
        `(m,)` int64.
    """
    classes = np.unique(labels)
    means = np.stack([known[labels == label].mean(axis=0) for label in classes])
    # |asked - mean|^2 without |asked|^2, which is the same for all classes.
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
    """How much `nearest_mean` gets right, by what is known of the pictures and by labels a class.

    Args:
        views: for each name what is known of the pictures to learn from, `(n, numbers)` float, and of those to be
            tested on, `(m, numbers)` float.
        labels: `(n,)` int64, of the first.
        test_labels: `(m,)` int64, of the second.
        counts: labels a class.
        seeds: each chooses other pictures to learn from.

    Returns:
        For each name, for each number of labels, an accuracy a seed, 0-1.
    """
    found: Curves = {}
    for name, (known, asked) in views.items():
        found[name] = {}
        for count in counts:
            chosen = [choose_labelled(labels, count, seed=seed) for seed in seeds]
            answers = [nearest_mean(known[some], labels[some], asked) for some in chosen]
            found[name][count] = [float(np.mean(answer == test_labels)) for answer in answers]
    return found


def accuracies_of_runs(found: Iterable[Run]) -> Curves:
    """The test accuracies of runs by the names of their recipes and by labels a class, in the order they come in."""
    accuracies: Curves = {}
    for run in found:
        facts, test = run.record["dataset"], run.record["metrics"].get("test")
        if test:
            count = facts["sizes"]["train"] // len(facts["class_names"])
            accuracies.setdefault(run.record["recipe"]["name"], {}).setdefault(count, []).append(test["accuracy"])
    return accuracies
