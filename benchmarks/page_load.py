"""The page under load: answers a second and latency, beside the usual page under the same gunicorn.

    python -m benchmarks.page_load

For small and large pictures on 1, 8 and 64 connections; also memory and start-up time of both. The clients are this
process, so both pages share the cores with them. It takes about two minutes. Linux only.
"""

import io
import json

import click
import numpy as np
from PIL import Image

from benchmarks.decode import photograph
from benchmarks.page_client import Load, ask_all, for_seconds, upload
from benchmarks.page_server import Served, served
from cifar_lab.core.progress import progress_bar

CONNECTIONS = (1, 8, 64)
USUAL = ("--threads", "4", "benchmarks.usual_page:app")  # with more threads Keras only gets slower
_HEAD = (
    "| picture | connections | usual page: answers/s | p50, p95, p99 ms | ours: answers/s | p50, p95, p99 ms | ratio |"
)


def small() -> bytes:
    """A 32 x 32 PNG of noise."""
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def measure(page: Served, request: bytes, connections: int, seconds: float) -> Load:
    """Ask for some seconds; one answer more than the connections comes first, uncounted."""
    ask_all(page.port, connections, iter([request] * (connections + 1)), _is_answer)
    load = ask_all(page.port, connections, for_seconds(request, seconds), _is_answer)
    if set(load.statuses) != {200}:
        raise SystemExit(f"Not every request was answered: {dict(load.statuses)}")
    return load


def _is_answer(body: bytes) -> bool:
    found = json.loads(body)
    return "label" in found or "label" in found["predictions"][0]


def _row(what: str, connections: int, usual: Load, ours: Load) -> str:
    cells = [what, str(connections)]
    for load in (usual, ours):
        cells += [f"{load.rate:.1f}", ", ".join(f"{load.percentile(share):.0f}" for share in (50, 95, 99))]
    return "| " + " | ".join([*cells, f"{ours.rate / usual.rate:.1f}"]) + " |"


@click.command()
@click.option("--seconds", default=8.0, show_default=True, help="For each of the twelve measurements.")
def main(seconds):
    """Print the two pages' answers a second, latencies, memory and start-up times."""
    pictures = {"32 x 32 PNG": upload(small()), "12-megapixel JPEG": upload(photograph())}
    with served(*USUAL) as usual, served(CIFAR_LAB_WAITING="64") as ours:
        after_start = [page.memory() for page in (usual, ours)]
        lines = [_HEAD, "|---" * 7 + "|"]
        for what, request in pictures.items():
            for connections in progress_bar(CONNECTIONS, unit=what, shown=True):
                loads = [measure(page, request, connections, seconds) for page in (usual, ours)]
                lines.append(_row(what, connections, *loads))
        after_load = [page.memory() for page in (usual, ours)]
        lines += ["", "| | usual page | ours |", "|---|---|---|"]
        lines.append(f"| ready after | {usual.seconds:.1f} s | {ours.seconds:.2f} s |")
        lines.append(f"| memory after the start | {after_start[0]} MB | {after_start[1]} MB |")
        lines.append(f"| memory after all this | {after_load[0]} MB | {after_load[1]} MB |")
    click.echo("\n".join(lines))


if __name__ == "__main__":
    main()
