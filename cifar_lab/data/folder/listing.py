"""List the files of a folder of pictures with their classes and splits, without opening them.

A folder has one subfolder per class; or `train`, `validation` (or `val`) and `test`, each with one subfolder per class.
The result does not depend on the order of the file system. Files left behind by other programs are ignored, and a link
that leads back into its own folder is followed once.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cifar_lab.core.progress import progress_bar
from cifar_lab.core.text import printable
from cifar_lab.data.folder import csv_labels
from cifar_lab.data.folder.entries import MAX_FILES, SPLIT_NAMES, FolderError, Found, class_name
from cifar_lab.data.folder.problems import Problem

MAX_CLASSES = 1_000
# Left in folders by Windows, macOS and network drives; names that begin with a dot are ignored too.
_IGNORED = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin"}
_UNPACK = "Unpack it first, and give the folder."


class Entry(NamedTuple):
    """A file that may be a picture: its path relative to the root, its class and its split ("" if it has none)."""

    path: str
    label: int
    split: str
    size: int  # bytes
    changed: int  # nanoseconds


@dataclass(frozen=True)
class FolderListing:
    """The files of a folder.

    Attributes:
        name: the folder's own name, without the path to it.
        root: the folder that the paths of the entries are relative to.
        class_names: sorted.
        entries: the listed files, sorted by split, class and path.
        problems: the files that are left out, with the reason.
        notes: remarks for the user, in sentences.
    """

    name: str
    root: Path
    class_names: tuple[str, ...]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def divided(self) -> bool:
        """Whether the folder comes with splits."""
        return any(entry.split for entry in self.entries)


def list_folder(path: str | Path, *, progress: bool = True) -> FolderListing:
    """List the pictures of a folder with one subfolder per class, or of a CSV file of paths and labels.

    Raises:
        FolderError: the folder does not exist, or has fewer than two classes.
    """
    place = Path(path).expanduser()
    if place.is_file():
        if place.suffix.lower() != ".csv":
            hint = _UNPACK if place.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar") else ""
            expected = "a folder with one subfolder per class or a CSV file"
            raise FolderError(f"{path} is a file, but {expected} is expected. {hint}".rstrip())
        return listing(place, place.parent, *csv_labels.read_csv(place), ())
    if not place.is_dir():
        raise FolderError(
            f"There is no folder or CSV file '{printable(str(path))}'. Check the spelling and the working directory."
        )
    found, problems, notes = _list_entries(place, progress)
    return listing(place, place, found, problems, notes)


def listing(place: Path, root: Path, found: list[Found], problems: list[Problem], notes) -> FolderListing:
    """Number the classes and sort the entries.

    Raises:
        FolderError: there are fewer than two classes, or more than `MAX_CLASSES`.
    """
    names = sorted({one.class_name for one in found})
    _check_classes(place, names)
    number = {name: label for label, name in enumerate(names)}
    divided = any(one.split for one in found)  # then rows of a CSV file without a split belong to train
    entries = sorted(
        (one.split or "train" * divided, number[one.class_name], one.path, one.size, one.changed) for one in found
    )
    same = [name for name in names if sum(name.casefold() == other.casefold() for other in names) > 1]
    if same:
        notes = (*notes, f"These classes differ in capital letters only and may be the same: {', '.join(same)}.")
    return FolderListing(
        name=_own_name(place),
        root=root,
        class_names=tuple(names),
        entries=tuple(Entry(path, label, split, size, changed) for split, label, path, size, changed in entries),
        problems=tuple(sorted(problems)),
        notes=tuple(notes),
    )


def _check_classes(place: Path, names: list[str]) -> None:
    if len(names) > MAX_CLASSES:
        raise FolderError(
            f"{printable(str(place))} has {len(names):,} classes; the limit is {MAX_CLASSES:,}. Check the labels."
        )
    if not names:
        raise FolderError(
            f"{printable(str(place))} has no file in any class. Put pictures into one subfolder per class."
        )
    if len(names) == 1:
        inside = place / names[0]  # archives often hold everything in one folder
        hint = f" Did you mean {printable(str(inside))}?" if inside.is_dir() and len(_contents(inside)[0]) > 1 else ""
        raise FolderError(
            f"{printable(str(place))} has only one class, {names[0]!r}. A classifier needs two or more.{hint}"
        )


def _own_name(place: Path) -> str:
    """Return the name of a folder, or of a CSV file without its extension; never the path to it."""
    place = place.resolve()
    return class_name(place.stem if place.is_file() else place.name)[:60] or "pictures"


def _list_entries(place: Path, progress: bool) -> tuple[list[Found], list[Problem], list[str]]:
    roots, problems, notes = _roots(place)
    found = []
    with progress_bar(unit="file", desc="listing", shown=progress) as files_bar:
        for folder, prefix, split in roots:
            classes, loose = _contents(folder)
            _check_subfolders(folder, classes, loose, split, notes)
            problems += [_loose(prefix + name) for name in loose]
            for name in classes:
                for one in _walk(folder / name, prefix + name, class_name(name), split):
                    files_bar.update()
                    (problems if isinstance(one, Problem) else found).append(one)
                if len(found) > MAX_FILES:
                    raise FolderError(
                        f"{printable(str(place))} has more than {MAX_FILES:,} files. Load a part of them."
                    )
    return found, problems, notes


def _roots(place: Path) -> tuple[list[tuple[Path, str, str]], list[Problem], list[str]]:
    """Return the folders whose subfolders are classes: `place` itself, or its subfolders named after the splits."""
    folders, loose = _contents(place)
    splits = {name: SPLIT_NAMES[name.lower()] for name in folders if name.lower() in SPLIT_NAMES}
    if len(splits) < 2 or "train" not in splits.values():
        return [(place, "", "")], [], []
    notes = [f"Left out: {printable(name)}, which is not a split." for name in folders if name not in splits]
    roots = [(place / name, f"{name}/", split) for name, split in splits.items()]
    return roots, [_loose(name) for name in loose], notes


def _check_subfolders(folder: Path, classes: list[str], loose: list[str], split: str, notes: list[str]) -> None:
    """Raise if `folder` has no usable classes; a test or validation folder without classes only gets a note."""
    place = printable(str(folder))
    if len(classes) > MAX_CLASSES:
        raise FolderError(
            f"{place} has {len(classes):,} subfolders, and each would be a class; the limit is {MAX_CLASSES:,}. "
            "Give the folder whose subfolders are the classes."
        )
    if classes:
        return
    if split in ("validation", "test"):
        notes.append(f"Left out: {printable(folder.name)}, which has no class subfolders.")
        return
    found = f"{len(loose):,} files, but no subfolder" if loose else "neither files nor subfolders"
    raise FolderError(f"{place} has {found}. Make one subfolder per class, and put its pictures there.")


def _loose(path: str) -> Problem:
    hint = "Its name contains a Windows path: unpack the archive with another program." if "\\" in path else ""
    return Problem(path, "no_class", hint)


def _contents(folder: Path) -> tuple[list[str], list[str]]:
    """Return the names of the subfolders and of the files in a folder, both sorted, without ignored ones."""
    try:
        names = sorted(name for name in os.listdir(folder) if not _is_ignored(name))
    except OSError as error:
        raise FolderError(f"{printable(str(folder))} cannot be read: {error.strerror}.") from error
    folders = [name for name in names if (folder / name).is_dir()]
    return folders, sorted(set(names) - set(folders))


def _is_ignored(name: str) -> bool:
    return name.startswith(".") or name.lower() in _IGNORED


def _walk(folder: Path, prefix: str, class_name: str, split: str) -> Iterator[Found | Problem]:
    """Yield all files below the folder of a class, or their problems."""
    waiting, seen = [(folder, prefix)], set()
    while waiting:
        folder, prefix = waiting.pop()
        try:
            status = os.stat(folder)
            names = sorted(os.listdir(folder)) if (status.st_dev, status.st_ino) not in seen else []
        except OSError as error:
            yield Problem(prefix, "unreadable", f"{error.strerror}.")
            continue
        seen.add((status.st_dev, status.st_ino))  # a link back to it is not followed
        for name in names:
            if _is_ignored(name):
                continue
            path = f"{prefix}/{name}"
            try:
                status = os.stat(folder / name)
            except OSError as error:  # a broken or circular link
                yield Problem(path, "unreadable", f"{error.strerror}.")
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append((folder / name, path))
            elif stat.S_ISREG(status.st_mode):
                yield Found(path, class_name, split, status.st_size, status.st_mtime_ns)
            else:  # a pipe or a device: opening it might block forever
                yield Problem(path, "unreadable", "It is not a regular file.")
