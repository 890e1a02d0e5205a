"""The page served for a measurement, and what its processes hold."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).parent.parent


@dataclass
class Served:
    """A running gunicorn: its port, its process, its log, and the seconds it took to be ready."""

    port: int
    process: subprocess.Popen
    log: BinaryIO
    seconds: float = 0.0

    def answered(self) -> int:
        """How many requests it has answered, as its log has it."""
        number = self.log.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).count(b" said ")

    def workers(self) -> list[int]:
        """The process numbers of its workers (Linux)."""
        pid = self.process.pid
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def memory(self) -> int:
        """Resident memory of all its processes in MB, pages that they share counted once (Linux)."""
        lines = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in (self.process.pid, *self.workers())]
        return sum(int(text.split("\nPss:")[1].split()[0]) for text in lines) * 1024 // 10**6


@contextmanager
def served(*arguments: str, ready: str = "/readyz", **environment: str) -> Iterator[Served]:
    """Start gunicorn as the page starts it, with further arguments and settings, and stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", "app/gunicorn.conf.py", *arguments]
    settings = os.environ | {"HOST": "127.0.0.1", "PORT": str(port), "TF_CPP_MIN_LOG_LEVEL": "3"} | environment
    started = time.perf_counter()
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, cwd=ROOT, env=settings, stderr=log) as process:
        page = Served(port, process, log)
        try:
            while not _answers(f"http://127.0.0.1:{port}{ready}"):
                if process.poll() is not None or time.perf_counter() - started > 120:
                    raise SystemExit(f"The server did not start. Try: {' '.join(command)}")
                time.sleep(0.01)
            page.seconds = time.perf_counter() - started
            yield page
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False
