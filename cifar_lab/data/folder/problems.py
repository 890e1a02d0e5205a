"""What can be wrong with a file in a folder of pictures, in words, and what to do about it."""

from typing import NamedTuple


class Reason(NamedTuple):
    """Why files are left out: what is said of them in a table, and what to do."""

    title: str
    mend: str


# In the order of the report: what is no picture, what can't be learnt from, what is there more than once.
REASONS = {
    "empty": Reason("empty", "Copy them again from where they came, or delete them."),
    "broken": Reason("damaged", "Copy or save them again, or delete them."),
    "heic": Reason("HEIC, as iPhones write it", "Save them as JPEG; on the phone: Settings, Camera, Most Compatible."),
    "unsupported": Reason("another picture format", "Save them as JPEG or PNG."),
    "no_picture": Reason("no picture", "Move them elsewhere: only pictures belong into the folders of the classes."),
    "too_large": Reason("more than 32 MiB", "Save them smaller, or as JPEG."),
    "too_many_pixels": Reason("too many pixels", "Make them smaller than 25 megapixels and 10,000 pixels a side."),
    "unreadable": Reason("cannot be read", "Look at their permissions, and at links that lead nowhere."),
    "missing": Reason("not there", "Correct their paths in the CSV file, or put them there."),
    "outside": Reason("outside the CSV file's folder", "Put them beside or below the CSV file, with relative paths."),
    "too_small": Reason("far too small", "Find larger ones, or load with a smaller size."),
    "no_class": Reason("in no class", "Move them into the folder of their class."),
    "copy": Reason("the same picture again", "Delete them: a picture counts once."),
    "alike": Reason("nearly the same picture again", "Delete them; or keep them with --keep-alike (keep_alike=True)."),
    "conflict": Reason("the same picture in two classes", "Decide which class is right, and delete it in the other."),
}


class Problem(NamedTuple):
    """A file that is left out.

    Attributes:
        path: relative to the folder, as it is on disk.
        reason: a key of `REASONS`.
        sentence: what was found; empty where the reason says it all.
        twin: the path of the picture that it repeats, or that contradicts it; else empty.
    """

    path: str
    reason: str
    sentence: str = ""
    twin: str = ""

    def __str__(self) -> str:
        about = f" (see {shown(self.twin)})" if self.twin else ""
        return f"{shown(self.path)}: {REASONS[self.reason].title}{about}. {self.sentence}".rstrip()


def shown(name: str) -> str:
    """A file's or class's name as it can be printed anywhere: no control characters, no bytes that are no text."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)
