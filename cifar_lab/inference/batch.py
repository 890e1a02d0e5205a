"""Classify any number of pictures into a CSV or Parquet table, on all cores or on a Ray cluster.

Finished rows are kept in a file next to the table, `predictions.csv.part`, from which a run that was killed resumes.
"""

import csv
import json
import multiprocessing
import os
import queue
import signal
import socket
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO, TextIO

from cifar_lab.core import files, locks, machine
from cifar_lab.core.progress import progress_bar
from cifar_lab.images import PictureError
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import default_classifier

_COLUMNS = {"path": "string", "label": "string", "index": "int32", "score": "float64", "known": "bool"}
_COLUMNS |= {"code": "string", "error": "string"}
_CHUNK = 32  # files that a worker takes at a time
_RAY = {"RAY_DATA_DISABLE_PROGRESS_BARS": "1", "RAY_DATA_LOG_LEVEL": "ERROR", "RAY_USAGE_STATS_ENABLED": "0"}
_of_worker: list[Classifier] = []  # the classifier of this worker process


def classify_files(
    source: str | Path | BinaryIO,
    output_path: str | Path = "predictions.csv",
    *,
    model: str | Path | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    replace: bool = False,
) -> Counter:
    """Classify files into a table: one row per file, in the order listed. After a kill, the same call resumes.

    Columns: path, label, index, score, known; or code and error if the file can't be read (`crashed`: it killed its
    worker; on a cluster this ends the run). A CSV cell that a spreadsheet would run as a formula gets an apostrophe in
    front; bytes of a name that are not UTF-8 become `\\xNN`. A million files take 0.5 GB of memory. A resumed run
    ignores finished files that are no longer listed. In a script, call this under `if __name__ == "__main__":`.

    Args:
        source: a folder, searched recursively without hidden names and links to folders; or a text file or binary
            stream of paths, one per line or each followed by NUL.
        output_path: the table, `.csv` or `.parquet`.
        model: name or path of a classifier; the best bundled one by default.
        workers: number of processes; one per core by default.
        cluster: use Ray: `"auto"`, `"HOST:PORT"`, or `"local"` to start it here. All nodes must see the same paths.
        replace: replace an existing table, or an unfinished run with another classifier.

    Returns:
        The number of files by outcome: `"known"`, `"unknown"` ("none of these"), or the code of an error.

    Raises:
        ValueError: the source, table, classifier or cluster can't be used, or another process is writing the table.
        OSError: the source can't be read, the table can't be written, or workers don't start.
    """
    table = Path(output_path)
    part, lock = (table.with_name(table.name + ending) for ending in (".part", ".lock"))
    _check(table, cluster, replace=replace or part.exists())
    classifier = Classifier.load(model or default_classifier(), threads=1)
    paths = _list_files(source, skip=(table.name, part.name, lock.name))
    keys = [os.path.join(os.getcwd(), path) for path in paths]  # a run may resume in another folder
    with locks.try_lock(lock) as free, open(part, "a+", encoding="utf-8") as file:
        if not free:
            raise ValueError(f"Another process is writing {table}. Wait for it, or stop it.")
        finished = _read_part(file, classifier, replace=replace)
        missing = [key for key in dict.fromkeys(keys) if key not in finished]
        work = [missing[start : start + _CHUNK] for start in range(0, len(missing), _CHUNK)]
        run = _on_ray(work, classifier, workers, cluster) if cluster and work else _on_cores(work, classifier, workers)
        with progress_bar(total=len(keys), initial=len(keys) - len(missing), unit=" files") as bar, closing(run):
            for rows in run:
                finished |= rows
                print(json.dumps(rows), file=file, flush=True)
                bar.update(len(rows))
        files.write_whole(table, lambda path: _write_table(path, zip(paths, map(finished.get, keys), strict=True)))
    for path in (part, lock):
        path.unlink(missing_ok=True)
    return Counter(code or ("known" if known else "unknown") for *_, known, code, _ in map(finished.get, keys))


def _check(table: Path, cluster: str | None, *, replace: bool) -> None:
    if table.suffix not in (".csv", ".parquet") or table.is_dir():
        raise ValueError(f"{table} can't be the table. Give the path of a .csv or .parquet file.")
    if table.exists() and not replace:
        raise ValueError(f"{table} exists already. Name another file (--output), or replace it (--replace).")
    for package, needed in {"pyarrow": table.suffix == ".parquet", "ray": cluster}.items():
        if needed and not find_spec(package):
            raise ValueError(f"{package} is needed. Install: python -m pip install -e '.[cluster]' -c constraints.txt")


def _list_files(source: str | Path | BinaryIO, *, skip: tuple[str, ...]) -> list[str]:
    """List the paths of a source, without hidden names and the table; bytes that are not UTF-8 become surrogates."""
    paths: list[str] = []
    if isinstance(source, str | Path) and os.path.isdir(source):
        for folder, folders, names in os.walk(source, onerror=lambda error: paths.append(error.filename)):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            paths.extend(os.path.join(folder, name) for name in sorted(names) if name[0] != "." and name not in skip)
    else:
        content = source.read() if hasattr(source, "read") else Path(source).read_bytes()
        lines = content.split(b"\0") if b"\0" in content else content.removeprefix(b"\xef\xbb\xbf").splitlines()
        paths = [line.decode("utf-8", "surrogateescape") for line in lines if line]
    if not paths:
        raise ValueError(f"{source} lists no files. Give a folder, or a text file with one path per line.")
    return paths


def _read_part(file: TextIO, classifier: Classifier, *, replace: bool) -> dict[str, list]:
    """Return the finished rows by path, from the lines after the hash of the classifier; get ready to append more."""
    header = files.sha256_of(json.dumps(classifier.card.content, sort_keys=True).encode()) + "\n"
    file.seek(0)
    lines, finished = file.readlines(), {}
    if lines[:1] != [header]:
        if len(lines) > 1 and not replace:
            raise ValueError(f"{file.name} is from a run with another classifier. Start again with --replace.")
        file.truncate(0)
        lines = []
    file.write("\n" if lines else header)  # ends a line that a kill left torn
    for line in lines[1:]:
        with suppress(ValueError):  # empty or torn
            finished |= json.loads(line)
    return finished


def _write_table(table: Path, found: Iterable[tuple[str, list]]) -> None:
    rows = ([os.fsencode(path).decode("utf-8", "backslashreplace"), *cells] for path, cells in found)
    if table.suffix == ".parquet":
        import pyarrow.parquet

        columns = dict(zip(_COLUMNS, zip(*rows, strict=True), strict=True))
        pyarrow.parquet.write_table(pyarrow.table(columns, schema=pyarrow.schema(_COLUMNS)), table)
        return
    with open(table, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
        writer.writerow(_COLUMNS)
        writer.writerows(map(_csv_cell, row) for row in rows)


def _csv_cell(value):
    formula = isinstance(value, str) and value.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠"))  # as OWASP advises
    return f"'{value}" if formula else value


def _predict(paths: list[str], classifier: Classifier | None = None) -> dict[str, list]:
    """Return the cells of each file; by default with the classifier of this worker."""
    classifier, frames, rows = classifier or _of_worker[0], {}, {}
    for path in paths:
        try:
            if not os.path.isfile(path):  # reading a pipe would wait forever
                raise PictureError("no_file", "There is no such file, or it is a folder, a pipe or a device.")
            with open(path, "rb") as file:
                frames[path] = classifier.frame(file)
        except (OSError, PictureError) as error:
            code, sentence = getattr(error, "code", "no_file"), getattr(error, "strerror", None) or str(error)
            rows[path] = [None, None, None, None, code, sentence]
    for path, found in zip(frames, classifier.predict_frames(list(frames.values()), top=1), strict=True):
        rows[path] = [found.label, found.index, round(found.score, 6), bool(found.known), None, None]
    return rows


def _on_cores(chunks: list[list[str]], classifier: Classifier, workers: int | None) -> Iterator[dict[str, list]]:
    """Yield the rows of chunks. Every process has a pool of its own, which shows which chunk it died of."""
    workers, pools, idle = workers or machine.cores(), ExitStack(), queue.SimpleQueue()
    folder = classifier.card.folder  # not the classifier: starting hangs if a worker ends before it has read 64 KiB
    spawn = multiprocessing.get_context("spawn")  # a fork would share the threads of native libraries

    def predict(chunk: list[str]) -> dict[str, list]:
        pool, started = idle.get(), False
        try:
            pool = pool or pools.enter_context(ProcessPoolExecutor(1, spawn, _start_worker, (folder,)))
            started = pool.submit(os.getpid).result()
            return pool.submit(_predict, chunk).result()
        except BrokenExecutor as error:
            pool = None
            if not started:
                raise ChildProcessError("A worker process ended while starting. Is there enough memory?") from error
        finally:
            idle.put(pool)
        if len(chunk) > 1:
            return {path: predict([path])[path] for path in chunk}
        return {chunk[0]: [None] * 4 + ["crashed", "Reading this file ended the process. Remove or convert it."]}

    for _ in range(workers):
        idle.put(None)
    with pools, ThreadPoolExecutor(workers) as threads:
        yield from threads.map(predict, chunks)


def _start_worker(folder: Path) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = multiprocessing.parent_process()  # if it is killed, end: otherwise this process would wait forever
    threading.Thread(target=lambda: os._exit(bool(parent.join())), daemon=True).start()
    _of_worker.append(Classifier.load(folder, threads=1))


def _on_ray(chunks: list, classifier: Classifier, workers: int | None, cluster: str) -> Iterator[dict[str, list]]:
    """Yield the rows of chunks; Ray tries a chunk four times if its worker or node is lost."""
    os.environ.update(_RAY | os.environ)
    import ray.data

    def predict(row: dict) -> dict:
        return {"rows": json.dumps(_predict(json.loads(row["item"]), classifier))}

    compute = ray.data.TaskPoolStrategy(workers)  # unlike actors, tasks move when a node is lost
    try:
        if ":" in cluster:  # Ray would try for minutes
            socket.create_connection(cluster.rsplit(":", 1), timeout=5).close()
        with ray.init(cluster, logging_level="ERROR", log_to_driver=False):
            items = ray.data.from_items(list(map(json.dumps, chunks)), override_num_blocks=min(len(chunks), 10_000))
            for row in items.map(predict, compute=compute).iter_rows():
                yield json.loads(row["rows"])
    except Exception as error:  # Ray raises errors of any type
        reason = str(error).partition("\n")[0]
        raise ValueError(f"Ray failed at {cluster!r} (is a cluster there? ray start --head): {reason}") from error
