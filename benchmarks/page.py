"""The web page: pictures per second with 1 and 8 connections, seconds until it is ready, memory. Linux only.

Three pages are served by the same gunicorn configuration, one process each, and receive requests in turns: Flask with
`keras.Model.predict` (the tutorials' way), Flask with a `tf.function` (the best ordinary way), and ours. Ours averages
two views of each picture, validates the upload and describes it; the others predict on one view. The clients run in
this process, so they share the cores with the servers.
"""

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.decode import photograph, small_png
from benchmarks.measure import OURS, Row, SkippedError, summarise
from cifar_lab.core.progress import progress_bar

_ROOT = Path(__file__).parent.parent
_PAGES = {"Flask, model.predict": "predict", "Flask, tf.function": "function", OURS: ""}
_THREADS = "4"  # of the usual pages: Keras and TensorFlow use all cores for one request
_BOUNDARY = "boundary-of-the-form"
_PART = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="picture"\r\n\r\n'
_PICTURES = {"32 x 32 PNG": small_png, "12-megapixel JPEG": photograph}
_CONNECTIONS = {1: "1 connection", 8: "8 connections"}


@dataclass
class Page:
    """A running page: its port, the process of gunicorn, and the seconds it took to be ready."""

    port: int
    process: subprocess.Popen
    seconds: float = 0.0

    def rate(self, content: bytes, connections: int, seconds: float) -> float:
        """Return the pictures per second for several clients, each sending the next as soon as it has a response."""
        started = time.perf_counter()
        with ThreadPoolExecutor(connections) as pool:
            counts = pool.map(lambda _: self._send(content, until=started + seconds), range(connections))
            answered = sum(counts)
        return answered / (time.perf_counter() - started)

    def _send(self, content: bytes, *, until: float) -> int:
        """Send a picture again and again on one connection; return the number of responses."""
        connection, count = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60), 0
        body = _PART.encode() + content + f"\r\n--{_BOUNDARY}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}
        while time.perf_counter() < until:
            connection.request("POST", "/api/predict", body, headers)
            response = connection.getresponse()
            if b'"label"' not in response.read() or response.status != 200:
                raise SystemExit(f"The page on port {self.port} answered {response.status} instead of a prediction.")
            count += 1
        connection.close()
        return count

    def memory(self) -> float:
        """Return the resident memory of its processes in MB; pages that they share count once."""
        pid = self.process.pid
        workers = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        texts = [Path(f"/proc/{process}/smaps_rollup").read_text() for process in (pid, *workers)]
        return sum(int(text.split("\nPss:")[1].split()[0]) for text in texts) * 1024 / 1e6


@contextmanager
def served(kind: str) -> Iterator[Page]:
    """Serve a page on a free port: ours, or `usual_page` of a kind; stop it at the end.

    Raises:
        SystemExit: it is not ready after two minutes.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--threads", _THREADS, "benchmarks.usual_page:app"] if kind else []
    command = [sys.executable, "-m", "gunicorn", "-c", "app/gunicorn.conf.py", *arguments]
    settings = {"HOST": "127.0.0.1", "PORT": str(port), "TF_CPP_MIN_LOG_LEVEL": "3", "USUAL_PAGE": kind}
    started = time.perf_counter()
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen(command, cwd=_ROOT, env=os.environ | settings, stderr=log) as process,
    ):
        page = Page(port, process)
        try:
            while not _is_ready(port):
                if process.poll() is not None or time.perf_counter() - started > 120:
                    raise SystemExit(f"The server did not start. To see why: {' '.join(command)}")
                time.sleep(0.01)
            page.seconds = time.perf_counter() - started
            yield page
        finally:
            process.terminate()


def _is_ready(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def measure(*, quick: bool = False) -> list[Row]:
    """Serve all pages, and send them requests in turns."""
    if sys.platform != "linux":
        raise SkippedError("memory is read in a way that only Linux has.")
    rounds, seconds = (1, 2.0) if quick else (5, 4.0)
    with ExitStack() as stack:
        pages = {name: stack.enter_context(served(kind)) for name, kind in _PAGES.items()}
        at_start = {name: [page.memory()] for name, page in pages.items()}
        rows = [
            _rates(f"{what}, {words}", pages, content(), connections, rounds=rounds, seconds=seconds)
            for what, content in _PICTURES.items()
            for connections, words in _CONNECTIONS.items()
        ]
        after = {name: [page.memory()] for name, page in pages.items()}
    return [
        *rows,
        summarise("page ready", {name: [page.seconds] for name, page in pages.items()}, unit="s"),
        summarise("page's memory after the start", at_start, unit="MB"),
        summarise("page's memory after all these requests", after, unit="MB"),
    ]


def _rates(what: str, pages: dict[str, Page], content: bytes, connections: int, *, rounds: int, seconds: float) -> Row:
    figures = {name: [] for name in pages}
    for number in progress_bar(range(rounds + 1), unit="round", desc=what):
        for name, page in pages.items():
            rate = page.rate(content, connections, seconds if number else 0.5)
            if number:
                figures[name].append(rate)
    return summarise(f"page, {what}, two views here, one there", figures, unit="/s", more_is_better=True)
