"""Be the classifier: answers are recorded and scored, and nothing is revealed before the end."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cifar_lab.data.dataset import Split
from cifar_lab.lessons.widgets.be_the_classifier import BeTheClassifier, colours, score

NAMES = ("cat", "dog", "ship & boat")
LABELS = np.array([0, 2, 1, 0])
RIVALS = {"network": ["cat", "ship & boat", "cat", "cat"], "<mean>": ["dog"] * 4}


@pytest.fixture
def pictures():
    images = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 3), dtype=np.uint8)
    return Split(images, LABELS)


@pytest.fixture
def game(pictures):
    return BeTheClassifier(pictures, NAMES, rivals=RIVALS)


def choose(game, *names) -> None:
    for name in names:
        next(button for button in game.buttons if button.description == name).click()


def shown(text: str) -> list[np.ndarray]:
    found = re.findall(r'src="data:image/png;base64,([^"]*)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))) for png in found]


def everything(game) -> str:
    return game.view.value + game.message.value + game.table.value


def test_the_images_are_shown_one_after_another(game, pictures):
    for number, image in enumerate(pictures.images, start=1):
        large, small = shown(game.view.value)
        np.testing.assert_array_equal(large, image)
        np.testing.assert_array_equal(small, image)
        assert f"Picture {number} of 4" in game.message.value
        choose(game, "dog")
    assert game.done and game.view.value == ""


def test_nothing_is_revealed_before_the_end(pictures):
    displayed = []
    for labels in (LABELS, LABELS[::-1].copy()):
        game = BeTheClassifier(Split(pictures.images, labels), NAMES, rivals={"network": ["cat"] * 4})
        for answer in ("dog", "dog", "cat"):
            choose(game, answer)
            displayed.append(everything(game))
    assert displayed[:3] == displayed[3:]  # the display does not depend on the labels


def test_at_the_end_everyone_is_scored_on_the_same_images(game):
    choose(game, "cat", "ship & boat", "dog", "dog")
    lines = re.sub("<[^>]*>", "\n", game.message.value).split("\n")
    assert [line.partition(",")[0] for line in lines if line] == [
        "you: 3 of 4 right",
        "network: 3 of 4 right",
        "&lt;mean&gt;: 1 of 4 right",
    ]
    rows = re.findall(r"<tr>(.*?)</tr>", game.table.value)
    assert len(rows) == 5
    assert "<td>dog <b>(wrong)</b></td><td>cat</td><td>dog <b>(wrong)</b></td>" in rows[4]  # you, network, mean
    assert "<td>ship &amp; boat</td>" in rows[2]


def test_the_score_has_a_wilson_interval():
    right, total, z = 17, 20, 1.959964
    share = right / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    expected = f"you: 17 of 20 right, 85% (95 % interval {middle - half:.0%} to {middle + half:.0%})"
    assert score("you", 17, 20) == expected


def test_back_and_start_over(game):
    assert game.back.disabled
    choose(game, "cat", "dog")
    game.back.click()
    assert game.answers == ["cat"] and "Picture 2 of 4" in game.message.value
    choose(game, "ship & boat", "dog", "cat")
    assert all(button.disabled for button in game.buttons)
    game.back.click()  # also after the last image
    assert game.answers == ["cat", "ship & boat", "dog"] and game.table.value == ""
    assert not any(button.disabled for button in game.buttons)
    game.over.click()
    assert game.answers == [] and "Picture 1 of 4" in game.message.value


def test_the_widget_is_accessible(game, pictures):
    assert [button.description for button in game.buttons] == list(NAMES)  # work with the keyboard
    assert '<div role="status" aria-live="polite">' in game.message.value
    assert f"Picture 1 of 4, {colours(pictures.images[0])}" in game.view.value
    choose(game, *["cat"] * 4)
    assert '<th scope="col">network</th>' in game.table.value


def test_colours_describe_the_nine_parts():
    image = np.zeros((32, 32, 3), np.uint8)
    image[:10] = (80, 130, 200)
    image[10:21, :11] = (250, 250, 250)
    image[21:] = (70, 150, 60)
    displayed = colours(image)
    assert displayed == "top: blue, blue, blue; middle: white, black, black; bottom: green, green, green"


def test_the_text_version_says_to_run_the_cell(game):
    assert "run this cell" in game._repr_mimebundle_()["text/plain"]


def test_arguments_that_do_not_fit_are_refused(pictures):
    with pytest.raises(ValueError, match="pictures is empty"):
        BeTheClassifier(pictures.take(np.array([], int)), NAMES, rivals={})
    with pytest.raises(ValueError, match="label is 2, but there are only 2 class names"):
        BeTheClassifier(pictures, NAMES[:2], rivals={})
    with pytest.raises(ValueError, match="'network' has 3 predictions, but there are 4 images"):
        BeTheClassifier(pictures, NAMES, rivals={"network": ["cat"] * 3})
