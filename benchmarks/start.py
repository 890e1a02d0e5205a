"""A new process, with Keras and with our classifier: imports, loading, the time to its first answer, memory, file."""

import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.measure import Row
from cifar_lab.core.progress import progress_bar
from cifar_lab.inference import litert, model_card

_KERAS = """
import sys, time
importing = time.perf_counter()
import keras, numpy
importing, loading = time.perf_counter() - importing, time.perf_counter()
model = keras.saving.load_model(sys.argv[1] + "/model.keras", compile=False)
loading = time.perf_counter() - loading
model.predict(numpy.zeros((1, 32, 32, 3), "uint8"), verbose=0)
"""
_OURS = """
import sys, time
importing = time.perf_counter()
import numpy
from cifar_lab.inference.classifier import Classifier
importing, loading = time.perf_counter() - importing, time.perf_counter()
classifier = Classifier.load(sys.argv[1])
loading = time.perf_counter() - loading
classifier.predict(numpy.zeros((32, 32, 3), "uint8"))
"""
_REPORT = """
import json, pathlib, resource
pages = pathlib.Path("/proc/self/statm")  # Linux; elsewhere the largest it has ever been
used = int(pages.read_text().split()[1]) * resource.getpagesize() if pages.exists() else 0
memory = (used or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 2**20
print(json.dumps([1000 * importing, 1000 * loading, memory]))
"""
_WHAT = {
    "a new process to its first answer (Keras)": "s",
    "of that, the imports": "ms",
    "of that, loading the network": "ms",
    "its resident memory after that": "MB",
}


def measure(*, quick: bool = False) -> list[Row]:
    """The comparisons of this file, in turns, after one round that is not counted."""
    folder = model_card.find_classifier(model_card.default_classifier())
    figures: tuple[list, list] = ([], [])
    for number in progress_bar(range(2 if quick else 8), unit="round", desc="new processes"):
        for program, kept in zip((_KERAS, _OURS), figures, strict=True):
            found = _run(program, str(folder))
            if number:
                kept.append(found)
    usual, ours = (list(map(list, zip(*kept, strict=True))) for kept in figures)
    return [Row(*one) for one in zip(_WHAT, usual, ours, _WHAT.values(), strict=True)] + [_sizes(folder)]


def _sizes(folder: Path) -> Row:
    megabytes = ([(folder / name).stat().st_size / 1e6] for name in (model_card.KERAS_FILE, litert.LITERT_FILE))
    return Row("the network's file (model.keras, in float32)", *megabytes, unit="MB")


def _run(program: str, folder: str) -> list[float]:
    """One new process: seconds in all, milliseconds of imports and loading, MB."""
    started = time.perf_counter()
    command = [sys.executable, "-c", program + _REPORT, folder]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return [time.perf_counter() - started, *json.loads(result.stdout.splitlines()[-1])]
