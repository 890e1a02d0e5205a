"""The kernel editor: the filter agrees with SciPy, and every control works."""

import base64
import io
import re
from datetime import datetime

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from cifar_lab import plots
from cifar_lab.lessons.widgets.kernel_editor import PRESETS, KernelEditor, apply_kernel, kernel_still


@pytest.fixture
def image():
    return np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)


@pytest.fixture
def editor(image):
    return KernelEditor({"noise": image, "grey": np.full((8, 8, 3), 100, np.uint8)}, preset="leave as it is")


def shown(editor) -> list[tuple[str, np.ndarray]]:
    """Return alt text and pixels of the pictures in the view."""
    found = re.findall(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)"', editor.view.value)
    return [(text, np.array(Image.open(io.BytesIO(base64.b64decode(png))))) for text, png in found]


def upload(editor, content: bytes, name: str = "x.png") -> None:
    file = {
        "name": name,
        "type": "",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": datetime.now(),
    }
    editor.upload.value = (file,)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "png")
    return stream.getvalue()


@pytest.mark.parametrize("name", PRESETS)
def test_filtering_agrees_with_scipy(image, name):
    grey, kernel = image[:, :, 0], np.array(PRESETS[name])
    by_scipy = ndimage.correlate(grey.astype(float), kernel, mode="nearest")
    np.testing.assert_allclose(apply_kernel(grey, kernel), by_scipy, rtol=1e-5, atol=1e-3)


def test_presets_keep_or_remove_the_brightness_of_a_uniform_area():
    sums = {name: np.sum(kernel) for name, kernel in PRESETS.items()}
    keeping = {"leave as it is", "blur", "sharpen", "emboss"}  # the sum is 1; it is 0 for edges
    assert sums == {name: float(name in keeping) for name in PRESETS}


def test_numbers_become_colours():
    row = plots.signed_colours(np.array([[0.0, 255, 300, -255, 127.5]]), largest=255)[0]
    assert row.tolist() == [[0, 0, 0], [255] * 3, [255] * 3, [230, 159, 0], [128] * 3]


def test_initially_the_preset_is_applied(editor, image):
    assert editor.kernel.tolist() == [[0, 0, 0], [0, 1, 0], [0, 0, 0]]
    grey = np.array(Image.fromarray(image).convert("L"))
    for text, pixels in shown(editor):
        assert text.startswith("noise")
        np.testing.assert_array_equal(pixels, np.repeat(grey[..., None], 3, axis=2))


def test_changing_a_cell_updates_the_picture(editor):
    before = editor.view.value
    editor.cells[4].value = 0.5
    (_, first), (text, second) = shown(editor)
    assert editor.view.value != before
    assert text == "noise after the kernel 0 0 0; 0 0.5 0; 0 0 0"
    np.testing.assert_allclose(second, first / 2, atol=0.51)
    assert "add up to 0.5" in editor.message.value
    assert editor.preset.value == "your own"
    editor.cells[4].value = 1  # equal to a preset again
    assert editor.preset.value == "leave as it is"


def test_a_preset_sets_the_cells_and_draws_once(editor, monkeypatch):
    drawn = []
    draw = editor._draw
    monkeypatch.setattr(editor, "_draw", lambda: drawn.append(draw()))
    editor.preset.value = "sharpen"
    assert editor.kernel.tolist() == [[0, -1, 0], [-1, 5, -1], [0, -1, 0]]
    assert len(drawn) == 1


def test_another_picture_keeps_the_kernel(editor):
    editor.preset.value = "edges"
    editor.picture.value = "grey"
    assert shown(editor)[1][1].max() == 0  # a uniform area has no edges
    assert np.all(editor.result == 0)


def test_relu_removes_negative_values(editor):
    editor.preset.value = "vertical edges"
    assert editor.result.min() < 0
    editor.rectify.value = True
    assert editor.result.min() == 0
    after = shown(editor)[1][1]
    assert np.array_equal(after[..., 0], after[..., 2])  # no orange is left


def test_every_control_has_a_label_for_screen_readers(editor):
    assert [cell.description for cell in editor.cells][:4] == [
        *("row 1, column 1", "row 1, column 2", "row 1, column 3", "row 2, column 1")
    ]
    for control in (editor.picture, editor.preset, editor.upload, editor.rectify):
        assert control.description


def test_the_same_file_can_be_uploaded_twice(editor):
    black = np.zeros((300, 200, 3), np.uint8)
    for _ in range(2):
        upload(editor, png(black))
        assert editor.upload.value == ()
        assert editor.picture.options == ("noise", "grey", "your picture")
        assert editor.picture.value == "your picture"
        assert shown(editor)[0][1].shape == (128, 128, 3)  # shrunk
    upload(editor, png(black + 255))
    assert shown(editor)[0][1].min() == 255


def test_a_bad_upload_shows_an_error_and_changes_nothing(editor):
    before = editor.view.value
    upload(editor, b"%PDF-1.7 <b>", name='<img src=x onerror="alert(1)">.png')
    assert 'role="alert"' in editor.message.value and "PDF files are not supported" in editor.message.value
    assert "onerror" not in editor.message.value + editor.view.value
    assert editor.view.value == before
    assert editor.picture.options == ("noise", "grey")


def test_picture_names_are_escaped(image):
    view = KernelEditor({'"><script>': image}).view.value
    assert "<script>" not in view and "&quot;&gt;&lt;script&gt;" in view


def test_the_stored_output_is_text(editor):
    assert repr(editor).startswith("Kernel editor: ")
    assert len(repr(editor)) < 110  # ipywidgets truncates longer text


def test_missing_pictures_and_unknown_presets_are_refused(image):
    with pytest.raises(ValueError, match="at least one picture"):
        KernelEditor({})
    with pytest.raises(ValueError, match=r"There is no preset 'x'. Choose one of: leave as it is, blur"):
        KernelEditor({"noise": image}, preset="x")


def test_the_still_figure_shows_every_preset(image):
    panels = kernel_still(image).axes
    assert [axes.get_title() for axes in panels if axes.get_title()] == list(PRESETS)
    np.testing.assert_array_equal(
        panels[0].images[0].get_array()[..., 0], np.array(Image.fromarray(image).convert("L"))
    )
