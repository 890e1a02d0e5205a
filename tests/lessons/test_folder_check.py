"""The folder check shows the report of `check_folder`, pictures of each class, and every error."""

import base64
import io
import re
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab import data
from cifar_lab.cli import main
from cifar_lab.core import paths, progress
from cifar_lab.data.folder import checks, image_cache
from cifar_lab.lessons.widgets import folder_check
from cifar_lab.lessons.widgets.folder_check import FolderCheck
from tests.helpers.planted_folder import plant


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A folder of 88 files, whose name needs escaping; the cache is next to it."""
    place = tmp_path_factory.mktemp("place")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data_folder", lambda: place / "cache")
        plant(place / "<b>my pets", 88, broken=0.07)
        yield place / "<b>my pets"


def checked(folder, **options) -> FolderCheck:
    check = FolderCheck(folder)
    for name, value in options.items():
        getattr(check, name).value = value
    check.look.click()
    return check


def text_of(box) -> str:
    unescaped = re.sub(r"<[^>]*>", "", box.value)
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&#x27;", "'"), ("&amp;", "&")):
        unescaped = unescaped.replace(entity, letter)
    return unescaped


def test_nothing_is_read_until_the_button_is_clicked(pets):
    check = FolderCheck(pets)
    assert check.report is None and check.words.value == "" and "No folder checked yet" in check.status.value


def test_the_report_is_that_of_check_folder(pets):
    before = {path: path.stat().st_mtime_ns for path in pets.rglob("*")}
    check = checked(pets)
    report = checks.check_folder(pets, progress=False)
    words = f"{text_of(check.status)} {text_of(check.words)}".split()
    assert words == str(report).split() and len(report.problems) > 5
    assert text_of(check.status) == report.summary and check.alert.value == ""
    assert "<b>" not in check.words.value + check.status.value + check.sheet.value + check.next.value
    assert before == {path: path.stat().st_mtime_ns for path in pets.rglob("*")}  # nothing is changed


def test_pictures_of_each_class_are_shown_with_alt_text(pets):
    sheet = checked(pets).sheet.value
    assert 'alt="Up to 10 pictures of each class of &lt;b&gt;my pets: cool (' in sheet
    shown = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", sheet)[1])))
    red, _, blue = np.asarray(shown.convert("RGB"), float).reshape(shown.height, -1, 3).mean(axis=1).T
    upper, lower = slice(0, shown.height // 2), slice(shown.height // 2, None)
    assert (blue - red)[upper].mean() > 0 > (blue - red)[lower].mean()  # cool in the upper half, warm in the lower


def test_the_code_shown_works(pets):
    check = checked(pets, size=16, keep_alike=True)
    python, shell = text_of(check.next).removeprefix("To continue:").split("\n\n")
    dataset = eval(python.removeprefix("dataset = "), {"data": data})
    assert dataset.train.images.shape[1] == 16 and dataset.options["keep_alike"]
    assert len(set(np.bincount(dataset.train.labels))) == 1  # balanced, since the classes are uneven
    words = shlex.split(shell)
    assert words[:3] == ["cifar-lab", "make", str(pets)]
    known = {name for option in main.commands["make"].params for name in option.opts}
    assert {word for word in words if word.startswith("--")} <= known
    missing = CliRunner().invoke(main, [*words[1:], "--recipe", "none"])  # the only error is the recipe
    assert "none" in missing.output and "No such option" not in missing.output


@pytest.mark.parametrize("around", ['"{}"', " {} ", "'{}'"])
def test_a_path_may_be_pasted_in_quotes(pets, around):
    check = checked(around.format(pets))
    assert check.folder == pets and check.report.used


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("  ", "Enter the path of a folder first."),
        ("/no/<i>where", "There is no folder or CSV file '/no/<i>where'"),
        ("{pets}/cool", "but no subfolder. Make one subfolder per class"),
        ("nul\0l", "There is no folder or CSV file 'nul\\x00l'"),
        ("x" * 5000, "File name too long"),
    ],
)
def test_a_wrong_path_is_an_error_message(pets, typed, sentence):
    check = checked(pets)
    check.path.value = typed.format(pets=pets)
    check.look.click()
    assert sentence in text_of(check.alert) and 'role="alert"' in check.alert.value and "<i>" not in check.alert.value
    assert check.report is check.folder is None and check.words.value == check.sheet.value == ""  # cleared
    assert not check.look.disabled


def test_an_unexpected_exception_is_shown(pets, monkeypatch):
    monkeypatch.setattr(folder_check.plots, "folder_contact_sheet", lambda survey: 1 / 0)
    check = checked(pets)
    assert "ZeroDivisionError" in check.alert.value and not check.look.disabled


def test_a_folder_without_usable_pictures(pets):
    for name in ("cats", "dogs"):
        (pets.parent / "bad" / name).mkdir(parents=True)
        (pets.parent / "bad" / name / "1.jpg").write_bytes(b"")
    check = checked(pets.parent / "bad")
    assert "0 of 2 files" in check.status.value and check.sheet.value == check.next.value == ""


def test_progress_is_shown_and_an_interrupted_check_can_continue(pets, monkeypatch):
    seen, decode_one = [], image_cache._decode_one
    check = FolderCheck(pets)
    check.size.value = 64
    check.progress.observe(lambda change: seen.append(change["new"]), "value")

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(progress.tqdm, "__init__", _often(progress.tqdm.__init__))
    monkeypatch.setattr(image_cache, "_decode_one", stop)
    check.look.click()
    assert "Stopped" in check.status.value and not check.look.disabled and check.report is None
    monkeypatch.setattr(image_cache, "_decode_one", decode_one)
    check.look.click()
    assert check.report.used and check.progress.value == ""
    assert any("decoding" in line and "/88" in line for line in seen)


def _often(init):
    """Draw the progress bar at every step."""
    return lambda self, *arguments, **options: init(self, *arguments, **options | {"mininterval": 0, "disable": False})


def test_the_stored_output_says_to_run_the_cell():
    assert "Run this cell" in repr(FolderCheck())
