"""Beginning a run, or going on with one: only with the same files and the same classifier."""

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path

from cifar_lab.core import files
from cifar_lab.inference.batch.job import Job

_FORMAT = 1
_LARGEST_PART = 2000  # files: what a core answers in about 20 s, and so what a kill can cost
_SMALLEST_PART = 16
_PARTS = 64  # that a small collection is cut into, so that several workers have something to do


def begin_or_resume(job: Job, paths: Iterable[bytes], model: dict, *, replace: bool, as_listed: bool) -> None:
    """Go on with a run if it is the same, else begin it.

    Args:
        job: the run, locked.
        paths: the files, listed anew.
        model: what the answers follow from besides the pictures.
        replace: a run or table that stands in the way is given up.
        as_listed: the list as it was at the start is taken, and `paths` not looked at.

    Raises:
        ValueError: the run is another, the table is there already, or there are no files.
    """
    found = _read(job.folder / "manifest.json")
    if found is None:
        _check_free(job, replace, as_listed)
    elif found.get("format") != _FORMAT or found["model"] != model:
        if not replace:
            raise _refusal(job, "with another classifier, or with this one before it was changed")
        found = None
    elif as_listed:
        job.manifest = found
        return
    fresh = job.folder / "paths.new"
    manifest = _list(fresh, paths) | {"model": model}
    if found is None or found["list_sha256"] != manifest["list_sha256"]:
        if found is not None and not replace:
            fresh.unlink()
            counts = f"{found['count']:,} files then, {manifest['count']:,} now"
            raise _refusal(job, f"of another list ({counts})", "--as-listed goes on with the list as it was; ")
        job.remove()
        os.replace(fresh, job.folder / "paths")
        files.write_json(job.folder / "manifest.json", manifest)
        found = manifest
    fresh.unlink(missing_ok=True)
    job.manifest = found


def _check_free(job: Job, replace: bool, as_listed: bool) -> None:
    if job.table.exists() and not replace:
        raise ValueError(f"{job.table} is there already. Name another file with --output, or give --replace.")
    if as_listed:
        raise ValueError(f"No unfinished run of {job.table} is here to go on with. Leave out --as-listed.")


def _refusal(job: Job, what: str, way: str = "") -> ValueError:
    return ValueError(f"{job.folder} holds an unfinished run {what}. {way}--replace begins anew.")


def _list(path: Path, paths: Iterable[bytes]) -> dict:
    """Write the list, a NUL behind each path, and say what is in it."""
    base, digest, count = os.getcwd(), hashlib.sha256(), 0
    start = os.fsencode(base)

    def write(unfinished: Path) -> None:
        nonlocal count
        with open(unfinished, "wb") as file:
            for name in paths:
                file.write(name + b"\0")
                digest.update(os.path.join(start, name) + b"\0")  # so that it may be resumed from another folder
                count += 1

    files.write_whole(path, write)
    if not count:
        path.unlink()
        raise ValueError(f"{getattr(paths, 'name', 'The list')} names no file to classify.")
    size = max(_SMALLEST_PART, min(_LARGEST_PART, -(-count // _PARTS)))
    return {"format": _FORMAT, "count": count, "part_size": size, "base": base, "list_sha256": digest.hexdigest()}


def _read(path: Path) -> dict | None:
    """The manifest of a run that was begun, or `None`; what cannot be read is no run."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        wanted = {"count": int, "part_size": int, "base": str, "list_sha256": str, "model": dict}
        return found if all(isinstance(found[name], kind) for name, kind in wanted.items()) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
