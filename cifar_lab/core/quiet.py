"""Quiet native libraries: they write to the process's error stream, past Python, and a notebook shows it in red."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.Lock()


@contextlib.contextmanager
def stderr_hidden() -> Iterator[None]:
    """Hide what native code writes to the error stream meanwhile.

    TensorFlow tells at every start that there is no GPU, LiteRT that it has a CPU back end, and neither can be told not
    to. What goes wrong comes as an exception all the same.
    """
    with _lock:
        sys.stderr.flush()
        kept, silence = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(silence, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(silence)
