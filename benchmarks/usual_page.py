"""The usual page, to compare with: Flask, the picture decoded in full, `keras.Model.predict`."""

import numpy as np
from flask import Flask, jsonify, request
from PIL import Image

from cifar_lab.core.keras_backend import keras
from cifar_lab.inference import model_card

_card = model_card.ModelCard.load(model_card.default_classifier())
_model = keras.saving.load_model(_card.folder / "model.keras", compile=False, safe_mode=True)
app = Flask(__name__)


@app.get("/readyz")
def readyz():
    """Whether the model is there."""
    return "ready"


@app.post("/api/predict")
def predict():
    """The class of one picture."""
    picture = Image.open(request.files["file"].stream).convert("RGB").resize((32, 32))
    probabilities = _model.predict(np.asarray(picture)[None], verbose=0)[0]
    best = int(probabilities.argmax())
    return jsonify(label=_card.class_names[best], score=float(probabilities[best]))
