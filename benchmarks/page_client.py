"""Clients that ask a page from this process, and what came of it."""

import http.client
import queue
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_EDGE = b"edge-of-the-parts"
_PART = b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def upload(content: bytes, path: str = "/api/predict") -> bytes:
    """A request with one file, ready to be sent."""
    body = b"--" + _EDGE + b"\r\n" + _PART + content + b"\r\n--" + _EDGE + b"--\r\n"
    head = (
        f"POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {len(body)}\r\n"
        f"Content-Type: multipart/form-data; boundary={_EDGE.decode()}\r\n\r\n"
    )
    return head.encode() + body


class Client:
    """One connection, kept open from request to request."""

    def __init__(self, port: int, patience: float = 60):
        self._port, self._patience, self._socket = port, patience, None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send a request; give the status and the body of the response.

        Raises:
            ConnectionRefusedError: nobody takes requests at that port.
            OSError: one was taken, and there is no whole response within the patience.
        """
        try:
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=self._patience)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket.sendall(request)
            response = http.client.HTTPResponse(self._socket, method="POST")
            response.begin()
            body = response.read()
            if response.will_close:
                self.close()
            return response.status, body
        except ConnectionRefusedError:
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise OSError(f"no whole response: {error!r}") from error

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


@dataclass
class Load:
    """What came of many requests."""

    statuses: Counter = field(default_factory=Counter)  # also "wrong" (a 200, but not the answer), "none", "refused"
    milliseconds: list[float] = field(default_factory=list)  # of the answers with status 200
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.statuses[200] / self.seconds

    def percentile(self, share: int) -> float:
        """The milliseconds within which that per cent of the answers came."""
        ordered = sorted(self.milliseconds) or [float("nan")]
        return ordered[min(len(ordered) - 1, len(ordered) * share // 100)]

    def ask(self, client: "Client", request: bytes, is_right: Callable[[bytes], bool]) -> None:
        """Ask once, and count what comes."""
        started = time.perf_counter()
        try:
            status, body = client.ask(request)
        except ConnectionRefusedError:
            status, body = "refused", b""
        except OSError:
            status, body = "none", b""
        if status == 200:
            self.milliseconds.append(1000 * (time.perf_counter() - started))
        self.statuses["wrong" if status == 200 and not is_right(body) else status] += 1


def ask_all(port: int, connections: int, requests: Iterator[bytes], is_right=lambda body: True) -> Load:
    """Send requests on several connections, as fast as the answers come, until there are no more."""
    load, lock, faults = Load(), threading.Lock(), queue.SimpleQueue()

    def work():
        client = Client(port)
        try:
            while True:
                with lock:
                    request = next(requests, None)
                if request is None:
                    return
                load.ask(client, request, is_right)
        except BaseException as error:
            faults.put(error)
        finally:
            client.close()

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    load.seconds = time.perf_counter() - started
    if not faults.empty():
        raise faults.get()
    return load


def for_seconds(request: bytes, seconds: float) -> Iterator[bytes]:
    """The same request again and again, until the time is over."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        yield request


def at_rate(request: bytes, rate: float, seconds: float) -> Iterator[bytes]:
    """The same request at a steady rate, whether or not the answers keep up, as long as a connection is free."""
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        time.sleep(max(0.0, started + number / rate - time.perf_counter()))
        yield request
