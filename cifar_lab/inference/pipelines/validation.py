"""Soundness: whether the arrays of a pipeline that was read fit each other.

Scikit-learn's compiled code takes the positions in a tree, a support vector machine or a nearest-neighbour table on
trust: a damaged or forged file could make it read beyond the end of an array. So they are looked at first.
"""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from cifar_lab.inference.pipelines.features import Hog, Pixels
from cifar_lab.inference.pipelines.margins import Margins


def validate_pipeline(pipeline) -> None:
    """Pass a pipeline whose parts fit each other.

    Raises:
        ValueError: they don't, or it is not one of ours.
    """
    try:
        if not isinstance(pipeline, Pipeline) or not isinstance(pipeline[0], Hog | Pixels):
            raise ValueError("it does not begin with the features of an image")
        last = pipeline[-1].estimator_ if isinstance(pipeline[-1], Margins) else pipeline[-1]
        _CHECKS.get(type(last), _nothing)(last)
    except (ValueError, AttributeError, TypeError, IndexError) as error:
        raise ValueError(f"The parts of this pipeline do not fit each other: {error}.") from error


def _nothing(_estimator) -> None:
    """Its arithmetic is NumPy's, which checks for itself."""


def _check_forest(forest: RandomForestClassifier) -> None:
    for number, tree in enumerate(forest.estimators_):
        if type(tree) is not DecisionTreeClassifier:
            raise ValueError(f"number {number} of the forest is no tree")
        _check_tree(tree.tree_, features=forest.n_features_in_, classes=len(forest.classes_))


def _check_tree(tree, *, features: int, classes: int) -> None:
    """Every branch leads further down the list, so that each way ends in a leaf."""
    if not 0 < tree.node_count <= tree.capacity:
        raise ValueError("a tree has fewer nodes than it says")
    if (tree.n_features, tree.n_outputs, tree.max_n_classes) != (features, 1, classes):
        raise ValueError("a tree is about other features or classes")
    inner = np.flatnonzero(tree.children_left != -1)
    for children in (tree.children_left[inner], tree.children_right[inner]):
        if not ((children > inner) & (children < tree.node_count)).all():
            raise ValueError("a branch of a tree leads nowhere")
    if not ((tree.feature[inner] >= 0) & (tree.feature[inner] < features)).all():
        raise ValueError("a tree asks for a feature that there is not")


def _check_machine(machine: SVC) -> None:
    vectors, classes = len(machine.support_vectors_), len(machine.classes_)
    pairs = classes * (classes - 1) // 2
    if machine.support_vectors_.shape != (vectors, machine.n_features_in_):
        raise ValueError("the support vectors have other features")
    if machine.kernel not in ("linear", "poly", "rbf", "sigmoid"):
        raise ValueError("the kernel is none that is known by its name")
    counts = machine._n_support
    if len(counts) != classes or (counts < 0).any() or counts.sum() != vectors or len(machine.support_) != vectors:
        raise ValueError("the support vectors are not as many as it says")
    if machine._dual_coef_.shape != (classes - 1, vectors) or machine._intercept_.shape != (pairs,):
        raise ValueError("the support vectors have other weights")


def _check_nearest(nearest: KNeighborsClassifier) -> None:
    images, labels = nearest._fit_X, nearest._y
    if nearest._fit_method != "brute" or nearest._tree is not None or nearest.metric == "precomputed":
        raise ValueError("the nearest neighbours are looked up in another way")
    if images.shape != (nearest.n_samples_fit_, nearest.n_features_in_) or labels.shape != (len(images),):
        raise ValueError("there are not as many images as labels")
    if not 1 <= nearest.n_neighbors <= len(images) or not ((labels >= 0) & (labels < len(nearest.classes_))).all():
        raise ValueError("a label is none of the classes")


_CHECKS = {RandomForestClassifier: _check_forest, SVC: _check_machine, KNeighborsClassifier: _check_nearest}
