"""The page as others write it, to compare with: a Flask app around the Keras model, on one view of each picture.

`USUAL_PAGE=predict` is the tutorials' way: the picture is decoded in full, `keras.Model.predict` classifies it.
`USUAL_PAGE=function` is the best ordinary way: Pillow's `draft` decodes, a `tf.function` compiled at the start
classifies.
"""

import os

import numpy as np
from flask import Flask, jsonify, request

from benchmarks.decode import opened, shrunk
from benchmarks.predict import compiled
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card

_is_compiled = os.environ["USUAL_PAGE"] == "function"
_card = model_card.ModelCard.load(model_card.default_classifier())
_model = keras.saving.load_model(_card.folder / "model.keras", compile=False, safe_mode=True)
_predict = compiled(_model) if _is_compiled else lambda images: _model.predict(images, verbose=0)
_predict(np.zeros((1, 32, 32, 3), np.uint8))
app = Flask(__name__)


@app.get("/readyz")
def readyz():
    """Say that the model is loaded."""
    return "ready"


@app.post("/api/predict")
def predict():
    """Predict the class of one picture."""
    picture = opened(request.files["file"].stream, draft=_is_compiled)
    probabilities = _predict(shrunk(picture)[None])[0]
    best = int(probabilities.argmax())
    return jsonify(label=_card.class_names[best], score=float(probabilities[best]))
