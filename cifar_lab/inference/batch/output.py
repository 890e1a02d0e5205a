"""The table: a row for each file, as CSV or Parquet, and the counts of what became of them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cifar_lab.core import files
from cifar_lab.core.progress import progress_bar
from cifar_lab.inference.batch.job import Job

_ROWS = 65_536  # written at once
# What spreadsheets take for the beginning of a formula, the wide forms too; and what they skip before it.
_FORMULA = tuple("=+-@＝＋－＠\t\r\n")


class PredictionRow(NamedTuple):
    """One file: the first five fields if it was answered, `code` and `error` if not."""

    path: str
    label: str | None = None
    index: int | None = None
    score: float | None = None
    known: bool | None = None
    code: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class BatchReport:
    """What became of the pictures.

    Attributes:
        path: the table.
        count: how many files the list named; each has one row.
        answered: how many of them were answered.
        unknown: how many of those are "none of these".
        broken: how many could not be read, by the code that says why, the most frequent first.
    """

    path: Path
    count: int
    answered: int
    unknown: int
    broken: dict[str, int]

    def lines(self) -> list[str]:
        """The report as sentences."""
        lines = [f"{self.path}: {self.count:,} files, {self.answered:,} answered ({self.unknown:,} as none of these)"]
        if self.broken:
            kinds = ", ".join(f"{count:,} {code}" for code, count in self.broken.items())
            lines.append(f"{self.count - self.answered:,} could not be read, each with the reason in its row: {kinds}")
        return lines


def check_table_path(path: Path) -> None:
    """Find out before the work whether the table can be written.

    Raises:
        ValueError: it has another ending than `.csv` or `.parquet`, is a folder, or pyarrow is missing.
    """
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise ValueError(f"The answers can go to a .csv or a .parquet file, but not to {path.name!r}.")
    if path.is_dir():
        raise ValueError(f"{path} is a folder. Name a file for the answers, such as {path / 'answers.csv'}.")
    if path.suffix.lower() == ".parquet":
        try:
            import pyarrow.parquet  # noqa: F401
        except ImportError as error:
            mend = "python -m pip install -e '.[cluster]' -c constraints.txt"
            raise ValueError(
                f"Parquet needs pyarrow, which is not installed here: {mend}. A .csv needs nothing."
            ) from error


def write_table(job: Job, class_names: tuple[str, ...], *, progress: bool = False) -> BatchReport:
    """Write the table of a run whose parts are all there, whole or not at all.

    Args:
        job: the run.
        class_names: the label of each index.
        progress: show a progress bar.
    """
    counts: Counter = Counter()

    def counted() -> Iterator[PredictionRow]:
        for path, answer in progress_bar(job.answered(), total=job.count, unit=" row", desc="Writing", shown=progress):
            row = _row(path, answer, class_names)
            counts[row.code] += 1
            counts["unknown"] += row.known is False
            yield row

    fill = _fill_parquet if job.table.suffix.lower() == ".parquet" else _fill_csv
    whole = job.folder / f"table{job.table.suffix}"  # in there, a kill leaves no half table lying about
    files.write_whole(whole, lambda unfinished: fill(unfinished, counted()))
    os.replace(whole, job.table)
    answered, unknown = counts.pop(None, 0), counts.pop("unknown")
    return BatchReport(job.table, job.count, answered, unknown, dict(counts.most_common()))


def _row(path: bytes, answer: list, class_names: tuple[str, ...]) -> PredictionRow:
    shown = path.decode("utf-8", "backslashreplace")  # bytes that are no UTF-8 as \xNN: a table is text
    if len(answer) == 2:
        return PredictionRow(shown, code=answer[0], error=answer[1])
    index, score, known = answer
    return PredictionRow(shown, class_names[index], index, score, known)


def _fill_csv(path: Path, rows: Iterable[PredictionRow]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(",".join(PredictionRow._fields) + "\n")
        file.writelines(csv_line(row) for row in rows)


def csv_line(row: PredictionRow) -> str:
    r"""A row as RFC 4180 has it, with `\n` at its end, and without what a spreadsheet would run as a formula.

    A relative path such as `=cmd.jpg` is written `./=cmd.jpg`, which is the same file. A class name that begins so
    gets the apostrophe in front that spreadsheets take for "this is text"; its index tells which one is meant.
    """
    path = f"./{row.path}" if row.path.lstrip(" ").startswith(_FORMULA) else row.path
    label = f"'{row.label}" if row.label and row.label.lstrip(" ").startswith(_FORMULA) else row.label or ""
    if row.code is not None:
        return f"{_quoted(path)},,,,,{row.code},{_quoted(row.error)}\n"
    known = "true" if row.known else "false"
    return f"{_quoted(path)},{_quoted(label)},{row.index},{np.float32(row.score)!s},{known},,\n"


def _quoted(text: str) -> str:
    plain = not any(character in text for character in ',;"\r\n\t') and text == text.strip()
    return text if plain else '"' + text.replace('"', '""') + '"'


def _fill_parquet(path: Path, rows: Iterable[PredictionRow]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    types = (pa.string(), pa.string(), pa.int32(), pa.float32(), pa.bool_(), pa.string(), pa.string())
    schema = pa.schema(list(zip(PredictionRow._fields, types, strict=True)))
    with parquet.ParquetWriter(path, schema) as writer:
        rows = iter(rows)
        while some := list(islice(rows, _ROWS)):
            columns = zip(*some, strict=True)
            writer.write_table(pa.table([pa.array(c, t) for c, t in zip(columns, types, strict=True)], schema))
