"""Text for terminals: safe names, values from JSON, and tables."""

import sys
from collections.abc import Collection, Sequence

_LARGEST = sys.float_info.max


def printable(name: str) -> str:
    """Escape the control characters and invalid bytes in the name of a file or class, so that it can be printed."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text)


def is_number(value) -> bool:
    """Return whether a value from a JSON file is a finite number that fits a float; `true` is not."""
    # Compared, not converted: JSON integers have any length, and NaN compares as False.
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LARGEST <= value <= _LARGEST


def text_table(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Align rows of cells in columns.

    Args:
        rows: all of the same length; the first one may be a heading.
        left: the columns that are aligned to the left; the others are aligned to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        [cell.ljust(width) if column in left else cell.rjust(width) for column, (cell, width) in enumerate(cells)]
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    )
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown_table(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Return a Markdown table; the first row is the heading, `left` as in `text_table`."""
    heading, *body = rows
    rule = ["---" if column in left else "---:" for column in range(len(heading))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *body))
