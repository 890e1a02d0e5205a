"""Store uploads, to learn from them later. Off unless a folder is named."""

import json
import threading
import time
from pathlib import Path

from flask import current_app

from cifar_lab.core import files


class UploadStore:
    """A folder for uploads, each named by its SHA-256, and a line of JSON per prediction, until it is full.

    The limit holds for one process: several may together use as many times the space.
    """

    def __init__(self, folder: str, megabytes: int):
        self._folder, self._lock = Path(folder), threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._room = megabytes * 10**6 - sum(file.stat().st_size for file in self._folder.iterdir())

    def add(self, sent: list, model: str, answers: list[dict]) -> None:
        """Store the files that were classified, and their predictions. A folder that fails is logged, not an error."""
        try:
            for file, said in zip(sent, answers, strict=True):
                if "error" not in said:
                    self._add_one(file, model, said)
        except OSError as error:
            current_app.logger.error("not stored: %s", error)

    def _add_one(self, file, model: str, said: dict) -> None:
        file.seek(0)
        content = file.read()
        digest = files.sha256_of(content)
        path = self._folder / f"{digest}.{said['input']['format'].lower()}"
        facts = {"time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "sha256": digest, "model": model}
        line = json.dumps(facts | {name: said[name] for name in ("label", "score", "known")}).encode() + b"\n"
        with self._lock:
            needed = len(line) + (0 if path.exists() else len(content))
            if needed <= self._room:
                self._room -= needed
                files.write_whole(path, lambda unfinished: unfinished.write_bytes(content))
                with open(self._folder / "uploads.jsonl", "ab", buffering=0) as lines:
                    lines.write(line)
