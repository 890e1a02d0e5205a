"""A saved classifier that predicts without TensorFlow, and batch prediction."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "classifier": ["Classifier", "Guess", "Prediction", "load_all"],
        "model_card": ["Card"],
    },
)
