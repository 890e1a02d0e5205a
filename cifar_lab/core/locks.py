"""Locks between processes; the operating system releases them when a process ends, even if it is killed."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def try_lock(path: Path) -> Iterator[bool]:
    """Hold the lock file `path` for the block, without waiting; the value is False if another process holds it.

    Args:
        path: the lock file; its folder must exist.
    """
    with open(path, "a+b") as file:
        yield _lock(file)  # closing the file releases the lock


@contextlib.contextmanager
def wait_for_lock(path: Path, progress: bool = True) -> Iterator[None]:
    """Hold the lock file `path` for the block; wait while another process holds it.

    Args:
        path: the lock file; its folder must exist.
        progress: print a line when waiting.
    """
    with open(path, "a+b") as file:
        waiting = False
        while not _lock(file):
            if progress and not waiting:
                print("Waiting for another process that is using the same files.")
                waiting = True
            time.sleep(0.2)
        yield


def _lock(file) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:  # a network drive without locks: continue without one
        return True
    return True
