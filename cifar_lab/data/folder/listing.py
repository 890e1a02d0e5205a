"""Which files a folder of pictures holds, and of which class and split each is. No file is opened here.

A folder has a subfolder a class; or `train`, `validation` (or `val`) and `test`, each with a subfolder a class. The
order in which the file system names its files does not matter, what other programs leave behind is passed over, and a
link that leads back into its own folder is followed once.
"""

import os
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cifar_lab.core.progress import progress_bar
from cifar_lab.data.folder.problems import Problem, shown

MAX_CLASSES = 1_000
MAX_FILES = 1_000_000
SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "valid"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
# What Windows, macOS and network drives leave in folders; names that begin with a dot are passed over too.
_LEFT_BEHIND = {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx", "@eadir", "$recycle.bin"}
_UNPACK = "Unpack it first, and give the folder."


class FolderError(ValueError):
    """A folder that can't be learnt from, with a sentence that says what was found and what to do."""


class Entry(NamedTuple):
    """A file that may be a picture: its path relative to the root, its class, its split ("" when it has none yet)."""

    path: str
    label: int
    split: str
    size: int  # bytes
    changed: int  # nanoseconds


@dataclass(frozen=True)
class FolderListing:
    """What lies in a folder.

    Attributes:
        name: the folder's own name, without the path to it.
        root: what the paths of the entries are relative to.
        class_names: sorted.
        entries: sorted by split, class and path.
        problems: files that are no entries, with the reason.
        notes: sentences for the reader.
    """

    name: str
    root: Path
    class_names: tuple[str, ...]
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]

    @property
    def divided(self) -> bool:
        """Whether the pictures come in splits already."""
        return any(entry.split for entry in self.entries)


class Found(NamedTuple):
    """A file before its class has a number."""

    path: str
    class_name: str
    split: str
    size: int  # bytes
    changed: int  # nanoseconds


def list_folder(path: str | Path, *, progress: bool = True) -> FolderListing:
    """List the pictures of a folder with a subfolder a class, or of a CSV file of paths and labels.

    Raises:
        FolderError: there is no such folder, or it has not two classes.
    """
    place = Path(path).expanduser()
    if place.is_file():
        if place.suffix.lower() != ".csv":
            what = _UNPACK if place.suffix.lower() in (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar") else ""
            raise FolderError(f"{path} is a file, not a folder with a subfolder a class or a CSV file. {what}".rstrip())
        from cifar_lab.data.folder import csv_labels

        return listing(place, place.parent, *csv_labels.read_csv(place), ())
    if not place.is_dir():
        raise FolderError(
            f"There is no folder or CSV file '{shown(str(path))}'. Look at the spelling, and at where you are."
        )
    found, problems, notes = _look_into(place, progress)
    return listing(place, place, found, problems, notes)


def listing(place: Path, root: Path, found: list[Found], problems: list[Problem], notes) -> FolderListing:
    """Give the classes their numbers, and everything its order.

    Raises:
        FolderError: there are fewer than two classes, or more than `MAX_CLASSES`.
    """
    names = sorted({one.class_name for one in found})
    _check_classes(place, names)
    number = {name: label for label, name in enumerate(names)}
    divided = any(one.split for one in found)  # then a row of a CSV file that names no split is trained on
    entries = sorted(
        (one.split or "train" * divided, number[one.class_name], one.path, one.size, one.changed) for one in found
    )
    same = [name for name in names if sum(name.casefold() == other.casefold() for other in names) > 1]
    if same:
        notes = (*notes, f"These classes differ only in capital letters, and may be one: {', '.join(same)}.")
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
            f"{shown(str(place))} has {len(names):,} classes; {MAX_CLASSES:,} is the limit. Is it really a class each?"
        )
    if not names:
        raise FolderError(f"{shown(str(place))} has no file in a class. Put pictures into a subfolder for each class.")
    if len(names) == 1:
        inside = place / names[0]  # archives often hold one folder with everything in it
        hint = f" Did you mean {shown(str(inside))}?" if inside.is_dir() and len(_contents(inside)[0]) > 1 else ""
        raise FolderError(
            f"{shown(str(place))} has one class only, {names[0]!r}. A classifier needs two or more to tell apart.{hint}"
        )


def _own_name(place: Path) -> str:
    """The name of a folder, or of a CSV file without its ending: never the path to it."""
    place = place.resolve()
    return class_name(place.stem if place.is_file() else place.name)[:60] or "pictures"


def class_name(text: str) -> str:
    """A name as it is printed and compared: an accent that macOS keeps as a sign of its own is one letter again."""
    return shown(unicodedata.normalize("NFC", text.strip()))


def _look_into(place: Path, progress: bool) -> tuple[list[Found], list[Problem], list[str]]:
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
                    raise FolderError(f"{shown(str(place))} has more than {MAX_FILES:,} files. Load a part of them.")
    return found, problems, notes


def _roots(place: Path) -> tuple[list[tuple[Path, str, str]], list[Problem], list[str]]:
    """The folders whose subfolders are classes: the place itself, or those in it that are named after the splits."""
    folders, loose = _contents(place)
    splits = {name: SPLIT_NAMES[name.lower()] for name in folders if name.lower() in SPLIT_NAMES}
    if len(splits) < 2 or "train" not in splits.values():
        return [(place, "", "")], [], []
    notes = [f"Left out: {shown(name)}, which is no split." for name in folders if name not in splits]
    roots = [(place / name, f"{name}/", split) for name, split in splits.items()]
    return roots, [_loose(name) for name in loose], notes


def _check_subfolders(folder: Path, classes: list[str], loose: list[str], split: str, notes: list[str]) -> None:
    """Raise when nothing can be learnt from `folder`; a test or validation folder without classes gets a note."""
    place = shown(str(folder))
    if len(classes) > MAX_CLASSES:
        raise FolderError(
            f"{place} has {len(classes):,} subfolders, and each would be a class; {MAX_CLASSES:,} is the limit. "
            "Give the folder whose subfolders are the classes."
        )
    if classes:
        return
    if split in ("validation", "test"):
        notes.append(f"Left out: {shown(folder.name)}, which has no subfolder a class.")
        return
    what = f"{len(loose):,} files, but no subfolder" if loose else "neither files nor subfolders"
    raise FolderError(f"{place} has {what}. Make a subfolder for each class, and put its pictures there.")


def _loose(path: str) -> Problem:
    packed = "Its name holds a path of Windows: unpack the archive with another program." if "\\" in path else ""
    return Problem(path, "no_class", packed)


def _contents(folder: Path) -> tuple[list[str], list[str]]:
    """The names of the subfolders and of the files in a folder, both sorted, without what is passed over."""
    try:
        names = sorted(name for name in os.listdir(folder) if not _passed_over(name))
    except OSError as error:
        raise FolderError(f"{shown(str(folder))} cannot be read: {error.strerror}.") from error
    folders = [name for name in names if (folder / name).is_dir()]
    return folders, sorted(set(names) - set(folders))


def _passed_over(name: str) -> bool:
    return name.startswith(".") or name.lower() in _LEFT_BEHIND


def _walk(folder: Path, prefix: str, class_name: str, split: str) -> Iterator[Found | Problem]:
    """All files below the folder of a class, or the problems that they have."""
    waiting, seen = [(folder, prefix)], set()
    while waiting:
        folder, prefix = waiting.pop()
        try:
            status = os.stat(folder)
            names = sorted(os.listdir(folder)) if (status.st_dev, status.st_ino) not in seen else []
        except OSError as error:
            yield Problem(prefix, "unreadable", f"{error.strerror}.")
            continue
        seen.add((status.st_dev, status.st_ino))  # a link back to it is not followed again
        for name in names:
            if _passed_over(name):
                continue
            path = f"{prefix}/{name}"
            try:
                status = os.stat(folder / name)
            except OSError as error:  # a link that leads nowhere, or to itself
                yield Problem(path, "unreadable", f"{error.strerror}.")
                continue
            if stat.S_ISDIR(status.st_mode):
                waiting.append((folder / name, path))
            elif stat.S_ISREG(status.st_mode):
                yield Found(path, class_name, split, status.st_size, status.st_mtime_ns)
            else:  # a pipe or a device: opening it might wait for ever
                yield Problem(path, "unreadable", "It is no file.")
