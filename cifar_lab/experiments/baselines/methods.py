"""Classifiers from before deep learning, each as one scikit-learn pipeline from images to classes.

Feature extraction and scaling are steps of the pipeline, so that they are fitted on the training images only.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from cifar_lab.experiments.baselines.features import Hog, Pixels

BASELINE_FEATURES = {"pixels": Pixels, "hog": Hog}


def build_pipeline(method: str, *, features: str = "hog", seed: int = 0, **options) -> Pipeline:
    """Build a pipeline, not yet fitted.

    Args:
        method: a name from `BASELINE_METHODS`.
        features: a name from `BASELINE_FEATURES`.
        seed: random seed of the method.
        **options: parameters of the method in scikit-learn, such as `C=10` or `n_estimators=500`.

    Returns:
        A pipeline that takes images `(n, size, size, 3)` uint8, 0-255, and predicts labels.

    Raises:
        ValueError: the method, features or option does not exist.
    """
    for given, known, kind in ((method, BASELINE_METHODS, "method"), (features, BASELINE_FEATURES, "kind of features")):
        if given not in known:
            raise ValueError(f"There is no {kind} {given!r}. Choose one of: {', '.join(known)}.")
    pipeline = BASELINE_METHODS[method](BASELINE_FEATURES[features](), seed)
    allowed = sorted(pipeline[-1].get_params())
    if unknown := sorted(set(options) - set(allowed)):
        raise ValueError(f"The method {method} has no option {', '.join(unknown)}. It has: {', '.join(allowed)}.")
    pipeline[-1].set_params(**options)
    return pipeline


def predict_probabilities(pipeline: Pipeline, images: np.ndarray) -> np.ndarray:
    """Predict class probabilities with a fitted pipeline.

    A support vector machine has margins instead: their softmax ranks the classes alike, but is not calibrated.
    (Platt scaling, the method of scikit-learn, would fit five more machines.)

    Args:
        pipeline: from `build_pipeline`, fitted.
        images: `(n, size, size, 3)` uint8, 0-255.

    Returns:
        `(n, classes)` float32, 0-1; each row sums to 1.
    """
    if hasattr(pipeline, "predict_proba"):
        return pipeline.predict_proba(images).astype(np.float32)
    margins = pipeline.decision_function(images)
    if margins.ndim == 1:  # two classes have one margin; the softmax of -m/2 and m/2 is the logistic function of m
        margins = np.stack([-margins / 2, margins / 2], axis=1)
    return softmax(margins, axis=1).astype(np.float32)


def _nearest(features, seed: int) -> Pipeline:
    """Predict by a vote of the ten nearest training images, weighted by distance."""
    nearest = KNeighborsClassifier(n_neighbors=10, weights="distance", algorithm="brute")
    return make_pipeline(*_compact(features), nearest)


def _logistic(features, seed: int) -> Pipeline:
    """Fit a linear model: one weight per feature and class."""
    return make_pipeline(features, StandardScaler(), LogisticRegression(C=0.01, tol=1e-3, max_iter=500))


def _linear_svm(features, seed: int) -> Pipeline:
    """Fit linear support vector machines, one class against the rest."""
    return make_pipeline(*_compact(features), StandardScaler(), LinearSVC(C=0.001, dual=False))


def _svm(features, seed: int) -> Pipeline:
    """Fit a support vector machine with radial basis functions, whose decision boundaries are curved."""
    return make_pipeline(*_compact(features), SVC(C=10, cache_size=1000))


def _forest(features, seed: int) -> Pipeline:
    """Fit many decision trees on random samples of images and features; they vote."""
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=5, n_jobs=-1, random_state=seed)
    return make_pipeline(features, forest)


def _compact(features) -> list:
    """Reduce pixels for methods that would take hours or gigabytes with all 3,072 of them.

    Neighbouring pixels are highly correlated: the principal components with 90 % of the variance, about 90, give
    nearly the same distances between images.
    """
    if isinstance(features, Pixels):
        return [features, PCA(n_components=0.9, svd_solver="covariance_eigh")]
    return [features]


BASELINE_METHODS: dict[str, Callable[..., Pipeline]] = {
    "knn": _nearest,
    "logistic": _logistic,
    "linear-svm": _linear_svm,
    "svm": _svm,
    "forest": _forest,
}
