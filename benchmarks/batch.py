"""Batch prediction: files per second of `classify_files` and of batched `keras.Model.predict`; every file is checked.

    python -m benchmarks.batch --files 20000

Writes small JPEG files of the sketches into a temporary folder, one in a hundred of them broken.
"""

import csv
import io
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from PIL import Image

from cifar_lab import inference
from cifar_lab.data import sketches

# What is left of a broken file, and the code that its row must have.
_BROKEN = [(500, b"", "corrupt_image"), (0, b"", "no_file"), (0, b"Dear reader,", "unsupported_format")]


def make_files(folder: Path, count: int) -> dict[str, str]:
    """Write the files, and return the error code that is expected for each; empty if it is readable."""
    streams, expected = [io.BytesIO() for _ in range(200)], {}
    for image, stream in zip(sketches.draw(200, size=160)[0], streams, strict=True):
        Image.fromarray(image).save(stream, "JPEG", quality=85)
    for number in range(count):
        path, content, code = folder / f"{number // 1000:03}" / f"{number:06}.jpg", streams[number % 200].getvalue(), ""
        if number % 100 == 50:
            kept, more, code = _BROKEN[number // 100 % len(_BROKEN)]
            content = content[:kept] + more
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        expected[str(path)] = code
    return expected


def check(table: Path, expected: dict[str, str]) -> None:
    """Exit unless every file has exactly one row, with the expected code."""
    with open(table, encoding="utf-8", newline="") as file:
        found = [(row["path"], row["code"]) for row in csv.DictReader(file)]
    if found != list(expected.items()):
        sys.exit(f"{table.name}: not every file has one row with the right code.")


def kill_and_resume(folder: Path, table: Path, model: str, count: int) -> int:
    """Kill a run, with its workers, after a third of the files; resume it; return the rows that it had finished."""
    command = [sys.executable, "-m", "cifar_lab", "classify", str(folder), "--model", model, "--output", str(table)]
    part = table.with_name(table.name + ".part")
    process = subprocess.Popen(command, start_new_session=True)
    while process.poll() is None and not (part.exists() and part.read_bytes().count(b": [") > count / 3):
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = part.read_bytes().count(b": [")
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return finished


def keras_pipeline(network, paths: list[str]) -> None:
    """Decode in threads with tf.data while predicting, in batches of 256."""
    import tensorflow as tf

    def load(path):
        return tf.image.resize(tf.image.decode_jpeg(tf.io.read_file(path), channels=3), (32, 32), antialias=True)

    files = tf.data.Dataset.from_tensor_slices(paths).map(load, num_parallel_calls=tf.data.AUTOTUNE)
    network.predict(files.batch(256).prefetch(tf.data.AUTOTUNE), verbose=0)


@click.command()
@click.option("--files", "count", type=click.IntRange(400), default=20_000, show_default=True)
@click.option("--model", default="cifar10", show_default=True)
@click.option("--ray/--no-ray", default=False, show_default=True)
def main(count: int, model: str, ray: bool) -> None:
    """Time every way through the same files."""
    from cifar_lab.core.keras_backend import keras  # here, since the workers import this file

    with tempfile.TemporaryDirectory() as temporary:
        folder, table, killed = (Path(temporary, name) for name in ("files", "table.csv", "killed.csv"))
        expected = make_files(folder, count)
        for way in [{"workers": 1}, {"workers": 2}, {"workers": 2, "cluster": "local"}][: 3 if ray else 2]:
            started = time.perf_counter()
            inference.classify_files(folder, table, model=model, replace=True, **way)
            click.echo(f"classify_files {way}: {count / (time.perf_counter() - started):.0f} files/s")
            check(table, expected)
        finished = kill_and_resume(folder, killed, model, count)
        check(killed, expected)
        click.echo(f"killed after {finished:,} of {count:,} files and resumed: every file once, with the right code")
        network = keras.saving.load_model(inference.ModelCard.load(model).folder / "model.keras", compile=False)
        readable = [path for path, code in expected.items() if not code][:2000]
        keras_pipeline(network, readable[:256])  # compiles
        started = time.perf_counter()
        keras_pipeline(network, readable)
        click.echo(f"keras.Model.predict: {len(readable) / (time.perf_counter() - started):.0f} files/s, one view")


if __name__ == "__main__":
    main()
