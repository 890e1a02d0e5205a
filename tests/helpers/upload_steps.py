"""What a reader does with the upload classifier in a browser, step by step, and what has to be seen."""

from playwright.sync_api import expect

from cifar_lab.inference import model_card
from cifar_lab.inference.classifier import Classifier
from tests.helpers import switching
from tests.lessons.test_upload_classifier import of_every_kind


def choose(page, files: dict[str, bytes]) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("button.widget-upload").click()
    chooser.value.set_files(
        [{"name": name, "mimeType": "application/octet-stream", "buffer": content} for name, content in files.items()]
    )


def pictures_of_every_kind_and_two_that_are_none(page):
    files = of_every_kind()
    names = ("photo.jpg", "turned.jpg", "holes.png", "photo.webp", "large.jpg")
    chosen = {name: files[name] for name in names} | {"<i>cut.jpg": files["photo.jpg"][:400], "notes.txt": b"hello"}
    choose(page, chosen)
    expect(page.locator("[role=status]", has_text="5 of 7 classified, 2 could not")).to_be_visible(timeout=30_000)
    cards = page.locator("section:has(figure)")
    expect(cards).to_have_count(5)
    faults = page.locator("[role=alert] li")
    assert ["<i>cut.jpg" in faults.nth(0).inner_text(), "notes.txt" in faults.nth(1).inner_text()] == [True, True]
    classifier = Classifier.load(model_card.default_classifier())
    for number, name in enumerate(names):
        expected = classifier.predict(files[name])
        text = cards.nth(number).inner_text()
        assert f"{expected.top[0].score:.1%}" in text and expected.label in text
    # The turned photograph is the same one: its view of 32 x 32 differs by what JPEG lost at most.
    upright, turned = (classifier.predict(files[name]) for name in names[:2])
    assert upright.label == turned.label and abs(upright.score - turned.score) < 0.03


def the_table_sorts(page):
    page.get_by_role("button", name="name", exact=True).click()
    expect(
        page.locator("caption + tbody tr:nth-child(2) td, table:has(caption) tr:nth-child(2) td").first
    ).to_have_text("holes.png")


def another_classifier_another_answer(page):
    page.get_by_role("combobox", name="classifier", exact=True).select_option("tutorial")
    expected = Classifier.load("tutorial").predict(of_every_kind()["photo.webp"])
    expect(page.locator("section:has(figure)").nth(3)).to_contain_text(f"{expected.top[0].score:.1%}")


def another_cut_by_the_keyboard(page):
    closer = page.locator("text=as the network sees it").first
    expect(closer).to_be_visible()
    before = page.locator("img[alt*='as the network sees it']").get_attribute("src")
    page.locator(".noUi-handle").first.focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("img[alt*='as the network sees it']")).not_to_have_attribute("src", before)


def why(page):
    page.get_by_role("button", name="why? (Grad-CAM)").click()
    expect(page.locator("figcaption", has_text="bright: evidence for")).to_be_visible(timeout=60_000)


def clear_and_the_same_file_again(page):
    page.get_by_role("button", name="clear all").click()
    expect(page.locator("section:has(figure)")).to_have_count(0)
    photo = {"photo.jpg": of_every_kind()["photo.jpg"]}
    for count in (1, 2):
        choose(page, photo)
        expect(page.locator("section:has(figure)")).to_have_count(count)


def every_classifier_of_the_switch(page, classifiers: dict[str, Classifier]):
    """Choose a picture, and then one classifier after the other: each answers with what it knows."""
    picture = switching.warm_picture()
    choose(page, {"warm.png": picture})
    switch = page.get_by_role("combobox", name="classifier", exact=True)
    expect(switch.locator("option")).to_have_count(len(classifiers))
    card = page.locator("section:has(figure)", has_text="warm.png")
    for name, classifier in classifiers.items():
        switch.select_option(name)
        expected = classifier.predict(picture)
        for guess in expected.top:
            expect(card).to_contain_text(f"{guess.label}{guess.score:.1%}", timeout=15_000)
        size = classifier.card.input_size
        expect(card).to_contain_text(f"what it saw: {size} × {size}")
    assert (name, expected.label) == (switching.FRESH, "warm")


STEPS = (
    pictures_of_every_kind_and_two_that_are_none,
    the_table_sorts,
    another_classifier_another_answer,
    another_cut_by_the_keyboard,
    why,
    clear_and_the_same_file_again,
)
