"""A new process, with Keras and with our classifier: the time to its first answer, of it to load, and its memory."""

import json
import subprocess
import sys
import time

from benchmarks.measure import Row
from cifar_lab import card

_KERAS = """
import sys, time, keras, numpy
loading = time.perf_counter()
model = keras.saving.load_model(sys.argv[1] + "/model.keras", compile=False)
loading = time.perf_counter() - loading
model.predict(numpy.zeros((1, 32, 32, 3), "uint8"), verbose=0)
"""
_OURS = """
import sys, time, numpy
from cifar_lab.classifier import Classifier
loading = time.perf_counter()
classifier = Classifier.load(sys.argv[1])
loading = time.perf_counter() - loading
classifier.predict(numpy.zeros((32, 32, 3), "uint8"))
"""
_REPORT = """
import json, pathlib, resource
pages = pathlib.Path("/proc/self/statm")  # Linux; elsewhere the largest it has ever been
used = int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else 0
print(json.dumps([1000 * loading, (used or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20]))
"""


def measure(rounds: int = 5) -> list[Row]:
    """The comparisons of this file, in turns."""
    folder = str(card.find(card.default()))
    figures: tuple[list, list] = ([], [])
    for _ in range(rounds):
        for program, kept in zip((_KERAS, _OURS), figures, strict=True):
            command = [sys.executable, "-c", program + _REPORT, folder]
            started = time.perf_counter()
            result = subprocess.run(command, check=True, capture_output=True, text=True)
            whole = 1000 * (time.perf_counter() - started)
            kept.append([whole, *json.loads(result.stdout.splitlines()[-1])])
    names = ("a new process to its first answer", "of that, loading the network", "its memory (MB)")
    usual, ours = (list(zip(*kept, strict=True)) for kept in figures)
    return [Row(*one) for one in zip(names, map(list, usual), map(list, ours), strict=True)]
