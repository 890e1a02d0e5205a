"""A run that can be killed: the list of files, fixed at the start, and each part of it that is answered.

They lie in a folder beside the table: `manifest.json` says what the run is about, `paths` holds the list, and
`part-000000.json` the answers for the first files of it. Each is there whole or not at all.
"""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

from cifar_lab.core import files
from cifar_lab.core.locks import try_lock
from cifar_lab.inference.batch.listing import blocks, split


class Job:
    """The unfinished run that belongs to a table; `beginning` fills in its manifest.

    Attributes:
        table: the file that the answers end in.
        folder: where the run is kept until then.
        manifest: what the run is about: `count` files, `part_size` of them in a part, `base` (the folder that
            relative paths start from), `list_sha256`, and the `model`.
    """

    def __init__(self, table: Path):
        """Name the run; nothing is read or written yet."""
        self.table = table
        self.folder = table.with_name(table.name + ".parts")
        self.manifest: dict = {}

    @property
    def count(self) -> int:
        """How many files the list names."""
        return self.manifest["count"]

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes away from this run meanwhile.

        Raises:
            ValueError: another process is at it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        got = False
        try:
            with try_lock(self.folder / "lock") as got:
                if not got:
                    raise ValueError(f"Another process is writing {self.table} just now. Wait for it, or stop it.")
                yield
        finally:
            if got and [path.name for path in self.folder.iterdir()] == ["lock"]:
                with suppress(OSError):  # somebody else has taken it up meanwhile
                    (self.folder / "lock").unlink()
                    self.folder.rmdir()

    def count_done(self) -> int:
        """How many files have their answers."""
        size, last = self.manifest["part_size"], (self.count - 1) // self.manifest["part_size"]
        whole = sum(self._part(number).exists() for number in range(last)) * size
        return whole + (self.count - last * size if self._part(last).exists() else 0)

    def missing(self) -> Iterator[tuple[int, list[bytes]]]:
        """The parts without answers: the number of each, and its files from the root."""
        base = os.fsencode(self.manifest["base"])
        for number, paths in self._parts():
            if not self._part(number).exists():
                yield number, [os.path.join(base, path) for path in paths]

    def keep(self, number: int, answers: list[list]) -> None:
        """Keep what `answering.answer` gave for a part."""
        text = json.dumps(answers, allow_nan=False)
        files.write_whole(self._part(number), lambda unfinished: unfinished.write_text(text, encoding="utf-8"))

    def answered(self) -> Iterator[tuple[bytes, list]]:
        """Every file as the list names it, in order, with its answer.

        Raises:
            ValueError: a part was damaged since. It is removed, so that the next run answers it anew.
        """
        for number, paths in self._parts():
            try:
                answers = json.loads(self._part(number).read_text(encoding="utf-8"))
                pairs = list(zip(paths, answers, strict=True))
            except (ValueError, TypeError) as error:
                self._part(number).unlink()
                raise ValueError(
                    f"A part of the answers in {self.folder} was damaged, and is removed. "
                    "The same command answers that part again."
                ) from error
            yield from pairs

    def remove(self) -> None:
        """Remove what is this run's from its folder, and nothing else."""
        (self.folder / "manifest.json").unlink(missing_ok=True)  # first: without it the rest is not gone on with
        for pattern in ("paths", "part-*.json", ".*.part", ".*.part.*"):
            for path in self.folder.glob(pattern):
                path.unlink()

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:06d}.json"

    def _parts(self) -> Iterator[tuple[int, list[bytes]]]:
        with open(self.folder / "paths", "rb") as file:
            paths, number = split(blocks(file), b"\0"), 0
            while part := list(islice(paths, self.manifest["part_size"])):
                yield number, part
                number += 1
