"""The Keras network of a saved classifier, to look into or to train on."""

from pathlib import Path

from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card
from cifar_lab.models import keras_loader


def load_network(name: str | Path | None = None) -> keras.Model:
    """Load the network of a classifier, to look into.

    Args:
        name: a name in `data/models/` or the path of a classifier's folder or single file; the best shipped one when
            not given.

    Returns:
        The Keras model: uint8 pixels in, probabilities out.

    Raises:
        ValueError: there is no such classifier, it is no network, or its file is missing, not the one its card states,
            unreadable, or made of other layers than the stock ones.
    """
    found = model_card.ModelCard.load(model_card.default_classifier() if name is None else name)
    if not found.has_network:
        raise ValueError(f"The classifier {found.name!r} is no network: there are no layers to look into.")
    return keras_loader.load_keras_file(
        found.read_verified(model_card.KERAS_FILE), f"The network of the classifier {found.name!r}"
    )
