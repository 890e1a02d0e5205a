"""scikit-learn's grid search, over a network or any other classifier that takes images.

    from cifar_lab.experiments.search import grid

    found = grid.grid_search(grid.NetworkClassifier(epochs=3), images, labels, learning_rate=[0.0003, 0.001, 0.003])
    found.best_params_, found.best_score_, found.cv_results_

Keras has a bridge to scikit-learn of its own, `keras.wrappers.SKLearnClassifier`. A grid search trips over it in four
ways: each copy of it forgets how many epochs it should train, it refuses images that are no flat rows, the settings of
its network can't be named in a grid, and it gives no probabilities. With the class here, none of that happens.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from cifar_lab import models
from cifar_lab.core.keras_backend import keras
from cifar_lab.core.progress import progress_bar


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A network that scikit-learn can copy, fit and compare like any classifier of its own.

    Args:
        model: the network, a name that `cifar_lab.models.build` knows.
        epochs: how often every training image is seen.
        batch_size: images a step.
        optimizer: a Keras optimiser by its name.
        learning_rate: the optimiser's step size.
        seed: fixes the starting weights and the order of the images.

    Attributes:
        classes_: `(k,)` the labels there are, in rising order.
        network_: the trained Keras network.
    """

    def __init__(self, model="tutorial", *, epochs=3, batch_size=32, optimizer="adam", learning_rate=0.001, seed=0):
        self.model = model
        self.epochs = epochs
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.seed = seed

    def fit(self, images: np.ndarray, labels: np.ndarray) -> "NetworkClassifier":
        """Train a fresh network.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.
            labels: `(n,)` whole numbers or words.
        """
        keras.utils.set_random_seed(self.seed)
        self.classes_, numbers = np.unique(labels, return_inverse=True)
        self.network_ = models.build(self.model, class_count=len(self.classes_), input_size=images.shape[1])
        optimizer = keras.optimizers.get(self.optimizer)
        optimizer.learning_rate = self.learning_rate
        self.network_.compile(optimizer=optimizer, loss="sparse_categorical_crossentropy")
        self.network_.fit(images, numbers, batch_size=self.batch_size, epochs=self.epochs, verbose=0)
        return self

    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """How probable each class is.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.

        Returns:
            `(n, k)` float32, 0-1, every row adding up to 1.
        """
        return self.network_.predict(images, batch_size=500, verbose=0)

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The most probable label of each image: `(n,)`, of the kind it was trained with."""
        return self.classes_[self.predict_proba(images).argmax(axis=1)]


def grid_search(
    classifier,
    images: np.ndarray,
    labels: np.ndarray,
    *,
    folds: int = 3,
    seed: int = 0,
    progress: bool = True,
    **choices,
) -> GridSearchCV:
    """Try every combination of settings, each in cross-validation, and train the best one on all the images.

    The images are cut into `folds` parts with every class in proportion. Each combination is trained `folds` times,
    every time without another part, on which it is then judged. So training images are enough; the validation and test
    images are not touched.

    Args:
        classifier: a `NetworkClassifier`, a pipeline from `cifar_lab.experiments.baselines`, or any other scikit-learn
            classifier that takes images.
        images: `(n, size, size, 3)` uint8, 0-255.
        labels: `(n,)` whole numbers.
        folds: into how many parts, at least 2.
        seed: fixes which image is in which part.
        progress: show a progress bar.
        **choices: for each setting a list of values. Those of a pipeline's steps have two underscores in their names,
            such as `logisticregression__C=[0.01, 0.1]`.

    Returns:
        The finished search: `best_params_`, `best_score_` (mean accuracy, 0-1), `best_estimator_`, `cv_results_`.

    Raises:
        ValueError: there is nothing to try, or the classifier has no such setting.
    """
    unknown = sorted(set(choices) - set(classifier.get_params()))
    if unknown or not choices:
        known = ", ".join(sorted(classifier.get_params()))
        problem = (
            f"has no setting {', '.join(unknown)}" if unknown else "needs at least one setting with a list of values"
        )
        raise ValueError(f"The grid search over {type(classifier).__name__} {problem}. Its settings: {known}.")
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    fits = folds * int(np.prod([len(values) for values in choices.values()]))
    with progress_bar(total=fits, unit="fit", desc="grid search", shown=progress) as fits_bar:

        def accuracy(fitted, part_images, part_labels) -> float:
            fits_bar.update()
            return fitted.score(part_images, part_labels)

        search = GridSearchCV(classifier, choices, cv=parts, scoring=accuracy, error_score="raise")
        return search.fit(images, labels)
