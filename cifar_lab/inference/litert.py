"""Run the network of a classifier with LiteRT, without TensorFlow."""

import queue

import numpy as np

from cifar_lab.core.quiet import stderr_hidden

LITERT_FILE = "model.tflite"


def load_engine(card, *, threads: int) -> "LiteRT":
    """Load the network of a classifier.

    Args:
        card: the model card, or any object with its `input_size`, `output_count` and `read_verified`.
        threads: number of threads per call.

    Raises:
        ValueError: the file is missing, is damaged or does not match the card.
    """
    shape = (card.input_size, card.input_size, 3)
    return LiteRT(card.read_verified(LITERT_FILE), shape=shape, classes=card.output_count, threads=threads)


class LiteRT:
    """A LiteRT network that any number of threads may call at the same time.

    Attributes:
        at_once: recommended batch size: large enough to keep the cores busy, small enough to save memory.
    """

    def __init__(self, model: bytes, *, shape: tuple[int, int, int], classes: int, threads: int):
        """Load the network.

        Args:
            model: the content of `model.tflite`.
            shape: height, width and channels of an image.
            classes: number of classes.
            threads: number of threads per call.

        Raises:
            ValueError: the content is not a network for such images and this number of classes.
        """
        self.at_once = min(64, max(1, 64 * 32**2 // (shape[0] * shape[1])))  # as many pixels as in 64 images of 32 x 32
        self._model, self._threads = model, threads
        # An interpreter serves one thread at a time, so each call takes an idle one or creates another.
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        with stderr_hidden():  # LiteRT logs that it uses the CPU, once per process: do it now, not during a request
            interpreter = _interpreter(model, threads)
        _check(interpreter, shape, classes)
        self._idle.put(interpreter)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Predict class probabilities.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255, n at least 1.

        Returns:
            `(n, classes)` float32, 0-1.
        """
        try:
            interpreter = self._idle.get_nowait()
        except queue.Empty:
            interpreter = _interpreter(self._model, self._threads)
        try:
            entry, exit_ = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
            if tuple(entry["shape"]) != images.shape:
                interpreter.resize_tensor_input(entry["index"], images.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(entry["index"], images)
            interpreter.invoke()
            return interpreter.get_tensor(exit_["index"])
        finally:
            self._idle.put(interpreter)


def _check(interpreter, shape: tuple[int, int, int], classes: int) -> None:
    """Raise a ValueError unless the network maps uint8 images of `shape` to float32 probabilities."""
    ends = [*interpreter.get_input_details(), *interpreter.get_output_details()]
    found = [(tuple(int(size) for size in end["shape"][1:]), np.dtype(end["dtype"])) for end in ends]
    if found != (wanted := [(shape, np.dtype(np.uint8)), ((classes,), np.dtype(np.float32))]):
        raise ValueError(f"its network maps {_words(found)}, but its card says {_words(wanted)}")


def _words(ends) -> str:
    return " to ".join(f"{' x '.join(map(str, shape))} {dtype}" for shape, dtype in ends)


def _interpreter(model: bytes, threads: int):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=threads)
    interpreter.allocate_tensors()
    return interpreter
