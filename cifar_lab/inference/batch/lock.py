"""A lock that the system takes back when its process ends, however that ends."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None


@contextlib.contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold the lock file `path` meanwhile; gives False if another process holds it."""
    with open(path, "ab") as file:
        yield _take(file)  # closing the file gives it back


def _take(file) -> bool:
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        else:
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network drive without locks: better without than not at all
        return True
    return True
