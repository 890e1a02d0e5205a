"""Report what is wrong with a folder of pictures, before training on it.

report = check_folder("pets")
print(report)
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab.core.text import printable
from cifar_lab.data.folder.problems import REASONS, Problem
from cifar_lab.data.folder.scan import FolderScan, scan_folder
from cifar_lab.images.display import join_names

_EXAMPLES = 3
_FEW, _UNEVEN, _MANY_ALIKE = 30, 3, 0.1  # pictures per class; ratio of class sizes; share of the files
_MOST_LINES = 40  # classes listed one by one
_BAR, _WIDTH = 30, 88  # characters: the longest bar, and a line that fits into a notebook cell


@dataclass(frozen=True)
class FolderReport:
    """The contents and problems of a folder of pictures.

    Attributes:
        name: the folder's own name.
        file_count: the number of files examined.
        counts: the number of usable pictures per class.
        problems: the files that are left out, each with its reason, sorted by path.
        disputed: pairs of paths whose pictures look alike but belong to different classes; they are used.
        misnamed: paths of files whose format does not match the file extension; they are used.
        notes: further remarks, in sentences.
    """

    name: str
    file_count: int
    counts: dict[str, int]
    problems: tuple[Problem, ...]
    disputed: tuple[tuple[str, str], ...]
    misnamed: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def used(self) -> int:
        """The number of usable files."""
        return sum(self.counts.values())

    @property
    def is_uneven(self) -> bool:
        """Whether the most frequent class has at least three times as many pictures as the rarest."""
        return max(self.counts.values()) >= _UNEVEN * max(min(self.counts.values()), 1)

    @property
    def by_reason(self) -> dict[str, list[Problem]]:
        """The problems grouped by reason, in the order of `REASONS`; reasons without a problem are omitted."""
        found = {reason: [problem for problem in self.problems if problem.reason == reason] for reason in REASONS}
        return {reason: problems for reason, problems in found.items() if problems}

    @property
    def summary(self) -> str:
        """One line on how many files are used, and how many are left out for which reason."""
        line = f"{self.name}: {self.used:,} of {self.file_count:,} files in {len(self.counts)} classes can be used"
        left_out = ", ".join(
            f"{len(problems):,} {REASONS[reason].title}" for reason, problems in self.by_reason.items()
        )
        return f"{line}; left out: {left_out}." if left_out else f"{line}."

    @property
    def advice(self) -> list[str]:
        """Recommendations, in sentences; empty if there are none."""
        return [
            *_advice_on_counts(self),
            *_advice_on_near_duplicates(self),
            *_advice_on_names(self.misnamed),
            *self.notes,
        ]

    def __str__(self) -> str:
        summary = textwrap.fill(self.summary, _WIDTH)
        return "\n".join([summary, *_problem_lines(self.by_reason), *_class_lines(self.counts), *_as_list(self.advice)])

    __repr__ = __str__  # for display in a notebook


def check_folder(path: str | Path, *, size: int = 32, keep_alike: bool = False, progress: bool = True) -> FolderReport:
    """Scan a folder of pictures as `data.load` does, and report its contents and problems.

    Args:
        path: a folder with one subfolder per class, or a CSV file of paths and labels.
        size: height and width in pixels of the images to train on.
        keep_alike: use near-duplicates too.
        progress: show progress bars.

    Raises:
        FolderError: the folder does not exist or has fewer than two classes, or the disk is full.
        ValueError: `size` is out of range.
    """
    return report_on(scan_folder(path, size=size, keep_alike=keep_alike, progress=progress))


def report_on(scan: FolderScan) -> FolderReport:
    """Make the report of a scan."""
    names, entries = scan.listing.class_names, scan.listing.entries
    counts = np.bincount(scan.labels[scan.used], minlength=len(names))
    return FolderReport(
        name=scan.listing.name,
        file_count=len(entries) + len(scan.listing.problems),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        problems=scan.problems,
        disputed=tuple((entries[one].path, entries[other].path) for one, other in scan.disputed),
        misnamed=tuple(entries[position].path for position in scan.misnamed),
        notes=scan.listing.notes,
    )


def _problem_lines(by_reason: dict[str, list[Problem]]) -> list[str]:
    if not by_reason:
        return []
    lines = ["", f"{'left out':<34}{'files':>8}  for example"]
    for reason, problems in by_reason.items():
        examples = [_example(problem) for problem in problems[:_EXAMPLES]]
        lines.append(f"{REASONS[reason].title:<34}{len(problems):>8,}  {examples[0]}")
        lines += [f"{'':44}{example}" for example in examples[1:]]
        lines.append(f"  -> {REASONS[reason].fix}")
    return lines


def _example(problem: Problem) -> str:
    return f"{printable(problem.path)} = {printable(problem.twin)}" if problem.twin else printable(problem.path)


def _class_lines(counts: dict[str, int]) -> list[str]:
    """Format the pictures per class with a bar; of very many classes, the largest and the smallest only."""
    most, width = max(counts.values()) or 1, min(32, max(map(len, counts)))
    rows = sorted(counts.items(), key=lambda row: -row[1]) if len(counts) > _MOST_LINES else list(counts.items())
    lines = [f"{name[:width]:<{width}}{count:>10,}  {'#' * -(-_BAR * count // most)}".rstrip() for name, count in rows]
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines[half:-half] = [f"... {len(lines) - 2 * half:,} more classes ..."]
    return ["", f"{'class':<{width}}{'pictures':>10}", *lines]


def _as_list(sentences: list[str]) -> list[str]:
    lines = [textwrap.fill(sentence, _WIDTH, initial_indent="- ", subsequent_indent="  ") for sentence in sentences]
    return ["", "Recommendations:", *lines] if lines else []


def _advice_on_counts(report: FolderReport) -> list[str]:
    found = []
    (fewest, low), (most, high) = (choose(report.counts.items(), key=lambda row: row[1]) for choose in (min, max))
    if report.is_uneven:
        ratio = f"{high / low:.1f} times as many pictures as" if low else "pictures, but none are left in"
        found.append(
            f"The classes are unbalanced: {most} has {ratio} {fewest}, and a network that predicts {most} most of the "
            'time looks better than it is. --balance down (balance="down") trains on equally many of each class, '
            "--balance up adds augmented copies of the rarer ones."
        )
    few = [name for name, count in report.counts.items() if count < _FEW]
    if few:
        found.append(
            f"Fewer than {_FEW} pictures: {join_names(few, 8)}. A few hundred per class make a network much better."
        )
    return found


def _advice_on_near_duplicates(report: FolderReport) -> list[str]:
    found = []
    alike = len(report.by_reason.get("alike", []))
    if alike > _MANY_ALIKE * report.file_count:
        found.append(
            f"{alike:,} files look nearly like another file. If they are different pictures nevertheless (digits, "
            "icons, scans), use them with --keep-alike (keep_alike=True), which puts look-alikes into the same split."
        )
    if report.disputed:
        one, other = map(printable, report.disputed[0])
        found.append(
            f"{len(report.disputed):,} pictures look like one of another class, such as {one} and {other}. They are "
            "used, in the same split; check whether each is in the right class."
        )
    return found


def _advice_on_names(misnamed: tuple[str, ...]) -> list[str]:
    if not misnamed:
        return []
    files = "one file has" if len(misnamed) == 1 else f"{len(misnamed):,} files have"
    return [
        f"{files[0].upper()}{files[1:]} the wrong file extension, such as {printable(misnamed[0])}. This does no harm "
        "here, as formats are detected by content; other programs may refuse such a file."
    ]
