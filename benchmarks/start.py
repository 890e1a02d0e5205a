"""A new process: seconds to its first prediction, and its memory after that.

Tutorials import Keras, load the network and call `predict`. The best ordinary way calls the model directly, since one
prediction does not repay a compilation; loading a SavedModel with TensorFlow alone is no faster. Ours imports neither.
"""

import json
import subprocess
import sys
import time

from benchmarks.measure import OURS, Row, summarise
from cifar_lab.core.progress import progress_bar
from cifar_lab.inference import model_card

_KERAS = """
import sys, keras, numpy
model = keras.saving.load_model(sys.argv[1] + "/model.keras", compile=False)
"""
_PROGRAMS = {
    "Keras, model.predict": _KERAS + 'model.predict(numpy.zeros((1, 32, 32, 3), "uint8"), verbose=0)',
    "Keras, model(x)": _KERAS + 'model(numpy.zeros((1, 32, 32, 3), "uint8")).numpy()',
    OURS: """
import sys, numpy
from cifar_lab.inference import Classifier
Classifier.load(sys.argv[1]).predict(numpy.zeros((32, 32, 3), "uint8"))
""",
}
_MEMORY = """
import json, pathlib, resource
pages = pathlib.Path("/proc/self/statm")  # Linux; elsewhere the maximum so far
used = int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else 0
print(json.dumps((used or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20))
"""


def measure(*, quick: bool = False) -> list[Row]:
    """Start new processes in turns, after one round that is not counted."""
    folder = str(model_card.find_classifier(model_card.default_classifier()))
    seconds, memory = ({name: [] for name in _PROGRAMS} for _ in range(2))
    for number in progress_bar(range(2 if quick else 8), unit="round", desc="new processes"):
        for name, program in _PROGRAMS.items():
            started = time.perf_counter()
            command = [sys.executable, "-c", program + _MEMORY, folder]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            if number:
                seconds[name].append(time.perf_counter() - started)
                memory[name].append(json.loads(output.splitlines()[-1]))
    return [
        summarise("a new process, to its first prediction", seconds, unit="s"),
        summarise("its memory after that", memory, unit="MB"),
    ]
