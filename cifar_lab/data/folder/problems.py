"""The reasons why files of a folder are left out, and what to do about each."""

from typing import NamedTuple

from cifar_lab.core.text import printable


class Reason(NamedTuple):
    """Why files are left out: a title for tables, and how to fix that."""

    title: str
    fix: str


# In the order of the report: not a usable picture, not usable for training, repeated.
REASONS = {
    "empty": Reason("empty", "Copy them again from their source, or delete them."),
    "broken": Reason("damaged", "Copy or save them again, or delete them."),
    "heic": Reason("HEIC (iPhone format)", "Save them as JPEG; on the phone: Settings, Camera, Most Compatible."),
    "unsupported": Reason("unsupported picture format", "Save them as JPEG or PNG."),
    "no_picture": Reason("not a picture", "Move them elsewhere: class folders are for pictures only."),
    "too_large": Reason("more than 32 MiB", "Save them smaller, or as JPEG."),
    "too_many_pixels": Reason("too many pixels", "Shrink them to 25 megapixels and 10,000 pixels per side at most."),
    "unreadable": Reason("cannot be read", "Check their permissions, and look for broken links."),
    "missing": Reason("missing", "Correct their paths in the CSV file, or put the files there."),
    "outside": Reason("outside the CSV file's folder", "Put them next to or below the CSV file, with relative paths."),
    "too_small": Reason("far too small", "Find larger ones, or load with a smaller size."),
    "no_class": Reason("without a class", "Move them into the folder of their class."),
    "copy": Reason("the same picture again", "Delete them: each picture is used once."),
    "alike": Reason("nearly the same picture again", "Delete them; or keep them with --keep-alike (keep_alike=True)."),
    "conflict": Reason("the same picture in two classes", "Decide which class is right, and delete it from the other."),
}


class Problem(NamedTuple):
    """A file that is left out.

    Attributes:
        path: relative to the folder, as it is on disk.
        reason: a key of `REASONS`.
        sentence: details; empty if the reason needs none.
        twin: the path of the picture that it repeats or conflicts with; otherwise empty.
    """

    path: str
    reason: str
    sentence: str = ""
    twin: str = ""

    def __str__(self) -> str:
        other = f" (see {printable(self.twin)})" if self.twin else ""
        return f"{printable(self.path)}: {REASONS[self.reason].title}{other}. {self.sentence}".rstrip()
