"""The page under pressure: more than it can answer, 20,000 requests, 20,000 damaged files, a killed worker, a stop.

    python -m benchmarks.page_soak

It says what came of each, and ends with an error if an answer was wrong, missing, or a 5xx other than "busy". It takes
about five minutes. Linux only.
"""

import io
import os
import signal
import threading
import time
from collections.abc import Iterator
from itertools import islice

import click
import numpy as np

from benchmarks.page_client import Client, Load, ask_all, at_rate, for_seconds, upload
from benchmarks.page_load import small
from benchmarks.page_server import Served, served
from cifar_lab.core.progress import progress_bar
from cifar_lab.data import sketches


class Checked:
    """The page's answer to one picture, by which every later one is judged."""

    def __init__(self, page: Served):
        self.request = upload(small())
        self._expected = self._without_time(Client(page.port).ask(self.request)[1])

    def is_right(self, body: bytes) -> bool:
        """Whether it says the same of the picture."""
        return self._without_time(body) == self._expected

    @staticmethod
    def _without_time(body: bytes) -> bytes:
        return body.partition(b'"time_ms"')[0]


def overload(page: Served, picture: Checked, seconds: float) -> Load:
    """Twice the answers a second that it can give."""
    capacity = ask_all(page.port, 8, for_seconds(picture.request, 5), picture.is_right).rate
    load = ask_all(page.port, 120, at_rate(picture.request, 2 * capacity, seconds), picture.is_right)
    asked = sum(load.statuses.values()) / load.seconds
    click.echo(
        f"capacity {capacity:.0f}/s; asked {asked:.0f}/s on 120 connections for {load.seconds:.0f} s: "
        f"{load.rate:.0f}/s answered, p50 {load.percentile(50):.0f} ms, p99 {load.percentile(99):.0f} ms"
    )
    return load


def damaged(count: int) -> Iterator[bytes]:
    """Requests with pictures in five formats whose bytes were changed, and every third one cut off."""
    generator, originals = np.random.default_rng(7), []
    for kind, options in (("PNG", {}), ("JPEG", {}), ("GIF", {}), ("WEBP", {}), ("BMP", {}), ("PNG", {"bits": 4})):
        picture = sketches.sample_pictures(40)["frog"]
        stream = io.BytesIO()
        (picture.quantize(16) if options else picture).save(stream, kind, **options)
        originals.append(stream.getvalue())
    for number in range(count):
        content = bytearray(originals[number % len(originals)])
        for _ in range(generator.integers(1, 9)):
            content[generator.integers(0, len(content))] = generator.integers(0, 256)
        kept = len(content) if number % 3 else generator.integers(0, len(content))
        yield upload(bytes(content[:kept]), "/result" if number % 2 else "/api/predict")


def in_steps(page: Served, requests: Iterator[bytes], count: int, is_right=lambda body: True) -> Load:
    """All requests on 8 connections, with the server's memory after each quarter."""
    total, memory = Load(), [page.memory()]
    for _ in progress_bar(range(4), unit="quarter"):
        load = ask_all(page.port, 8, islice(requests, count // 4), is_right)
        total.statuses += load.statuses
        memory.append(page.memory())
    click.echo(f"memory before and after each quarter of {count}: {', '.join(map(str, memory))} MB")
    return total


def struck(page: Served, picture: Checked, strike, seconds: float) -> Load:
    """What comes of requests, each on a connection of its own, while something happens to the server after a second."""
    load, end = Load(), time.monotonic() + seconds

    def work():
        while time.monotonic() < end and not load.statuses["refused"]:
            client = Client(page.port, patience=40)
            load.ask(client, picture.request, picture.is_right)
            client.close()

    threads = [threading.Timer(1, strike), *(threading.Thread(target=work) for _ in range(8))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def judge(what: str, load: Load, allowed: set) -> None:
    """Say what came, and end if there is anything else than that."""
    click.echo(f"{what}: {dict(sorted(load.statuses.items(), key=str))}")
    if others := set(load.statuses) - allowed:
        raise SystemExit(f"Only {sorted(allowed, key=str)} should have come, but there are {others}.")


@click.command()
@click.option("--seconds", default=60.0, show_default=True, help="Of more requests than can be answered.")
@click.option("--count", default=20_000, show_default=True, help="Requests, and as many with damaged files.")
def main(seconds, count):
    """Put the page under pressure, and say what came of it."""
    with served() as page:
        picture = Checked(page)
        judge("twice the capacity", overload(page, picture, seconds), {200, 503})
        again = iter([picture.request] * count)
        judge("again and again", in_steps(page, again, count, picture.is_right), {200})
        judge("damaged files", in_steps(page, damaged(count), count), {200, 400, 415, 422})
        (worker,) = page.workers()
        load = struck(page, picture, lambda: os.kill(worker, signal.SIGKILL), 6)
        judge("the worker was killed; its requests are lost", load, {200, "none"})
        assert load.statuses["none"] <= 8, "more than were in work"
    with served() as page:
        load = struck(page, Checked(page), page.process.terminate, 20)
        page.process.wait()
        answered = page.answered() - 1  # the first answer was for the comparison
        judge("a kind stop; those that came too late to be taken get nothing", load, {200, "none", "refused"})
        click.echo(f"the log has {answered} answers, and {load.statuses[200]} came")
        if answered != load.statuses[200]:
            raise SystemExit("A request that was taken was not answered.")


if __name__ == "__main__":
    main()
