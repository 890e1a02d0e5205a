"""How long the tests take: read from what the last `make test` wrote, so nothing is run here."""

from pathlib import Path
from xml.etree import ElementTree

from benchmarks.measure import LeftOut, Row

FOLDER = Path(__file__).parent.parent / "build"
_KINDS = {"tests": "tests.xml", "notebook cells": "notebooks.xml"}


def measure(*, quick: bool = False, folder: Path = FOLDER) -> list[Row]:
    """A row of minutes for the tests and one for the notebooks; there is no usual way to compare with."""
    return [_row(what, folder / name) for what, name in _KINDS.items()]


def _row(what: str, path: Path) -> Row:
    try:
        suite = ElementTree.parse(path).getroot().find("testsuite")
        count, seconds = int(suite.get("tests")), float(suite.get("time"))
        failed = int(suite.get("failures")) + int(suite.get("errors"))
    except (OSError, ElementTree.ParseError, AttributeError, TypeError, ValueError) as error:
        raise LeftOut(f"there is no whole {path.name} of a `make test` in build/; run that first.") from error
    if failed:
        raise LeftOut(f"{failed} of {count} {what} failed in the last `make test`; fix them and run it first.")
    return Row(f"`make test`: {count:,} {what}", [], [seconds / 60], unit="min")
