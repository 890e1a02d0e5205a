"""A saved classifier that predicts without TensorFlow, and batch prediction."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batch": ["classify_files"],
        "classifier": ["Classifier", "Guess", "Prediction", "load_classifiers", "unpack"],
        "model_card": ["ModelCard", "default_classifier", "list_classifiers"],
    },
)
