"""Run a network with LiteRT, without TensorFlow."""

import queue

import numpy as np

from cifar_lab.core.quiet import stderr_hidden


class LiteRT:
    """A LiteRT network. Any number of threads may call one at once.

    Attributes:
        at_once: images per batch: enough to keep the cores busy, few enough to keep memory small.
    """

    def __init__(self, model: bytes, *, shape: tuple[int, int, int], classes: int, threads: int):
        """Load the network.

        Args:
            model: the content of `model.tflite`.
            shape: of one image.
            classes: how many probabilities are expected.
            threads: cores one call may use.

        Raises:
            ValueError: it is not a network, or takes other images or predicts other classes.
        """
        self.at_once = min(64, max(1, 64 * 32**2 // (shape[0] * shape[1])))  # as many pixels as in 64 images of 32 x 32
        self._model, self._threads = model, threads
        # An interpreter serves one thread at a time, so each call takes an idle one, or makes one more.
        self._idle: queue.SimpleQueue = queue.SimpleQueue()
        with stderr_hidden():  # LiteRT logs that it uses the CPU, once per process: now, and not within a request
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
    """Check that images go in and rows of probabilities come out."""
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
