"""Connect to a Ray cluster, for a search or for a large collection of pictures."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def connected(address: str, instead: str, **own) -> Iterator[None]:
    """Connect to a Ray cluster inside the block; if this process is already connected, use that connection.

    Args:
        address: `"auto"`, `"HOST:PORT"`, or `"local"` to start Ray on this machine.
        instead: what to do without a cluster; the end of the error message.
        **own: settings of `ray.init` when Ray is started on this machine.

    Raises:
        ValueError: no cluster answers at the address.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        _knock(address)
        ray.init(address, logging_level=logging.ERROR, log_to_driver=False, **(own if address == "local" else {}))
    except Exception as error:  # Ray raises anything from ValueError to a plain Exception here
        raise ValueError(
            f"No Ray cluster answers at {address!r} ({first_line(error)}). Start one with: ray start --head; "
            f"or {instead} If the cluster needs a token, set RAY_AUTH_MODE=token first."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()  # stops what is still running


def first_line(error: Exception) -> str:
    """Return the first line of an error message, since those of Ray fill pages; the error's type if it is empty."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _knock(address: str) -> None:
    """Check whether anything listens at an address, since Ray itself would retry for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=5).close()
