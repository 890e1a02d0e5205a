"""Belonging to a Ray cluster for a while, for a search or for a large collection of pictures."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def connected(address: str, instead: str, **own) -> Iterator[None]:
    """Belong to a cluster meanwhile; a Ray that runs in this process already is taken as it is.

    Args:
        address: `"auto"`, `"HOST:PORT"`, or `"local"` for a Ray that is started here.
        instead: what to do without a cluster, to end the sentence of the error.
        **own: settings of `ray.init` for a Ray that is started here.

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
    except Exception as error:  # Ray raises everything from ValueError to a plain Exception here
        raise ValueError(
            f"No Ray cluster answers at {address!r} ({first_line(error)}). Start one with: ray start --head; "
            f"or {instead} One that asks for a token answers only if RAY_AUTH_MODE=token was set before."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()  # which ends what still runs


def first_line(error: Exception) -> str:
    """What an error says in its first line, since Ray's go on for pages; its type when it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _knock(address: str) -> None:
    """See whether anything listens there: Ray itself would go on asking for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host, int(port)), timeout=5).close()
