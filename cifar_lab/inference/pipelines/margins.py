"""Margins to probabilities: support vector machines say how far on which side an image lies, not how likely."""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone


class Margins(ClassifierMixin, BaseEstimator):
    """A classifier that takes the softmax of another one's margins for its probabilities.

    They are in the right order, but no honest probabilities: the temperature that makes them so is fitted on the
    validation split when a classifier is exported, as most networks' is. Platt's sigmoids, scikit-learn's way, would
    fit five machines more.

    Attributes:
        estimator: the classifier to fit; has a `decision_function`.
        estimator_: the fitted one.
        classes_: `(k,)` int64, the labels.
    """

    def __init__(self, estimator=None):
        """Make one of a classifier that has a `decision_function`."""
        self.estimator = estimator

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "Margins":
        """Fit the classifier.

        Args:
            features: `(n, m)` float.
            labels: `(n,)` int64.
        """
        self.estimator_ = clone(self.estimator).fit(features, labels)
        self.classes_ = self.estimator_.classes_
        return self

    def decision_function(self, features: np.ndarray) -> np.ndarray:
        """The margins, `(n, k)` float64; the largest one's class is the answer."""
        margins = self.estimator_.decision_function(features)
        # Of two classes there is one margin, the second's. Half each: softmax then is the logistic function of it.
        return margins if margins.ndim == 2 else np.stack([-margins / 2, margins / 2], axis=1)

    def predict_proba(self, features: np.ndarray) -> np.ndarray:
        """The softmax of the margins, `(n, k)` float64, 0-1, every row adding up to 1."""
        margins = self.decision_function(features)
        scaled = np.exp(margins - margins.max(axis=1, keepdims=True))
        return scaled / scaled.sum(axis=1, keepdims=True)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """The most probable label, `(n,)` int64."""
        return self.classes_[self.decision_function(features).argmax(axis=1)]
