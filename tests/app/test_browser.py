"""The page in a real browser: every way to send pictures, every way it can go wrong, and what everybody can use.

Each test also fails on an error in a script, on a request to another host, and on whatever the page's own security
policy stops. With `CIFAR_LAB_SCREENSHOTS` naming a folder the pages are left there, to look at.
"""

import base64
import io
import os
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.app.conftest import Server, saved
from tests.helpers import switching

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = "--disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update"
WATCH = "addEventListener('securitypolicyviolation', event => console.error('STOPPED', event.violatedDirective))"

pytestmark = pytest.mark.skipif(
    not CHROMIUM and not os.environ.get("CI"), reason="no Chromium here (on Debian: apt install chromium)"
)


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *QUIET.split()])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, server):
    """Opens an address of the page as a visitor of some kind; what goes wrong in the browser fails the test."""
    yield from _visiting(browser, server)


def _visiting(browser, server):
    faults, contexts = [], []

    def open_page(address: str = "/", **visitor):
        contexts.append(context := browser.new_context(base_url=server.address, **visitor))
        page = context.new_page()
        page.set_default_timeout(30_000)
        if visitor.get("java_script_enabled", True):
            page.add_init_script(WATCH)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda line: faults.append(line.text) if "STOPPED" in line.text else None)
        page.on("request", lambda request: faults.append(request.url) if _is_foreign(request.url, server) else None)
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _is_foreign(address: str, server) -> bool:
    return urlsplit(address).scheme not in ("data", "blob") and not address.startswith(server.address)


@pytest.fixture(scope="module")
def files(pictures) -> dict[str, dict]:
    """Files to choose: two good ones and a broken one."""
    cat, ship = saved(pictures["cat"], "JPEG"), saved(pictures["ship"])
    content = {"cat.jpg": cat, "ship, at sea.png": ship, "broken.jpg": cat[:300]}
    return {name: {"name": name, "mimeType": "image/png", "buffer": value} for name, value in content.items()}


def send(page, *chosen) -> None:
    page.set_input_files("#file", list(chosen))
    page.click("#send")


def cards(page):
    return page.locator("#results .card")


def alert(page):
    return page.locator("#results [role=alert]")


# --- every way to send pictures ---


def test_choosing_a_file_shows_the_result_without_a_new_page(visit, files):
    page = visit()
    page.evaluate("window.stays = true")
    page.set_input_files("#file", files["cat.jpg"])
    expect(page.locator("#previews li")).to_have_text([re.compile(r"cat\.jpg, [1-9]\d? KiB")])
    page.click("#send")
    expect(cards(page)).to_have_count(1)
    expect(page.locator("figcaption").first).to_contain_text("cat.jpg")
    expect(page.locator(".bars li")).to_have_count(3)
    assert page.evaluate("document.activeElement.id") == "results"
    for image in page.locator(".card img").all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 0")
    assert page.title().startswith("Result")
    assert page.evaluate("window.stays")
    send(page, files["ship, at sea.png"])
    expect(page.locator("figcaption").first).to_contain_text("ship, at sea.png")


TRANSFER = """async ([content, name]) => {
    const bytes = Uint8Array.from(atob(content), letter => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, {type: "image/png"}));
    return transfer;
}"""


def transfer(page, picture: Image.Image, name: str):
    return page.evaluate_handle(TRANSFER, [base64.b64encode(saved(picture)).decode(), name])


def test_a_file_can_be_dropped_anywhere(visit, pictures):
    page = visit()
    data = {"dataTransfer": transfer(page, pictures["frog"], "frog.png")}
    page.dispatch_event("h1", "dragover", data)
    expect(page.locator("#drop")).to_have_class("over")
    page.dispatch_event("h1", "drop", data)
    expect(page.locator("#drop")).not_to_have_class("over")
    expect(page.locator("#previews")).to_contain_text("frog.png")
    page.click("#send")
    expect(page.locator("figcaption").first).to_contain_text("frog.png")


def test_a_picture_can_be_pasted(visit, pictures):
    page = visit()
    page.evaluate(
        "data => document.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true}))",
        transfer(page, pictures["bird"], "image.png"),
    )
    expect(page.locator("#status")).to_have_text("1 chosen.")
    page.click("#send")
    expect(cards(page)).to_have_count(1)


def test_the_keyboard_is_enough(visit, files):
    page = visit()
    page.on("filechooser", lambda chooser: chooser.set_files(files["cat.jpg"]))
    focused = "document.activeElement.id || document.activeElement.value || document.activeElement.textContent.trim()"
    stops = []
    while "send" not in stops:
        page.keyboard.press("Tab")
        stops.append(page.evaluate(focused))
        assert len(stops) < 20
        if stops[-1] == "file":
            page.keyboard.press("Enter")
            expect(page.locator("#previews")).to_contain_text("cat.jpg")
        if stops[-1] == "model":
            page.keyboard.type("softer")
    assert stops == ["cifar-lab", "Upload", "API", "theme", "file", "model", "send"]
    page.keyboard.press("Enter")
    expect(page.locator("#results")).to_contain_text("Predicted by softer")
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "Upload another"


def test_a_drawing_needs_no_file(visit):
    page = visit()
    page.get_by_alt_text("A drawing: truck").click()
    expect(page.locator("figcaption").first).to_contain_text("truck.png")


def test_without_javascript(visit, files):
    page = visit(java_script_enabled=False)
    expect(page.locator("#theme")).to_be_hidden()
    expect(page.locator(".scripted")).to_be_hidden()
    page.select_option("#model", "softer")
    send(page, files["cat.jpg"], files["broken.jpg"])
    assert page.url.endswith("/result")
    expect(cards(page)).to_have_count(2)
    expect(alert(page)).to_have_count(1)
    expect(page.locator("#model")).to_have_value("softer")
    page.get_by_text("Upload another").click()
    page.get_by_alt_text("A drawing: dog").click()
    expect(cards(page)).to_have_count(1)


def test_one_bad_file_among_several_is_named(visit, files):
    page = visit()
    send(page, *files.values())
    expect(cards(page)).to_have_count(3)
    expect(alert(page)).to_have_count(1)
    expect(page.locator(".card", has=page.locator("[role=alert]"))).to_contain_text("broken.jpg")
    expect(page.locator(".bars")).to_have_count(2)


def test_another_model_answers(visit, files):
    page = visit()
    page.select_option("#model", "softer")
    send(page, files["cat.jpg"])
    expect(page.locator("#results")).to_contain_text("Predicted by softer")
    expect(page.locator(".answer h3")).to_have_text("none of these")  # at a temperature of 50 nothing is sure
    page.select_option("#model", "tutorial")
    page.click("#send")
    expect(page.locator("#results")).to_contain_text("Predicted by tutorial")


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    """All that are shipped, and one that was just exported from a folder, by their names; the last item is theirs."""
    place = tmp_path_factory.mktemp("switch") / "models"
    place.mkdir()
    return switching.make_models(place), place


@pytest.fixture
def visit_all(browser, classifiers, tmp_path_factory):
    """As `visit`, where the page has all of those."""
    server = Server(tmp_path_factory.mktemp("server"), CIFAR_LAB_MODELS=str(classifiers[1]))
    try:
        yield from _visiting(browser, server)
    finally:
        server.stop()


def test_the_switch_has_every_shipped_classifier_and_a_fresh_one(visit_all, classifiers):
    page, (known, _) = visit_all(), classifiers
    assert {"cifar10", "tutorial", switching.FRESH} <= set(known)
    assert sorted(page.locator("#model option").all_inner_texts()) == sorted(known)
    picture = Image.open(io.BytesIO(switching.warm_picture()))
    for name, classifier in known.items():
        page.select_option("#model", name)
        data = {"dataTransfer": transfer(page, picture, f"for {name}.png")}
        page.dispatch_event("h1", "drop", data)
        page.click("#send")
        expect(page.locator("#results")).to_contain_text(f"Predicted by {name}")
        expect(page.locator("figcaption").first).to_contain_text(f"for {name}.png")
        expected = classifier.predict(picture)
        bars = [f"{guess.label}{100 * guess.score:.1f} %" for guess in expected.top]
        assert ["".join(line.split("\n")) for line in page.locator(".bars li").all_inner_texts()] == bars
        expect(page.locator(".answer h3")).to_contain_text(expected.label if expected.known else "none of these")
        expect(page.locator(".seen")).to_have_attribute("width", str(classifier.card.input_size))
    assert classifier.class_names == ("cool", "warm") and (expected.label, expected.known) == ("warm", True)


# --- what goes wrong ---


def test_too_much_is_said_before_it_is_sent(visit, tmp_path):
    for name, size in (("small", 9), ("fits", 5_000_000), ("large", 6_000_000)):
        (tmp_path / f"{name}.png").write_bytes(bytes(size))
    page = visit()
    page.on("request", lambda request: pytest.fail("sent") if request.method == "POST" else None)
    for chosen, words in (
        (["small"] * 17, "17 files are too many"),
        (["large"], "is larger than 5.0 MiB"),
        (["fits"] * 4, "larger than 16.0 MiB in total"),
    ):
        send(page, *(tmp_path / f"{name}.png" for name in chosen))
        expect(alert(page)).to_contain_text(words)


def test_the_servers_own_sentence_is_shown(visit, files):
    page = visit()
    send(page, files["broken.jpg"])
    expect(alert(page)).to_contain_text("damaged")
    expect(page.locator("#send")).to_be_enabled()
    send(page, files["cat.jpg"])
    expect(page.locator(".bars")).to_have_count(1)
    expect(alert(page)).to_have_count(0)


@pytest.mark.parametrize(
    ("status", "words"), [(413, "larger than the server accepts"), (500, "returned an error (500)"), (502, "(502)")]
)
def test_something_between_us_and_the_server_answers(visit, files, status, words):
    page = visit()
    page.route("**/result", lambda route: route.fulfill(status=status, body="<html><h1>nginx</h1></html>"))
    send(page, files["cat.jpg"])
    expect(alert(page)).to_contain_text(words)
    expect(page.locator("#send")).to_be_enabled()
    expect(page.locator("#progress")).to_be_hidden()


def test_no_connection(visit, files):
    page = visit()
    page.route("**/result", lambda route: route.abort())
    send(page, files["cat.jpg"])
    expect(alert(page)).to_contain_text("can't be reached")
    expect(page.locator("#send")).to_be_enabled()


def test_a_server_that_never_answers(visit, files):
    page = visit()
    page.clock.install()
    page.route("**/result", lambda route: None)
    send(page, files["cat.jpg"])
    expect(page.locator("#send")).to_be_disabled()
    page.clock.fast_forward(59_000)
    expect(page.locator("#progress")).to_be_visible()
    page.clock.fast_forward(2_000)
    expect(alert(page)).to_contain_text("did not respond")
    expect(page.locator("#send")).to_be_enabled()


# --- how it looks ---


def ground(page) -> str:
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_the_theme_is_the_systems_until_the_reader_says_otherwise_and_is_remembered(visit):
    light = ground(visit(color_scheme="light"))
    page = visit(color_scheme="dark")
    dark = ground(page)
    assert dark != light
    expect(page.locator("#theme")).to_have_text("Light theme")
    page.click("#theme")
    assert ground(page) == light
    for address in ("/", "/api"):
        page.goto(address)
        assert ground(page) == light
    expect(page.locator("#theme")).to_have_text("Dark theme")
    page.click("#theme")
    assert ground(page) == dark


def every_state(page, files):
    """Lead a page through its states, and give the name of each."""
    yield "empty"
    page.set_input_files("#file", list(files.values()))
    yield "chosen"
    page.click("#send")
    expect(cards(page)).to_have_count(3)
    yield "result"
    send(page, {**files["broken.jpg"], "name": "x" * 200 + ".jpg"})
    expect(cards(page)).to_have_count(1)
    yield "error"
    page.goto("/api")
    yield "api"


@pytest.mark.parametrize("width", [360, 1280])
def test_it_fits(visit, files, width):
    page = visit(viewport={"width": width, "height": 800}, color_scheme="dark" if width == 360 else "light")
    for state in every_state(page, files):
        assert page.evaluate("document.documentElement.scrollWidth") <= width, state
        if folder := os.environ.get("CIFAR_LAB_SCREENSHOTS"):
            page.screenshot(path=Path(folder) / f"page_{width}_{state}.png", full_page=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nobody_is_hindered(visit, files, theme):
    """Deque's axe checks what a program can of the WCAG: contrast, names, roles, order."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    page = visit(color_scheme=theme)
    for state in every_state(page, files):
        violations = axe.Axe().run(page).response["violations"]
        assert [(one["id"], node["html"]) for one in violations for node in one["nodes"]] == [], state
