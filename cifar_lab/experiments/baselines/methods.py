"""The methods: classifiers from before deep learning, each as one pipeline from images to probabilities.

Scaling and features are steps of the pipeline, so that they are learnt from the training images alone and nobody can
forget them later.
"""

from collections.abc import Callable

from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from cifar_lab.inference.pipelines import Hog, Margins, Pixels

BASELINE_FEATURES = {"pixels": Pixels, "hog": Hog}


def build_pipeline(method: str, *, features: str = "hog", seed: int = 0, **options) -> Pipeline:
    """Make a pipeline that is not fitted yet.

    Args:
        method: a name of `BASELINE_METHODS`.
        features: a name of `BASELINE_FEATURES`: what it sees of an image.
        seed: fixes what is left to chance.
        **options: parameters of the method as scikit-learn calls them, such as `C=10` or `n_estimators=500`.

    Returns:
        From `(n, size, size, 3)` uint8, 0-255, to `(n, classes)` probabilities, by its `predict_proba`.

    Raises:
        ValueError: there is no such method, features or option.
    """
    for given, known, what in ((method, BASELINE_METHODS, "method"), (features, BASELINE_FEATURES, "features")):
        if given not in known:
            raise ValueError(f"There is no {what} {given!r}. Choose one of: {', '.join(known)}.")
    pipeline = BASELINE_METHODS[method](BASELINE_FEATURES[features](), seed)
    last = pipeline[-1].estimator if isinstance(pipeline[-1], Margins) else pipeline[-1]
    if unknown := sorted(set(options) - set(last.get_params())):
        known = ", ".join(sorted(last.get_params()))
        raise ValueError(f"The method {method} has no option {', '.join(unknown)}. It has: {known}.")
    last.set_params(**options)
    return pipeline


def _nearest(features, seed: int) -> Pipeline:
    """The label that most of the ten nearest training images have, near ones counting more."""
    nearest = KNeighborsClassifier(n_neighbors=10, weights="distance", algorithm="brute")
    return make_pipeline(*_compact(features), nearest)


def _logistic(features, seed: int) -> Pipeline:
    """One weight for each feature and class."""
    return make_pipeline(features, StandardScaler(), LogisticRegression(C=0.01, tol=1e-3, max_iter=500))


def _linear_svm(features, seed: int) -> Pipeline:
    """A support vector machine with straight borders, one for each class against all others."""
    return make_pipeline(*_compact(features), StandardScaler(), Margins(LinearSVC(C=0.001, dual=False)))


def _svm(features, seed: int) -> Pipeline:
    """A support vector machine with curved borders (radial basis functions)."""
    return make_pipeline(*_compact(features), Margins(SVC(C=10, cache_size=1000)))


def _forest(features, seed: int) -> Pipeline:
    """Many decision trees, each grown on other images and other features; they vote."""
    forest = RandomForestClassifier(n_estimators=200, min_samples_leaf=5, n_jobs=-1, random_state=seed)
    return make_pipeline(features, forest)


def _compact(features) -> list:
    """Features for methods that would take hours, or gigabytes, for all 3,072 pixels.

    Neighbouring pixels say nearly the same: the principal components with 90 % of their variance, about 90, give
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
