"""Classify any number of pictures into a CSV or Parquet table, on all cores or on a Ray cluster.

    report = inference.classify_files("pictures", "predictions.csv", model="cifar10")

Finished rows are kept in `predictions.csv.part`, as JSON lines, so that a run that was killed resumes.
"""

import contextlib
import csv
import importlib
import json
import multiprocessing
import os
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cifar_lab.core import files, locks, machine
from cifar_lab.core.progress import progress_bar
from cifar_lab.images import PictureError
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import default_classifier

COLUMNS = ("path", "label", "index", "score", "known", "code", "error")
_CHUNK, _CHUNK_PIXELS = 64, 64 * 224**2  # files that a worker takes at a time, and pixels of their images
_FORMULA = tuple("=+-@\t\r\n＝＋－＠")  # what spreadsheets take for the start of a formula
_RAY = {"RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_DATA_LOG_LEVEL": "ERROR", "RAY_USAGE_STATS_ENABLED": "0"}
_classifiers: dict = {}  # of this worker process: from its pool under None, from Ray under the reference


class BatchReport(NamedTuple):
    """The outcome of a batch prediction."""

    path: Path  # the table
    count: int  # its rows
    unknown: int  # rows with `known` false: "none of these"
    errors: dict[str, int]  # unreadable files by code, the most frequent first
    predicted: int  # files opened by this run; the others were finished before
    dropped: int  # files finished before that are no longer listed
    seconds: float

    def lines(self) -> list[str]:
        """Return the report as sentences."""
        failed, codes = sum(self.errors.values()), ", ".join(f"{n:,} {code}" for code, n in self.errors.items())
        classified = f"{self.count - failed:,} classified ({self.unknown:,} as none of these)"
        lines = [f"{self.path}: {self.count:,} files, {classified}, {self.predicted / self.seconds:,.0f} files/s"]
        lines += [f"{failed:,} could not be read, each with the reason in its row: {codes}"] if failed else []
        return lines + ([f"{self.dropped:,} finished earlier are no longer listed: dropped"] if self.dropped else [])


def classify_files(
    source: str | Path | BinaryIO,
    output_path: str | Path = "predictions.csv",
    *,
    model: str | Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    replace: bool = False,
    progress: bool = False,
) -> BatchReport:
    """Classify files into a table with `COLUMNS`, in the order listed. After a kill, the same call resumes.

    In a script, call it under `if __name__ == "__main__":`. A CSV cell that a spreadsheet would run as a formula gets a
    leading apostrophe; bytes of a name that are not UTF-8 become `\\xNN`. A file that kills its worker gets the code
    `crashed`; on a cluster it ends the run. All nodes of a cluster must see the files under the same paths.

    Args:
        source: a folder, searched recursively without hidden names (a link to a folder and an unreadable folder get a
            row with an error); or a text file or binary stream with one path per line, or a NUL after each.
        output_path: the table, `.csv` or `.parquet`.
        model: name or path of a classifier; the best bundled one by default.
        workers: number of processes; one per core by default.
        cluster: use Ray: `"auto"` for this machine's cluster, `"HOST:PORT"`, or `"local"` to start Ray here.
        replace: replace an existing table, or an unfinished run with another classifier.
        progress: show a progress bar.

    Raises:
        ValueError: the source, table, classifier or cluster can't be used, or another process is writing the table.
        OSError: the source can't be read, the table can't be written, or workers don't start.
    """
    started, table = time.monotonic(), Path(output_path)
    part, lock = (table.with_name(table.name + ending) for ending in (".part", ".lock"))
    _check_table(table, replace=replace or part.exists())
    classifier = Classifier.load(model or default_classifier(), threads=1)
    paths = _list_files(source, skipped=(table.name, part.name, lock.name))
    keys = [os.path.join(os.getcwd(), path) for path in paths]  # a run may resume in another folder
    with locks.try_lock(lock) as free, open(part, "a+b") as file:
        if not free:
            raise ValueError(f"Another process is writing {table}. Wait for it, or stop it.")
        offsets = _read_part(file, classifier, replace=replace)
        missing = [key for key in dict.fromkeys(keys) if key not in offsets]
        dropped, size = (
            len(offsets.keys() - set(keys)),
            max(1, min(_CHUNK, _CHUNK_PIXELS // classifier.card.input_size**2)),
        )
        work = [missing[start : start + size] for start in range(0, len(missing), size)], classifier, workers
        run = _run_on_ray(cluster, *work) if cluster and missing else _run_processes(*work)
        bar = progress_bar(total=len(keys), initial=len(keys) - len(missing), unit=" files", shown=progress)
        with bar, contextlib.closing(run):
            for rows in run:
                _append(file, offsets, rows)
                bar.update(len(rows))
        unknown, errors = _write_table(table, file, zip(paths, map(offsets.get, keys), strict=True))
    for path in (part, lock):
        path.unlink(missing_ok=True)
    return BatchReport(table, len(paths), unknown, errors, len(missing), dropped, time.monotonic() - started)


def _check_table(table: Path, *, replace: bool) -> None:
    if table.suffix not in (".csv", ".parquet") or table.is_dir() or not table.absolute().parent.is_dir():
        raise ValueError(f"{table} can't be the table. Give the path of a .csv or .parquet file in an existing folder.")
    if table.exists() and not replace:
        raise ValueError(f"{table} exists already. Name another file (--output), or replace it (--replace).")
    if table.suffix == ".parquet":
        _require("pyarrow.parquet")


def _require(module: str):
    try:
        return importlib.import_module(module)
    except ImportError as error:
        mend = "python -m pip install 'cifar-lab[cluster]'"
        raise ValueError(f"{module.partition('.')[0]} is needed for this, and not installed here: {mend}") from error


def _list_files(source: str | Path | BinaryIO, *, skipped: tuple[str, ...]) -> list[str]:
    """List the paths of a source; bytes that are not UTF-8 become surrogates."""
    paths: list[str] = []
    if isinstance(source, str | Path) and os.path.isdir(source):
        for folder, folders, names in os.walk(source, onerror=lambda error: paths.append(error.filename)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            names += [name for name in folders if os.path.islink(os.path.join(folder, name))]
            shown = sorted(name for name in names if not name.startswith(".") and name not in skipped)
            paths.extend(os.path.join(folder, name) for name in shown)
    else:
        with contextlib.nullcontext(source) if hasattr(source, "read") else open(source, "rb") as stream:
            text, more = stream.read(2**30).decode("utf-8-sig", "surrogateescape"), stream.read(1)
        lines = text.split("\0" if "\0" in text else "\n")
        paths = [path for line in lines if (path := line.removesuffix("\r"))] if not more else []
    if not paths or max(map(len, paths)) > 2**15:
        raise ValueError(f"{source} lists no files. Give a folder, or a text file with one path per line.")
    return paths


def _read_part(file: BinaryIO, classifier: Classifier, *, replace: bool) -> dict[str, int]:
    """Return where the row of each finished file begins."""
    card = json.dumps(classifier.card.content, sort_keys=True).encode()
    header, start = f"{files.sha256_of(card)}\n".encode(), file.seek(0)
    if (first := file.readline()) != header:
        if first.endswith(b"\n") and file.read(1) and not replace:
            raise ValueError(f"{file.name} is from a run with another classifier. Start again with --replace.")
        file.truncate(start)
        file.write(header)
    offsets, start = {}, len(header)
    for line in file:
        with contextlib.suppress(ValueError):  # empty, or torn by a kill
            offsets[json.loads(line)[0]] = start
        start += len(line)
    return offsets


def _append(file: BinaryIO, offsets: dict[str, int], rows: list[list]) -> None:
    end = file.seek(0, os.SEEK_END) + file.write(b"\n")  # ends a line that a kill left torn
    for row in rows:
        offsets[row[0]] = end
        end += file.write(json.dumps(row).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def _write_table(table: Path, file: BinaryIO, places: Iterator[tuple[str, int]]) -> tuple[int, dict[str, int]]:
    """Write the rows at the given offsets; return the number of unknown files, and of unreadable ones by code."""
    counts: Counter = Counter()

    def rows() -> Iterator[list]:
        for path, offset in places:
            file.seek(offset)
            row = json.loads(file.readline())
            counts.update(row[4:6])  # known and code
            yield [os.fsencode(path).decode("utf-8", "backslashreplace"), *row[1:]]

    write = _write_parquet if table.suffix == ".parquet" else _write_csv
    files.write_whole(table, lambda unfinished: write(unfinished, rows()))
    return counts[False], {code: count for code, count in counts.most_common() if isinstance(code, str)}


def _write_csv(path: Path, rows: Iterator[list]) -> None:
    def cell(value):
        formula = isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA)
        return str(value).lower() if isinstance(value, bool) else f"'{value}" if formula else value  # as OWASP advises

    with open(path, "w", encoding="utf-8", newline="") as file:
        # All text is quoted, because spreadsheets in some countries split at semicolons.
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(cell, row) for row in rows)


def _write_parquet(path: Path, rows: Iterator[list]) -> None:
    arrow, types = _require("pyarrow"), ("string", "string", "int32", "float64", "bool", "string", "string")
    schema = arrow.schema(list(zip(COLUMNS, map(arrow.type_for_alias, types), strict=True)))
    with _require("pyarrow.parquet").ParquetWriter(path, schema) as writer:
        while some := [dict(zip(COLUMNS, row, strict=True)) for row in islice(rows, 2**16)]:
            writer.write_table(arrow.Table.from_pylist(some, schema))


def _predict(paths: list[str], key=None) -> list[list]:
    """Return the rows of a chunk, in any order; `key` is that of the classifier in this process."""
    classifier, frames, rows = _classifiers[key], {}, []
    for path in paths:
        try:
            if not os.path.isfile(path):  # reading a pipe would wait forever
                raise PictureError("no_file", "There is no such file, or it is a folder, a pipe or a device.")
            with open(path, "rb") as file:
                frames[path] = classifier.frame(file)
        except (OSError, PictureError) as error:
            code, sentence = getattr(error, "code", "no_file"), getattr(error, "strerror", None) or str(error)
            rows.append([path, None, None, None, None, code, sentence])
    predictions = zip(frames, classifier.predict_frames(list(frames.values()), top=1), strict=True)
    return rows + [[path, p.label, p.index, round(p.score, 6), bool(p.known), None, None] for path, p in predictions]


def _start_worker(classifier: Classifier) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = multiprocessing.parent_process()  # if it is killed, end: otherwise this process would wait forever
    threading.Thread(target=lambda: os._exit(bool(parent.join())), daemon=True).start()
    _classifiers[None] = classifier


def _run_processes(chunks: list[list[str]], classifier: Classifier, workers: int | None) -> Iterator[list[list]]:
    """Yield the rows of chunks. After a worker died, the next files are tried alone, to find the one that killed it."""
    alone, spawn = 0, multiprocessing.get_context("spawn")  # a fork would share the threads of native libraries
    workers = workers or min(machine.cores(), 61)  # the limit on Windows
    while chunks:
        size = 1 if alone else workers
        with ProcessPoolExecutor(size, spawn, _start_worker, (classifier,)) as pool:
            try:
                # Start all now: the pool hangs (as of Python 3.11) if one dies while it starts another.
                list(pool.map(_predict, [[]] * size))
            except BrokenProcessPool as error:
                raise ChildProcessError("Worker processes end when they start. Is there enough memory?") from error
            try:
                for rows in pool.map(_predict, chunks[: alone or None]):
                    del chunks[0]
                    alone = max(alone - 1, 0)
                    yield rows
            except BrokenProcessPool:
                if alone:
                    alone -= 1
                    yield [[*chunks.pop(0), None, None, None, None, "crashed", "Reading it ends the process."]]
                else:
                    suspects = [[path] for chunk in chunks[: 2 * workers] for path in chunk]
                    chunks[: 2 * workers], alone = suspects, len(suspects)


def _run_on_ray(cluster: str, chunks: list, classifier: Classifier, workers: int | None) -> Iterator[list[list]]:
    """Yield the rows of chunks; Ray tries a chunk four times if its worker or node is lost."""
    for name, value in _RAY.items():
        os.environ.setdefault(name, value)
    ray, data, host = _require("ray"), _require("ray.data"), cluster.removeprefix("ray://").rpartition(":")
    local = {"num_cpus": workers or machine.cores(), "include_dashboard": False} if cluster == "local" else {}
    connected = ray.is_initialized()
    try:
        if host[0] and not connected:  # Ray would try for minutes
            socket.create_connection((host[0], int(host[2])), timeout=5).close()
        if not connected:
            ray.init(cluster, logging_level="ERROR", log_to_driver=False, **local)
        items = [{"paths": os.fsencode("\0".join(chunk))} for chunk in chunks]
        options = {"batch_size": 1, "fn_kwargs": {"classifier": ray.put(classifier)}}
        compute = data.TaskPoolStrategy(workers)  # unlike actors, tasks move when a node is lost
        rows = data.from_items(items, override_num_blocks=min(len(items), 10_000))
        for row in rows.map_batches(_predict_on_ray, compute=compute, **options).iter_rows():
            yield json.loads(row["rows"])
    except Exception as error:  # Ray raises errors of any type
        reason = str(error).partition("\n")[0]
        raise ValueError(f"Ray failed at {cluster!r}: {reason} Is a cluster there (ray start --head)?") from error
    finally:
        if not connected:
            ray.shutdown()


def _predict_on_ray(batch: dict, *, classifier) -> dict:
    if classifier not in _classifiers:
        _classifiers[classifier] = _require("ray").get(classifier)
    [paths] = batch["paths"]
    return {"rows": [json.dumps(_predict(os.fsdecode(paths).split("\0"), classifier))]}
