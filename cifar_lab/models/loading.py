"""Load the Keras network of a saved classifier, to explain it or to train it further."""

from pathlib import Path

from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card
from cifar_lab.models import keras_loader


def load_network(name: str | Path | None = None) -> keras.Model:
    """Load the Keras network of a classifier.

    Args:
        name: name in `data/models/`, or path of a classifier's folder or single file; by default the best shipped one.

    Returns:
        A Keras model from uint8 pixels to probabilities.

    Raises:
        ValueError: there is no such classifier, or its Keras file is missing, unreadable, not the one its card states,
            or not made of stock layers.
    """
    card = model_card.ModelCard.load(model_card.default_classifier() if name is None else name)
    return keras_loader.load_keras_file(
        card.read_verified(model_card.KERAS_FILE), f"The network of the classifier {card.name!r}"
    )
