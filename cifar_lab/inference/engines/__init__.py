"""Engines: what answers inside a classifier, by the file that its card names.

An engine is called with images `(n, size, size, 3)` uint8 and gives probabilities `(n, classes)` float32; any number of
threads may call it at once. `at_once` is how many images it wants in a call. One file an engine, each importing what it
runs on only when it is chosen: whoever answers with a network needs no scikit-learn.
"""

FILES = LITERT_FILE, PIPELINE_FILE = "model.tflite", "model.skops"


def file_of(card) -> str:
    """The name of the file that answers, by what a card states."""
    return PIPELINE_FILE if PIPELINE_FILE in card.content["files"] else LITERT_FILE


def load_engine(card, *, threads: int):
    """Make the engine of a classifier: LiteRT for a network, scikit-learn for a pipeline.

    Args:
        card: the model card.
        threads: cores one call may use.

    Raises:
        ValueError: a file is missing, damaged or not the one of the card, or a package is not installed.
    """
    file, shape = file_of(card), (card.input_size, card.input_size, 3)
    if file == PIPELINE_FILE:
        from cifar_lab.inference.engines.sklearn import Scikit as Engine
    else:
        from cifar_lab.inference.engines.litert import LiteRT as Engine
    return Engine(card.read_verified(file), shape=shape, classes=len(card.class_names), threads=threads)
