"""The notebooks and their widgets in JupyterLab in a browser."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.helpers import switching, upload_steps

NOTEBOOKS = Path(__file__).parent.parent.parent / "notebooks"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"

pytestmark = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="no Chromium here (on Debian: apt install chromium)"
)


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    """The classifiers available to the notebooks, by name, and their folder."""
    place = tmp_path_factory.mktemp("switch") / "models"
    place.mkdir()
    return switching.make_models(place), place


@pytest.fixture(scope="module")
def jupyterlab(tmp_path_factory, classifiers):
    """Start JupyterLab on a copy of the notebooks; yield its address and token."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(NOTEBOOKS, folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    settings = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text('{"windowingMode": "none"}')  # else cells outside the viewport are not rendered
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", f"--port={port}", "--ServerApp.port_retries=0"]
    command += [f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}", "--expose-app-in-browser"]
    command += [f"--LabApp.user_settings_dir={folder}/settings", f"--LabApp.workspaces_dir={folder}/workspaces"]
    if getattr(os, "geteuid", lambda: 1)() == 0:
        command.append("--allow-root")
    environment = os.environ | {"CIFAR_LAB_DATASET": "sketches", "JUPYTER_CONFIG_DIR": str(folder / "config")}
    environment["CIFAR_LAB_MODELS"] = str(classifiers[1])
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _is_up(f"{address}/api?token={token}"), 60, "JupyterLab to start")
        yield address, token
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def page():
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *QUIET.split()])
        yield browser.new_page(viewport={"width": 1280, "height": 1600})
        browser.close()


READY = """async () => {
    const app = window.jupyterapp;
    if (!app) return false;
    await app.restored;
    const panel = app.shell.currentWidget;
    // Right after opening, this may still be the notebook of the previous test.
    if (!panel || !panel.context || !location.pathname.endsWith(panel.context.path)) return false;
    await panel.context.ready;
    await panel.sessionContext.ready;
    const kernel = panel.sessionContext.session && panel.sessionContext.session.kernel;
    const isThere = panel.content.widgets.length === panel.context.model.cells.length;
    return isThere && Boolean(kernel) && kernel.connectionStatus === "connected" && kernel.status === "idle";
}"""
RUN_ALL = "() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }"
CLEAR = "() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')"
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
    .filter(cell => cell.model.type === "code")
    .map(cell => ({count: cell.model.executionCount, source: cell.model.sharedModel.source,
                   outputs: cell.model.outputs.toJSON()}))"""


def test_every_cell_of_the_first_notebook_runs(jupyterlab, page):
    _open(jupyterlab, page, "01_dataset.ipynb")
    page.evaluate(RUN_ALL)
    _wait(lambda: all(cell["count"] for cell in page.evaluate(CELLS)), 180, "the cells to run")
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    cells = page.evaluate(CELLS)
    errors = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert errors == []
    figures = [o for cell in cells for o in cell["outputs"] if "image/png" in o.get("data", {})]
    assert len(figures) >= 5
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):  # for people, not compared
        page.screenshot(path=Path(folder) / "jupyterlab.png")


RUN_UP_TO = """(text) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = notebook.widgets.findIndex(cell => cell.model.sharedModel.source.includes(text)) + 1;
    window.jupyterapp.commands.execute('notebook:run-all-above');
}"""


def test_the_kernel_editor_works_with_the_keyboard(jupyterlab, page):
    _run_up_to(jupyterlab, page, "02_cnn_explained.ipynb", "KernelEditor(pictures)")
    after = page.locator(".jp-OutputArea-output figure img").nth(1)
    after.wait_for(timeout=120_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    picture, text = after.get_attribute("src"), after.get_attribute("alt")
    assert text.endswith("after the kernel -1 0 1; -2 0 2; -1 0 1")
    page.get_by_label("row 2, column 2").focus()
    page.keyboard.press("ArrowUp")  # from 0 to 0.5
    _wait(lambda: after.get_attribute("alt") != text, 20, "the editor to update")
    assert after.get_attribute("alt").endswith("after the kernel -1 0 1; -2 0.5 2; -1 0 1")
    assert after.get_attribute("src") != picture
    page.keyboard.press("Tab")
    assert page.get_by_label("row 2, column 3").evaluate("input => input === document.activeElement")
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
        after.scroll_into_view_if_needed()
        page.screenshot(path=Path(folder) / "kernel_editor.png")


def _is_up(address: str) -> bool:
    try:
        return urllib.request.urlopen(address, timeout=2).status == 200
    except (urllib.error.URLError, OSError):
        return False


def _wait(condition, seconds: float, what: str) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.3)


def _open(jupyterlab, page, notebook: str) -> None:
    """Open a notebook without its stored outputs."""
    address, token = jupyterlab
    page.goto(f"{address}/lab/tree/notebooks/{notebook}?reset&token={token}", timeout=90_000)
    _wait(lambda: page.evaluate(READY), 90, "the kernel")
    page.evaluate(CLEAR)


def _run_up_to(jupyterlab, page, notebook: str, text: str) -> None:
    """Open a notebook and run its cells, down to the one that holds `text`."""
    _open(jupyterlab, page, notebook)
    page.evaluate(RUN_UP_TO, text)


def test_the_augmentation_mixer_works_with_the_keyboard(jupyterlab, page):
    _run_up_to(jupyterlab, page, "03_augmentation.ipynb", "AugmentationMixer(dataset.train.images)")
    picture = page.locator(".jp-OutputArea-output img[alt^='12 images']")
    picture.wait_for(timeout=120_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    assert picture.get_attribute("alt") == "12 images, as they are"
    pixels = picture.get_attribute("src")
    slider = page.locator(".jp-OutputArea-output .widget-slider", has_text="shift (pixels)").get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    _wait(lambda: "as they are" not in picture.get_attribute("alt"), 20, "the mixer to update")
    assert picture.get_attribute("alt") == "12 images, shifted by up to 1 pixels"
    assert picture.get_attribute("src") != pixels
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
        picture.scroll_into_view_if_needed()
        page.screenshot(path=Path(folder) / "augmentation_mixer.png")


def test_be_the_classifier_works_with_the_keyboard(jupyterlab, page):
    _run_up_to(jupyterlab, page, "01_dataset.ipynb", "BeTheClassifier(twenty")
    frog = page.get_by_role("button", name="frog", exact=True)
    frog.wait_for(timeout=120_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    game = page.locator(".jp-OutputArea-output", has=frog)
    frog.focus()
    for number in range(1, 21):
        _wait(lambda: game.locator(f"img[alt^='Picture {number} of 20']").count() == 1, 20, f"picture {number}")  # noqa: B023
        page.keyboard.press("Enter")  # the button keeps the focus
    game.locator("table").wait_for(timeout=20_000)
    assert game.locator("tbody tr").count() == 20
    lines = game.get_by_role("status").inner_text().splitlines()
    assert [line.split(":")[0] for line in lines] == ["you", "network", "nearest mean"]
    assert all(" of 20 right, " in line for line in lines)
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
        frog.scroll_into_view_if_needed()
        page.screenshot(path=Path(folder) / "be_the_classifier.png")


REPLACE = """([text, other]) => {
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    const model = cells.find(cell => cell.model.sharedModel.source.includes(text)).model.sharedModel;
    model.setSource(model.source.replace(text, other));
}"""


def test_the_confusion_matrix_works_with_mouse_and_keyboard(jupyterlab, page):
    _open(jupyterlab, page, "05_evaluation.ipynb")
    # CIFAR-10 may be missing here, so 1,000 drawings, repeated ten times, replace its test images.
    drawings = "images=data.load('sketches').test.images[np.arange(10_000) % 1000]"
    page.evaluate(REPLACE, ["images=photographs", drawings])
    page.evaluate(RUN_UP_TO, "ConfusionMatrix(probabilities")
    first = page.locator(".jp-OutputArea-output figure img").first
    first.wait_for(timeout=120_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    picture = first.get_attribute("src")
    page.get_by_title(re.compile("^bird predicted as airplane: [1-9]")).click()
    _wait(lambda: ": bird, predicted as airplane," in first.get_attribute("alt"), 20, "the matrix to update")
    assert first.get_attribute("src") != picture
    picture = first.get_attribute("src")
    page.get_by_label("true class").focus()
    page.keyboard.press("End")  # the last class: truck
    _wait(lambda: ": truck, predicted as airplane," in first.get_attribute("alt"), 20, "the menu to update")
    assert first.get_attribute("src") != picture
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
        first.scroll_into_view_if_needed()
        page.screenshot(path=Path(folder) / "confusion_matrix.png")


CHANGE_THEME = "(theme) => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"


def _screenshot_in_both_themes(page, button, name):
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
        for theme in ("Light", "Dark"):
            page.evaluate(CHANGE_THEME, f"JupyterLab {theme}")
            page.wait_for_timeout(1500)
            button.scroll_into_view_if_needed()
            page.screenshot(path=Path(folder) / f"{name}_{theme.lower()}.png")


def test_the_upload_classifier_in_a_notebook(jupyterlab, page, classifiers):
    _run_up_to(jupyterlab, page, "09_upload_classifier.ipynb", "UploadClassifier()")
    button = page.locator("button.widget-upload")
    button.wait_for(timeout=120_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    for step in upload_steps.STEPS:
        step(page)
    upload_steps.every_classifier_of_the_switch(page, classifiers[0])
    _screenshot_in_both_themes(page, button, "upload_classifier")
    is_dirty = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
    assert page.evaluate(is_dirty)
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    _wait(lambda: not page.evaluate(is_dirty), 20, "the notebook to be saved")
    address, token = jupyterlab
    saved = urllib.request.urlopen(f"{address}/api/contents/notebooks/09_upload_classifier.ipynb?token={token}").read()
    assert b"Upload classifier" in saved
    assert b"photo.jpg" not in saved and b'"widgets"' not in saved  # uploads are not saved


def test_the_folder_check_checks_a_folder(jupyterlab, page, classifiers):
    _run_up_to(jupyterlab, page, "08_your_own_images.ipynb", "FolderCheck(folder)")
    button = page.get_by_role("button", name="check folder")
    button.wait_for(timeout=180_000)
    _wait(lambda: page.evaluate(READY), 60, "the kernel to be idle")
    widget = page.locator(".jp-OutputArea-output", has=button)
    button.click()
    widget.get_by_role("status").filter(has_text="497 of 530 files in 2 classes can be used").wait_for(timeout=60_000)
    assert widget.locator("img[alt*='cats (397), dogs (100)']").count() == 1
    field = widget.get_by_label("folder", exact=True)
    field.fill(str(classifiers[1].with_name("colours")))
    field.press("Tab")  # to the size, the checkbox, the button
    for _ in range(2):
        page.keyboard.press("Tab")
    assert button.evaluate("button => button === document.activeElement")
    page.keyboard.press("Enter")
    widget.get_by_role("status").filter(has_text="colours: ").wait_for(timeout=60_000)
    assert widget.locator("img[alt*='of colours: cool (']").count() == 1
    _screenshot_in_both_themes(page, button, "folder_check")
    field.fill("nowhere")
    button.click()
    error = widget.get_by_role("alert")
    error.wait_for(timeout=20_000)
    assert "There is no folder or CSV file 'nowhere'" in error.inner_text()
