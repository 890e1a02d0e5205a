"""Silence native libraries, which write to stderr directly, shown in red in a notebook."""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator

_lock = threading.Lock()


@contextlib.contextmanager
def stderr_hidden() -> Iterator[None]:
    """Discard what native code writes to stderr inside the block.

    At every start TensorFlow reports that there is no GPU, and LiteRT that it has a CPU back end; neither has a setting
    to turn this off. Errors are still raised as exceptions.
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
