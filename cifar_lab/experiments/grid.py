"""scikit-learn's grid search with cross-validation over a network, or any other classifier that takes images.

found = experiments.grid_search(experiments.NetworkClassifier(epochs=3), images, labels, learning_rate=[0.001, 0.003])
found.best_params_, found.best_score_, found.cv_results_
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from cifar_lab import models
from cifar_lab.core.keras_backend import keras


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network as a scikit-learn classifier of images `(n, size, size, 3)` uint8, 0-255; labels are of any kind.

    Unlike a `keras.wrappers.SKLearnClassifier` it takes images, and all of its settings can be searched.
    """

    def __init__(self, model="tutorial", *, epochs=3, batch_size=32, optimizer="adam", learning_rate=0.001, seed=0):
        self.model, self.epochs, self.batch_size = model, epochs, batch_size
        self.optimizer, self.learning_rate, self.seed = optimizer, learning_rate, seed

    def fit(self, images: np.ndarray, labels: np.ndarray) -> "NetworkClassifier":
        """Train a new network, `network_`, for the classes `classes_`."""
        keras.utils.set_random_seed(self.seed)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        self.network_ = models.build(self.model, class_count=len(self.classes_), input_size=images.shape[1])
        optimizer = keras.optimizers.get(self.optimizer)
        optimizer.learning_rate = self.learning_rate
        self.network_.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
        self.network_.fit(images, numbers, batch_size=self.batch_size, epochs=self.epochs, verbose=0)
        return self

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Predict probabilities, `(n, classes)` float32, 0-1; each row sums to 1."""
        return self.network_.predict(images, batch_size=500, verbose=0)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Predict the label of each image."""
        return self.classes_[self.predict_proba(images).argmax(axis=1)]


def grid_search(estimator, images: np.ndarray, labels: np.ndarray, *, folds: int = 3, seed: int = 0, **grid):
    """Judge all combinations of settings by stratified cross-validation, and train the best one on all images.

    Args:
        estimator: a `NetworkClassifier`, or another scikit-learn classifier or pipeline.
        images: what it takes, such as `(n, size, size, 3)` uint8, with `labels` `(n,)`.
        folds: number of folds; each combination is trained once for each.
        seed: fixes the folds.
        **grid: a list of values for each setting; in a pipeline such as `logisticregression__C=[0.01, 0.1]`.

    Returns:
        The fitted `GridSearchCV`: `best_params_`, `best_score_` (mean accuracy, 0-1), `best_estimator_`, `cv_results_`.
    """
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return GridSearchCV(estimator, grid, cv=parts, scoring="accuracy", error_score="raise").fit(images, labels)
