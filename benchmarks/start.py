"""From a new process to the first answer: with Keras, and with our classifier."""

import subprocess
import sys

from benchmarks.measure import Row, compare
from cifar_lab import card

_USUAL = """
import sys, keras, numpy
model = keras.saving.load_model(sys.argv[1] + "/model.keras", compile=False)
model.predict(numpy.zeros((1, 32, 32, 3), "uint8"), verbose=0)
"""
_OURS = """
import sys, numpy
from cifar_lab.classifier import Classifier
Classifier.load(sys.argv[1]).predict(numpy.zeros((32, 32, 3), "uint8"))
"""


def measure() -> list[Row]:
    """The one comparison of this file."""
    folder = str(card.find(card.default()))

    def run(program: str) -> None:
        subprocess.run([sys.executable, "-c", program, folder], check=True, capture_output=True)

    return [compare("a new process to its first answer", lambda: run(_USUAL), lambda: run(_OURS), rounds=5)]
