"""What is right and wrong with a folder of pictures, in words, before anything is learnt from it.

report = checkup.check("pets")
print(report)
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab.data.folder.problems import REASONS, Problem, shown
from cifar_lab.data.folder.scan import FolderScan, scan_folder

_EXAMPLES = 3
_FEW, _UNEVEN, _MANY_ALIKE = 30, 3, 0.1  # pictures a class; times; share of the files
_MOST_LINES = 40  # classes that are listed one by one
_BAR, _WIDTH = 30, 88  # characters: of the longest bar, and of a line that fits into a notebook


@dataclass(frozen=True)
class FolderReport:
    """What a folder holds.

    Attributes:
        name: the folder's own name.
        file_count: how many files were looked at.
        counts: for each class the pictures that can be learnt from.
        problems: the files that are left out, each with its reason, sorted by path.
        disputed: pairs of paths whose pictures look alike, but belong to different classes; they are used.
        misnamed: paths of files that are of another format than their endings say; they are used.
        notes: what else is worth knowing, in sentences.
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
        """How many files can be learnt from."""
        return sum(self.counts.values())

    @property
    def is_uneven(self) -> bool:
        """Whether the most frequent class has several times as many pictures as the rarest."""
        return max(self.counts.values()) >= _UNEVEN * max(min(self.counts.values()), 1)

    @property
    def by_reason(self) -> dict[str, list[Problem]]:
        """The problems of each reason that occurs, in the order of `REASONS`."""
        found = {reason: [problem for problem in self.problems if problem.reason == reason] for reason in REASONS}
        return {reason: problems for reason, problems in found.items() if problems}

    @property
    def summary(self) -> str:
        """One line: how many files are used, and how many are left out for which reason."""
        line = f"{self.name}: {self.used:,} of {self.file_count:,} files in {len(self.counts)} classes can be used"
        left_out = ", ".join(
            f"{len(problems):,} {REASONS[reason].title}" for reason, problems in self.by_reason.items()
        )
        return f"{line}; left out: {left_out}." if left_out else f"{line}."

    @property
    def advice(self) -> list[str]:
        """What to do, in sentences; empty when there is nothing to do."""
        return [
            *_advice_on_counts(self),
            *_advice_on_twins(self),
            *_advice_on_names(self.misnamed),
            *self.notes,
        ]

    def __str__(self) -> str:
        summary = textwrap.fill(self.summary, _WIDTH)
        return "\n".join([summary, *_problem_lines(self.by_reason), *_class_lines(self.counts), *_as_list(self.advice)])

    __repr__ = __str__  # so that a notebook shows it too


def check_folder(path: str | Path, *, size: int = 32, keep_alike: bool = False, progress: bool = True) -> FolderReport:
    """Look through a folder of pictures, as `data.load` does, and say what was found.

    Args:
        path: a folder with a subfolder a class, or a CSV file of paths and labels.
        size: height and width of the images that are to be learnt from, in pixels.
        keep_alike: use pictures that look nearly the same all the same.
        progress: show progress bars.

    Raises:
        FolderError: there is no such folder, it has not two classes, or the disk has not enough room.
        ValueError: the size can't be.
    """
    return report_on(scan_folder(path, size=size, keep_alike=keep_alike, progress=progress))


def report_on(survey: FolderScan) -> FolderReport:
    """What a survey found, in words."""
    names, entries = survey.listing.class_names, survey.listing.entries
    counts = np.bincount(survey.labels[survey.used], minlength=len(names))
    return FolderReport(
        name=survey.listing.name,
        file_count=len(entries) + len(survey.listing.problems),
        counts=dict(zip(names, counts.tolist(), strict=True)),
        problems=survey.problems,
        disputed=tuple((entries[one].path, entries[other].path) for one, other in survey.disputed),
        misnamed=tuple(entries[position].path for position in survey.misnamed),
        notes=survey.listing.notes,
    )


def _problem_lines(by_reason: dict[str, list[Problem]]) -> list[str]:
    if not by_reason:
        return []
    lines = ["", f"{'left out':<34}{'files':>8}  for example"]
    for reason, problems in by_reason.items():
        examples = [_example(problem) for problem in problems[:_EXAMPLES]]
        lines.append(f"{REASONS[reason].title:<34}{len(problems):>8,}  {examples[0]}")
        lines += [f"{'':44}{example}" for example in examples[1:]]
        lines.append(f"  -> {REASONS[reason].mend}")
    return lines


def _example(problem: Problem) -> str:
    return f"{shown(problem.path)} = {shown(problem.twin)}" if problem.twin else shown(problem.path)


def _class_lines(counts: dict[str, int]) -> list[str]:
    """How many pictures each class has, with a bar; of very many classes the largest and the smallest."""
    most, width = max(counts.values()) or 1, min(32, max(map(len, counts)))
    rows = sorted(counts.items(), key=lambda row: -row[1]) if len(counts) > _MOST_LINES else list(counts.items())
    lines = [f"{name[:width]:<{width}}{count:>10,}  {'#' * -(-_BAR * count // most)}".rstrip() for name, count in rows]
    if len(lines) > _MOST_LINES:
        half = _MOST_LINES // 2
        lines[half:-half] = [f"... {len(lines) - 2 * half:,} more classes ..."]
    return ["", f"{'class':<{width}}{'pictures':>10}", *lines]


def _as_list(sentences: list[str]) -> list[str]:
    lines = [textwrap.fill(sentence, _WIDTH, initial_indent="- ", subsequent_indent="  ") for sentence in sentences]
    return ["", "What to know and do:", *lines] if lines else []


def _advice_on_counts(report: FolderReport) -> list[str]:
    found = []
    (fewest, low), (most, high) = (choose(report.counts.items(), key=lambda row: row[1]) for choose in (min, max))
    if report.is_uneven:
        times = f"{high / low:.1f} times as many pictures as" if low else "pictures, and none are left in"
        found.append(
            f"The classes are uneven: {most} has {times} {fewest}, and a network that answers {most} most of the time "
            'looks better than it is. --balance down (balance="down") learns from equally many of each, --balance up '
            "adds changed copies of the rarer ones."
        )
    few = [name for name, count in report.counts.items() if count < _FEW]
    if few:
        listed = ", ".join(few[:8]) + (f" and {len(few) - 8} more" if len(few) > 8 else "")
        found.append(f"Fewer than {_FEW} pictures: {listed}. Some hundreds a class make a network much better.")
    return found


def _advice_on_twins(report: FolderReport) -> list[str]:
    found = []
    alike = len(report.by_reason.get("alike", []))
    if alike > _MANY_ALIKE * report.file_count:
        found.append(
            f"{alike:,} files look nearly like others. If they are different pictures all the same (digits, icons, "
            "scans), use them with --keep-alike (keep_alike=True): then look-alikes come into one split together."
        )
    if report.disputed:
        one, other = map(shown, report.disputed[0])
        found.append(
            f"{len(report.disputed):,} pictures look like one of another class, such as {one} and {other}. They are "
            "used, both in one split; see whether each is in the right class."
        )
    return found


def _advice_on_names(misnamed: tuple[str, ...]) -> list[str]:
    if not misnamed:
        return []
    files = "one file has" if len(misnamed) == 1 else f"{len(misnamed):,} files have"
    return [
        f"{files[0].upper()}{files[1:]} a wrong ending, such as {shown(misnamed[0])}. Here the content counts, so that "
        "does no harm; other programs may refuse such a file."
    ]
