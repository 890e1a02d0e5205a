"""The upload classifier as a stand-alone page in a browser, as served by `make voila`."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.helpers import upload_steps
from tests.lessons.test_jupyterlab import CHROMIUM, QUIET

NOTEBOOK = Path(__file__).parent.parent.parent / "notebooks" / "09_upload_classifier.ipynb"

pytestmark = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="no Chromium here (on Debian: apt install chromium)"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Serve the notebook with Voila; yield its address."""
    folder = tmp_path_factory.mktemp("voila")
    shutil.copy(NOTEBOOK, folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "voila", NOTEBOOK.name, "--no-browser", f"--port={port}", "--Voila.ip=127.0.0.1"]
    environment = os.environ | {"CIFAR_LAB_DATASET": "sketches", "JUPYTER_CONFIG_DIR": str(folder / "config")}
    with open(folder / "log", "wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        server.terminate()
        server.wait(timeout=30)


@pytest.fixture(scope="module")
def page(address):
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *QUIET.split()])
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(error))
        for _ in range(60):  # the server may still be starting
            try:
                page.goto(address)
                break
            except Exception:
                page.wait_for_timeout(500)
        page.wait_for_selector("button.widget-upload", timeout=90_000)
        yield page
        browser.close()


@pytest.mark.parametrize("step", upload_steps.STEPS, ids=lambda step: step.__name__)
def test_the_upload_classifier_with_voila(page, step):
    step(page)
    assert page.errors == []
    if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):  # for people, not compared
        page.screenshot(path=Path(folder) / f"voila_{step.__name__}.png")
