"""Names, numbers and tables for a terminal."""

import pytest

from cifar_lab.core.text import is_number, markdown_table, printable, text_table

ROWS = [("class", "images", "note"), ("cat", "1,000", ""), ("automobile", "7", "few")]


def test_columns_are_aligned_and_lines_have_no_trailing_space():
    assert text_table(ROWS, left=(0, 2)).splitlines() == [
        "class       images  note",
        "cat          1,000",
        "automobile       7  few",
    ]


def test_markdown_marks_the_columns_of_numbers():
    assert markdown_table(ROWS, left=(0, 2)).splitlines()[1] == "| --- | ---: | --- |"


@pytest.mark.parametrize(
    ("name", "shown"),
    [("Kätzchen.jpg", "Kätzchen.jpg"), ("a\x1b[31m", "a\\x1b[31m"), ("caf\udce9.jpg", "caf\\xe9.jpg")],
)
def test_a_name_is_escaped_for_the_terminal(name, shown):
    assert printable(name) == shown


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (0.5, True), (True, False), ("1", False), (float("nan"), False), (10**400, False), (None, False)],
)
def test_only_finite_numbers_count_as_numbers(value, expected):
    assert is_number(value) is expected
