"""Read a CSV file of paths and labels, as written by spreadsheets and labelling programs.

The first row names the columns: `path` (or `file`, `filename`, `image`), `label` (or `class`) and optionally `split`.
Paths are relative to the CSV file and must stay inside its folder.
"""

import csv
import os
import stat
from pathlib import Path

from cifar_lab.core.text import printable
from cifar_lab.data.folder.entries import MAX_FILES, SPLIT_NAMES, FolderError, Found, class_name
from cifar_lab.data.folder.problems import Problem

_PATH = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "picture")
_LABEL = ("label", "class", "class_name", "category")
_SPLIT = ("split", "set", "subset")


def read_csv(path: Path) -> tuple[list[Found], list[Problem]]:
    """Read a CSV file; return the files it lists, and the rows that can't be used.

    Raises:
        FolderError: it is not a CSV file of paths and labels.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:  # "-sig": Excel writes a byte order mark
            rows = csv.reader(file, delimiter=_delimiter(file.readline()))
            file.seek(0)
            columns = _columns(path, next(rows, []))
            found, problems = [], []
            for row in filter(None, rows):
                one = _row(path.parent, row, columns)
                (problems if isinstance(one, Problem) else found).append(one)
                if rows.line_num > MAX_FILES:
                    raise FolderError(f"{path.name} has more than {MAX_FILES:,} rows. Split it into smaller files.")
    except UnicodeDecodeError as error:
        raise FolderError(f"{path.name} is not UTF-8 text. Save it as CSV UTF-8.") from error
    except (OSError, csv.Error) as error:
        raise FolderError(f"{path.name} cannot be read as a CSV file: {error}.") from error
    return found, problems


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _columns(path: Path, header: list[str]) -> tuple[int, int, int | None]:
    names = [name.strip().lower() for name in header]
    of_path, of_label, of_split = (
        next((names.index(name) for name in known if name in names), None) for known in (_PATH, _LABEL, _SPLIT)
    )
    if of_path is None or of_label is None:
        found = ", ".join(printable(name)[:30] for name in header[:8]) or "nothing"
        raise FolderError(f"The first row of {path.name} must name the columns path and label, but it has: {found}.")
    return of_path, of_label, of_split


def _row(root: Path, row: list[str], columns: tuple[int, int, int | None]) -> Found | Problem:
    of_path, of_label, of_split = columns
    cells = [cell.strip() for cell in row] + [""] * (max(column or 0 for column in columns) + 1 - len(row))
    path = _inside(root, cells[of_path])
    if path is None:
        return Problem(cells[of_path], "outside")
    if not class_name(cells[of_label]):
        return Problem(path, "no_class", "Its row has no label.")
    split = cells[of_split].lower() if of_split is not None else ""
    if split and split not in SPLIT_NAMES:
        return Problem(
            path, "no_class", f"Its split is {printable(split)[:30]!r} instead of one of {', '.join(SPLIT_NAMES)}."
        )
    try:
        status = os.stat(root / path)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return Problem(path, "missing")
    if not stat.S_ISREG(status.st_mode):
        return Problem(path, "unreadable", "It is not a regular file.")
    return Found(path, class_name(cells[of_label]), SPLIT_NAMES.get(split, ""), status.st_size, status.st_mtime_ns)


def _inside(root: Path, cell: str) -> str | None:
    """Return the path of a cell relative to `root`, or `None` if it leaves it. Windows' `\\` is read as `/`."""
    if "\\" in cell and not os.path.lexists(root / cell):
        cell = cell.replace("\\", "/")
    path = os.path.relpath(os.path.normpath(root.absolute() / cell), root.absolute()).replace(os.sep, "/")
    return None if path == ".." or path.startswith("../") or os.path.isabs(path) or path[1:2] == ":" else path
