"""Downloading one large file so that nothing is lost and nothing wrong is kept.

Mirrors are tried in order; a slow one gives way to the next; a killed download goes on where it was; a file stands
under its name only when its SHA-256 is right; two processes that want the same file wait for each other.
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
from cifar_lab.core.progress import progress_bar

_CHUNK = 1 << 16


class DownloadError(ValueError):
    """A file that could not be fetched, with a sentence that says what was tried and what to do."""


class _GiveWay(Exception):
    """This mirror won't do; the reason is the message, and `again` says whether it is worth another try."""

    def __init__(self, reason: str, again: bool = False):
        super().__init__(reason)
        self.again = again


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
        mirrors: addresses of the same file, the preferred one first; http or https.
        destination: where the file goes. Beside it lie `.part` (what has come so far) and `.lock`.
        sha256: of the whole file, 64 hexadecimal digits; `None` where nobody has published one. Then its size is all
            that is checked here, and whoever opens it has to see what it holds.
        size: of the whole file in bytes.
        slowest: bytes a second; a mirror slower than this over `patience` seconds gives way.
        patience: seconds without an answer, or too slow, before a mirror gives way.
        last_is_waited_for: let the last mirror be as slow as it likes, and try it again when it breaks off.
        progress: show a progress bar, and a line for every mirror that is left.
        by_hand: what to do with a file that was fetched elsewhere, for the sentence when it can't be fetched.

    Returns:
        The destination.

    Raises:
        DownloadError: no mirror served it. What has come so far is kept, and the next call goes on there.
    """
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with only_one(destination.with_name(destination.name + ".lock"), progress):
            if not destination.exists():  # else another process has just fetched it
                _fetch(mirrors, destination, sha256, size, slowest, patience, last_is_waited_for, progress, by_hand)
    except OSError as error:  # a full disk, a folder that can't be written
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
            except _GiveWay as reason:
                failures = failures + 1 if reason.again else enough
                if patient and _size(part) > had:
                    failures = 0  # slowly, but it moves
                last = reason
        reasons.append(f"{urlsplit(address).hostname}: {last}")
        if progress:
            print(f"Leaving {urlsplit(address).hostname}: {last}.")
    raise DownloadError(
        f"{destination.name} could not be fetched ({'; '.join(reasons)}). What has come so far is kept: try again, "
        f"or fetch it elsewhere and {by_hand}."
    )


def _receive(address: str, part: Path, size: int, slowest: float, patience: float, progress: bool) -> None:
    """Add to `part` what it lacks. Raises `_GiveWay` when the mirror won't do."""
    if _size(part) > size:
        part.unlink()
    if _size(part) == size:
        return
    try:
        with _open(address, _size(part), size, patience) as response:
            start = _size(part) if response.status == 206 else 0  # 200: the server sends the whole from the start
            with open(part, "ab" if start else "wb") as file, _bar(start, size, progress) as shown:
                for chunk in _watched(response, slowest, patience):
                    if file.tell() + len(chunk) > size:
                        file.truncate(0)  # another file altogether: nothing of it is worth keeping
                        raise _GiveWay("it sends more than the file has")
                    file.write(chunk)
                    shown.update(len(chunk))
    except urllib.error.HTTPError as error:
        raise _GiveWay(f"it answers {error.code} {error.reason}") from error
    except TimeoutError as error:
        raise _GiveWay(f"no answer for {patience:.0f} seconds", again=not slowest) from error
    except urllib.error.URLError as error:
        raise _GiveWay(f"it cannot be reached ({error.reason})") from error
    except (http.client.HTTPException, ConnectionError, ssl.SSLError) as error:
        raise _GiveWay(f"the connection broke off ({type(error).__name__})", again=True) from error
    if _size(part) < size:
        raise _GiveWay("the connection broke off", again=True)


def _open(address: str, have: int, size: int, patience: float):
    if urlsplit(address).scheme not in ("http", "https"):
        raise DownloadError(f"{address} is no http or https address.")
    request = urllib.request.Request(address, headers={"User-Agent": "cifar-lab", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    response = urllib.request.build_opener(_NoDowngrade).open(request, timeout=patience)
    expected = {200: None, 206: f"bytes {have}-{size - 1}/{size}"}
    if response.status not in expected or expected[response.status] not in (None, response.headers["Content-Range"]):
        response.close()
        raise _GiveWay(f"it answers {response.status} with another part of the file than asked for")
    if response.status == 200 and response.headers["Content-Length"] not in (None, str(size)):
        response.close()
        raise _GiveWay(f"its file has {response.headers['Content-Length']} bytes instead of {size}")
    return response


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, request, fp, code, msg, headers, newurl):
        if request.type == "https" and urlsplit(newurl).scheme != "https":
            raise _GiveWay("it redirects from https to an address that is not")
        return super().redirect_request(request, fp, code, msg, headers, newurl)


def _watched(response, slowest: float, patience: float) -> Iterator[bytes]:
    """The chunks of a response; gives up when less than `slowest` bytes a second came over `patience` seconds."""
    began, received = time.monotonic(), 0
    while chunk := response.read1(_CHUNK):  # read1: what is there, without waiting for a full chunk
        yield chunk
        received += len(chunk)
        elapsed = time.monotonic() - began
        if elapsed >= patience:
            if received < slowest * elapsed:
                raise _GiveWay(f"too slow ({received / elapsed / 1000:.0f} kB/s)")
            began, received = time.monotonic(), 0


def _verify(part: Path, sha256: str | None, resumed: bool) -> None:
    if sha256 and files.sha256(part) != sha256:
        part.unlink()  # a wrong byte can't be found, so all of it goes; perhaps only the part from before was wrong
        raise _GiveWay("its file is not the right one (its SHA-256 differs)", again=resumed)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _bar(start: int, size: int, progress: bool):
    options = {"unit": "B", "unit_scale": True, "unit_divisor": 1000, "desc": "download"}
    return progress_bar(total=size, initial=start, shown=progress, **options)


@contextlib.contextmanager
def only_one(path: Path, progress: bool = True) -> Iterator[None]:
    """Let one process at a time go on; the others wait. The system takes the lock back when its process dies.

    Args:
        path: the lock file; its folder must exist.
        progress: say so when waiting.
    """
    with open(path, "a+b") as file:
        said = False
        while not _lock(file):
            if progress and not said:
                print("Another process is at work on the same; waiting for it.")
                said = True
            time.sleep(0.2)
        yield  # closing the file frees the lock


def _lock(file) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def reachable(address: str, seconds: float = 4) -> bool:
    """Whether the host of an address answers within some seconds; a hanging name look-up counts as no."""
    import threading

    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    answered = threading.Event()

    def knock():
        with contextlib.suppress(OSError), socket.create_connection((parts.hostname, port), timeout=seconds):
            answered.set()

    threading.Thread(target=knock, daemon=True).start()  # a thread, since look-ups have no time limit of their own
    return answered.wait(seconds)
