"""A large collection of pictures: our ways through it, beside a plain loop over `keras.Model.predict`, in one run.

    python -m benchmarks.bulk --files 20000

Makes the files in a temporary folder, one in a hundred of them broken, and checks on the way that each is accounted for
once, by every way and after a kill too.
"""

import csv
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import click
import numpy as np
from PIL import Image

from cifar_lab.core.quiet import stderr_hidden
from cifar_lab.inference import batch, model_card
from cifar_lab.inference.batch import workers as processes

_SIZES = {(640, 480): 6, (1024, 768): 3, (2048, 1536): 1}  # of ten files
_EACH = 8  # different pictures of each size; every file still has bytes of its own
_BROKEN = ("cut", "empty", "text", "heic", "gone")
_CODES = {"cut": "corrupt_image", "text": "unsupported_format", "heic": "unsupported_format"}  # others: no_file


def make_files(folder: Path, count: int) -> Counter:
    """Fill a folder with JPEG files that cost what photographs cost, and say which codes its broken ones should get."""
    generator, expected = np.random.default_rng(0), Counter()
    pictures = {size: [_photo(size, generator) for _ in range(_EACH)] for size in _SIZES}
    sizes = [size for size, of_ten in _SIZES.items() for _ in range(of_ten)]
    for number in range(count):
        path = folder / f"{number // 1000:03}" / f"{number:06}.jpg"
        path.parent.mkdir(exist_ok=True)
        content = pictures[sizes[number % 10]][number // 10 % _EACH]
        if number % 100 == 50:
            kind = _BROKEN[number // 100 % len(_BROKEN)]
            expected[_CODES.get(kind, "no_file")] += 1
            _break(path, content, kind)
        else:
            comment = f"{number:08}".encode()
            path.write_bytes(content[:2] + b"\xff\xfe\x00\x0a" + comment + content[2:])
    return expected


def _photo(size: tuple[int, int], generator) -> bytes:
    """Soft shapes with some grain, as a JPEG: about the bytes a pixel that a photograph has."""
    shapes = generator.integers(0, 256, (12, 16, 3), np.uint8)
    picture = np.asarray(Image.fromarray(shapes).resize(size, Image.Resampling.BICUBIC), np.float32)
    grain = generator.normal(0, 6, (size[1], size[0], 1))
    file = io.BytesIO()
    Image.fromarray(np.clip(picture + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
    return file.getvalue()


def _break(path: Path, content: bytes, kind: str) -> None:
    if kind == "gone":
        path.symlink_to(path.with_suffix(".nowhere"))
        return
    contents = {"cut": content[: len(content) // 3], "empty": b"", "text": b"no picture", "heic": b"\0\0\0\x18ftypheic"}
    path.write_bytes(contents[kind])


def check(folder: Path, table: Path, expected: Counter) -> None:
    """See that every file has one row, and every broken one its code.

    Raises:
        SystemExit: not so.
    """
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = Counter(row["code"] for row in rows if row["code"])
    names = Counter(row["path"] for row in rows)
    if set(names) != {str(path) for path in folder.glob("*/*")} or set(names.values()) != {1} or found != expected:
        sys.exit(f"{table.name}: not every file is accounted for once ({len(rows)} rows, {dict(found)}).")


def keras_loop(paths: list[Path], model: Path, at_once: int) -> float:
    """Files a second of the plain way: open, decode in full, shrink, and `predict`, so many at once."""
    with stderr_hidden():
        import keras

        network = keras.saving.load_model(model, compile=False)
        network.predict(np.zeros((at_once, 32, 32, 3), np.uint8), verbose=0)
    started = time.perf_counter()
    for first in range(0, len(paths), at_once):
        images = []
        for path in paths[first : first + at_once]:
            try:
                images.append(np.asarray(Image.open(path).convert("RGB").resize((32, 32))))
            except OSError:
                continue
        if images:
            network.predict(np.stack(images), verbose=0)
    return len(paths) / (time.perf_counter() - started)


def our_way(folder: Path, table: Path, name: str, workers: int, cluster: str | None) -> float:
    """Files a second of ours, with the start of its processes; Ray's own start comes before."""
    if cluster:
        from cifar_lab.inference.batch import ray_runner as clusters

        clusters.runner(cluster)
    with clusters.connected_batch(cluster, workers) if cluster else nullcontext():
        started = time.perf_counter()
        report = batch.classify_files(folder, table, model=name, workers=workers, cluster=cluster)
        return report.count / (time.perf_counter() - started)


def killed_and_resumed(folder: Path, table: Path, name: str) -> int:
    """Kill a run in the middle, with its workers, and go on; how many files were answered when it was killed."""
    command = [sys.executable, "-m", "cifar_lab", "classify", str(folder), "--model", name, "--output", str(table)]
    parts = table.with_name(table.name + ".parts")
    process = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and len(list(parts.glob("part-*"))) < 3:
        time.sleep(0.02)
    if process.poll() is not None:
        sys.exit("The run that should be killed was too fast, or failed.")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = len(list(parts.glob("part-*")))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return kept


@click.command()
@click.option("--files", "count", type=click.IntRange(100), default=20_000, show_default=True)
@click.option("--model", "name", default=model_card.default_classifier(), show_default=True)
@click.option("--sample", type=int, default=500, show_default=True, help="Files that the plain loops are timed on.")
@click.option("--ray/--no-ray", default=True, show_default=True)
def main(count: int, name: str, sample: int, ray: bool) -> None:
    """Time every way through the same files."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "files"
        folder.mkdir()
        expected = make_files(folder, count)
        whole = sum(path.stat().st_size for path in folder.glob("*/*.jpg") if path.exists())
        click.echo(f"{count:,} files, {whole / count / 1000:.0f} kB each on average, {expected.total()} broken; {name}")
        ways = [(f"{number} processes", number, None) for number in _counts()]
        ways += [(f"Ray, {number} cores", number, "local") for number in _counts() if ray]
        rates, tables = {}, []
        for way, number, cluster in ways:
            table = Path(temporary) / f"{way}.csv"
            rates[way] = our_way(folder, table, name, number, cluster)
            check(folder, table, expected)
            tables.append(table)
            click.echo(f"{way:<28} {rates[way]:8.1f} files/s")
        table = Path(temporary) / "killed.csv"
        parts = killed_and_resumed(folder, table, name)
        if len({path.read_bytes() for path in (*tables, table)}) != 1:
            sys.exit("The tables differ.")
        click.echo(f"killed after {parts} parts and resumed: the same table, as all of them are, byte for byte")
        paths = sorted(folder.glob("*/*.jpg"))[:: max(1, count // sample)][:sample]
        for at_once in (1, 64):
            way = f"predict, {at_once} at once"
            rates[way] = keras_loop(paths, model_card.find_classifier(name) / "model.keras", at_once)
            ratios = ", ".join(f"{ours}: {rates[ours] / rates[way]:.1f}" for ours, *_ in ways)
            click.echo(f"{way:<28} {rates[way]:8.1f} files/s on {len(paths)} of them; times faster: {ratios}")


def _counts() -> list[int]:
    return [number for number in (1, 2, 4, 8, 16) if number <= processes.cores()]


if __name__ == "__main__":
    main()
