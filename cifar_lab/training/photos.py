"""Train the classifier of photographs: a frozen ImageNet backbone, and a last layer for CIFAR-10's ten classes.

    classifier = training.train_photos(data.load("cifar10"))

The backbone is not trained further: CIFAR-10's small images would make it forget photographs. Only the last layer is
fitted, on the features of a few thousand enlarged images, which takes minutes.
"""

import time
from collections.abc import Iterator

import numpy as np
from PIL import Image
from sklearn.linear_model import LogisticRegression

from cifar_lab.core.keras_backend import keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.images.nonpictures import nonpictures
from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import backbones, photo_network
from cifar_lab.training.export import export_model

BACKBONE = "efficientnet_lite0"
INPUT_SIZE = 224  # pixels; at 160 one to two of 80 photographs are misclassified
IMAGENET_WEIGHT = 0.7  # of ImageNet's own classes in the product of experts; 0.3 to 1 are equally accurate
REGULARISATION = 1e-3  # scikit-learn's C, for standardised features
KNOWN_THRESHOLD = 0.9  # keeps 94 % of 80 photographs of the ten classes, and one of 36 of other things
_BATCH = 32  # images of 224 x 224 pixels that are in memory at once


def train_photos(
    dataset: Dataset,
    name: str = "photos",
    *,
    count: int = 4000,
    validation: int = 1000,
    seed: int = 0,
    replace: bool = False,
    progress: bool = True,
) -> Classifier:
    """Train the classifier of photographs, calibrate it, and export it.

    Args:
        dataset: CIFAR-10, or any other dataset with its class names.
        name: name of the classifier.
        count: number of training images, of all classes equally.
        validation: number of validation images, for the temperature.
        seed: fixes which images are used, and the images that show nothing.
        replace: replace an existing classifier of that name.
        progress: show progress bars.

    Raises:
        ValueError: the classes are not CIFAR-10's, there are too few images, the weights of the backbone are not
            installed, or the name is taken.
    """
    started, groups = time.monotonic(), photo_network.CIFAR10_ON_IMAGENET
    if set(dataset.class_names) != set(groups):
        raise ValueError(f"The photo network is for CIFAR-10's classes, but {dataset.name} has others.")
    model_card.check_new_name(name, replace=replace)
    part = dataset.subset(train=count, validation=validation, seed=seed)
    model = photo_network.build_photo_network(
        [groups[class_name] for class_name in dataset.class_names], backbone=BACKBONE, input_size=INPUT_SIZE
    )
    extract = keras.Model(model.input, model.get_layer("features").output)
    nothing = nonpictures(count // 10, INPUT_SIZE, np.random.default_rng(seed))
    features = np.concatenate([_features(extract, part.train.images, progress), _features(extract, nothing, progress)])
    labels = np.concatenate([part.train.labels, np.full(len(nothing), len(groups))])
    photo_network.set_head(model, *fit_head(features, labels), imagenet_weight=IMAGENET_WEIGHT)
    enlarged = np.concatenate([*_enlarged_batches(part.validation.images)])
    facts = {
        "backbone": backbones.describe_backbone(BACKBONE),
        "trained": {
            "images": count,
            "minutes": round((time.monotonic() - started) / 60, 2),
            "dataset": {"name": dataset.name, "origin": dataset.origin, "class_names": list(dataset.class_names)},
        },
    }
    small = Split(enlarged, part.validation.labels)
    none = small.take(np.arange(0))
    return export_model(
        model,
        Dataset(dataset.name, dataset.class_names, none, small, none, dataset.origin),
        name,
        precision="int8",
        known_threshold=KNOWN_THRESHOLD,
        none_output=True,
        facts=facts,
        replace=replace,
        progress=progress,
    )


def fit_head(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit a linear classifier on features: multinomial logistic regression with strong L2 regularisation.

    Args:
        features: `(n, features)` float.
        labels: `(n,)` integers, 0 to classes - 1, each at least once.

    Returns:
        Kernel `(features, classes)` and bias `(classes,)` float64 of a dense layer on the features as they are; the
        standardisation, which makes the regularisation equal for all of them, is folded into both.
    """
    mean, deviation = features.mean(axis=0), features.std(axis=0) + 1e-6
    fitted = LogisticRegression(C=REGULARISATION, max_iter=500).fit((features - mean) / deviation, labels)
    kernel = (fitted.coef_ / deviation).T
    return kernel, fitted.intercept_ - mean @ kernel


def _features(extract: keras.Model, images: np.ndarray, progress: bool) -> np.ndarray:
    batches = _enlarged_batches(images)
    bar = progress_bar(batches, total=-(-len(images) // _BATCH), desc="features", unit="batch", shown=progress)
    return np.concatenate([extract.predict_on_batch(batch) for batch in bar])


def _enlarged_batches(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield the images in batches, enlarged to the input of the network with a bicubic filter."""
    size = (INPUT_SIZE, INPUT_SIZE)
    for start in range(0, len(images), _BATCH):
        pictures = map(Image.fromarray, images[start : start + _BATCH])
        yield np.stack([np.asarray(picture.resize(size, Image.Resampling.BICUBIC)) for picture in pictures])
