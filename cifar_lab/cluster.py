"""Belonging to a Ray cluster for a while, for a search or for a large collection of pictures."""

import logging
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TOKEN = Path("~/.ray/auth_token").expanduser()  # where Ray keeps it


def prepare(**settings: str) -> None:
    """Set what Ray reads from the environment when it is first imported; what is set already stays.

    Ray makes a token, in `~/.ray`, when it is started in a process; from then on `ray start` asks whoever connects for
    it. Others bring it only when `RAY_AUTH_MODE` says so; a cluster that asks for none does not mind.

    Args:
        **settings: names and values.
    """
    given = any(os.environ.get(name) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")) or _TOKEN.exists()
    if given and "ray" not in sys.modules:  # one that is imported already would hear only half of it
        os.environ.setdefault("RAY_AUTH_MODE", "token")
    for name, value in settings.items():
        os.environ.setdefault(name, value)


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
            f"or {instead} One that runs there may ask for a token that is not in ~/.ray/auth_token here."
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
