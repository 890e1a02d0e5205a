"""What comes in with a request: read within limits, and kept only where a folder for it was named."""

import io
import json
import threading
import time
from pathlib import Path

from flask import Request, abort
from werkzeug.datastructures import FileStorage

from app.errors import Refusal
from app.settings import MAX_FILES
from cifar_lab import files, formats

_lock = threading.Lock()


def read(request: Request) -> list[FileStorage]:
    """The files of a request, its fields `file` or its raw `image/*` body; a `Refusal` when that can't be."""
    if request.mimetype.startswith("image/"):
        return [FileStorage(io.BytesIO(request.get_data()))]
    if request.mimetype == "multipart/form-data" and not request.files and not request.form:
        abort(400)  # a body that breaks off looks like an empty form
    found = [file for file in request.files.getlist("file") if file.filename]
    if not found:
        raise Refusal(400, "no_file", "No picture came with the request. Choose one; its form field is named 'file'.")
    if len(found) > MAX_FILES:
        raise Refusal(413, "too_many_files", f"{len(found)} files came, and the limit is {MAX_FILES}. Send fewer.")
    return found


def keep(content: bytes, facts: dict, folder: Path, limit: int) -> None:
    """Keep a file under its SHA-256, and a line of JSON on it, unless the folder would grow beyond its limit."""
    digest = files.sha256_of(content)
    path = folder / f"{digest}.{formats.recognise(content).lower()}"
    line = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "sha256": digest, **facts}
    with _lock:
        folder.mkdir(parents=True, exist_ok=True)
        if sum(file.stat().st_size for file in folder.iterdir()) + len(content) > limit:
            return
        if not path.exists():
            files.write_whole(path, lambda unfinished: unfinished.write_bytes(content))
        with open(folder / "uploads.jsonl", "ab", buffering=0) as lines:
            lines.write(json.dumps(line).encode() + b"\n")
