"""Download one large file with mirrors, resume, verification and a lock.

Mirrors are tried in order, and a slow one is abandoned for the next. A killed download resumes where it stopped. The
file gets its final name only after its SHA-256 was verified. Two processes never download the same file at once.
"""

import contextlib
import http.client
import os
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cifar_lab.core import files
from cifar_lab.core.locks import wait_for_lock
from cifar_lab.core.progress import progress_bar

_CHUNK = 1 << 16


class DownloadError(ValueError):
    """A file could not be downloaded; the message says what was tried and what to do."""


class _MirrorError(Exception):
    """A mirror failed; the message is the reason, and `retry` tells whether another attempt may help."""

    def __init__(self, reason: str, retry: bool = False):
        super().__init__(reason)
        self.retry = retry


def fetch_file(
    mirrors: Sequence[str],
    destination: Path,
    *,
    sha256: str | None,
    size: int,
    slowest: float = 200_000,
    patience: float = 20,
    last_is_waited_for: bool = False,
    progress: bool = True,
    by_hand: str = "name its folder in CIFAR_LAB_DATA",
) -> Path:
    """Download a file from the first mirror that serves it well.

    Args:
        mirrors: http or https addresses of the same file, the preferred one first.
        destination: path of the file. The partial download (`.part`) and the lock (`.lock`) are kept next to it.
        sha256: of the whole file, 64 hexadecimal digits; `None` if none is published. Then only the size is checked,
            and the caller has to verify the content.
        size: of the whole file in bytes.
        slowest: bytes per second; a mirror slower than this over `patience` seconds is abandoned.
        patience: seconds without a response, or below `slowest`, after which a mirror is abandoned.
        last_is_waited_for: accept any speed from the last mirror, and retry it if the connection breaks off.
        progress: show a progress bar, and print a line for every mirror that is abandoned.
        by_hand: what to do with a file downloaded by hand, for the error message.

    Returns:
        The destination.

    Raises:
        DownloadError: no mirror served it. The partial download is kept, and the next call resumes it.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with wait_for_lock(destination.with_name(destination.name + ".lock"), progress):
            if not destination.exists():  # else another process has just downloaded it
                _fetch(mirrors, destination, sha256, size, slowest, patience, last_is_waited_for, progress, by_hand)
    except OSError as error:  # a full disk, or no permission to write
        raise DownloadError(f"{destination} cannot be written: {error.strerror or error}.") from error
    return destination


def _fetch(mirrors, destination, sha256, size, slowest, patience, last_is_waited_for, progress, by_hand) -> None:
    part = destination.with_name(destination.name + ".part")
    reasons = []
    for address in mirrors:
        patient = last_is_waited_for and address == mirrors[-1]
        failures, enough = 0, 20 if patient else 2
        while failures < enough:
            had = _size(part)
            try:
                _receive(address, part, size, 0 if patient else slowest, patience, progress)
                _verify(part, sha256, resumed=had > 0)
                os.replace(part, destination)
                return
            except _MirrorError as error:
                failures = failures + 1 if error.retry else enough
                if patient and _size(part) > had:
                    failures = 0  # slow, but progressing
                last = error
        reasons.append(f"{urlsplit(address).hostname}: {last}")
        if progress:
            print(f"Abandoning {urlsplit(address).hostname}: {last}.")
    raise DownloadError(
        f"{destination.name} could not be fetched ({'; '.join(reasons)}). The partial download is kept: try again, "
        f"or download it elsewhere and {by_hand}."
    )


def _receive(address: str, part: Path, size: int, slowest: float, patience: float, progress: bool) -> None:
    """Download the rest of `part`; raise `_MirrorError` if the mirror fails."""
    if _size(part) > size:
        part.unlink()
    if _size(part) == size:
        return
    try:
        with _open(address, _size(part), size, patience) as response:
            start = _size(part) if response.status == 206 else 0  # 200: the server sends the whole file
            with open(part, "ab" if start else "wb") as file, _bar(start, size, progress) as bar:
                for chunk in _watched(response, slowest, patience):
                    if file.tell() + len(chunk) > size:
                        file.truncate(0)  # a different file: nothing of it is worth keeping
                        raise _MirrorError("it sends more than the file has")
                    file.write(chunk)
                    bar.update(len(chunk))
    except urllib.error.HTTPError as error:
        raise _MirrorError(f"it responds {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _MirrorError(f"no response for {patience:.0f} seconds", retry=not slowest) from error
    except urllib.error.URLError as error:
        raise _MirrorError(f"it cannot be reached ({error.reason})") from error
    except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
        raise _MirrorError(f"the connection broke off ({type(error).__name__})", retry=True) from error
    if _size(part) < size:
        raise _MirrorError("the connection broke off", retry=True)


def _open(address: str, have: int, size: int, patience: float):
    if urlsplit(address).scheme not in ("http", "https"):
        raise DownloadError(f"{address} is not an http or https address.")
    request = urllib.request.Request(address, headers={"User-Agent": "cifar-lab", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    response = urllib.request.build_opener(_NoDowngrade).open(request, timeout=patience)
    expected = {200: None, 206: f"bytes {have}-{size - 1}/{size}"}
    if response.status not in expected or expected[response.status] not in (None, response.headers["Content-Range"]):
        response.close()
        raise _MirrorError(f"it responds {response.status} with a different range than requested")
    if response.status == 200 and response.headers["Content-Length"] not in (None, str(size)):
        response.close()
        raise _MirrorError(f"its file has {response.headers['Content-Length']} bytes instead of {size}")
    return response


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, fp, code, msg, headers, newurl):
        if request.type == "https" and urlsplit(newurl).scheme != "https":
            raise _MirrorError("it redirects from https to an insecure address")
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def _watched(response, slowest: float, patience: float) -> Iterator[bytes]:
    """Yield the chunks of a response; fail if it is slower than `slowest` bytes per second over `patience` seconds."""
    began, received = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):  # read1: returns what is available, without waiting for a full chunk
        yield chunk
        received += len(chunk)
        elapsed = time.monotonic() - began
        if elapsed >= patience:
            if received < slowest * elapsed:
                raise _MirrorError(f"too slow ({received / elapsed / 1000:.0f} kB/s)")
            began, received = time.monotonic(), 0


def _verify(part: Path, sha256: str | None, resumed: bool) -> None:
    if sha256 and files.sha256(part) != sha256:
        part.unlink()  # a wrong byte can't be located; if resumed, perhaps only the earlier part was wrong
        raise _MirrorError("its file is not the right one (its SHA-256 differs)", retry=resumed)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bar(start: int, size: int, progress: bool):
    options = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "desc": "download"}
    return progress_bar(total=size, initial=start, shown=progress, **options)


def reachable(address: str, seconds: float = 4) -> bool:
    """Return whether the host of an address accepts a connection within `seconds`, name look-up included."""
    import threading

    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    connected = threading.Event()

    def connect():
        with contextlib.suppress(OSError), socket.create_connection((parts.hostname, port), timeout=seconds):
            connected.set()

    threading.Thread(target=connect, daemon=True).start()  # a thread, since name look-ups have no timeout
    return connected.wait(seconds)
