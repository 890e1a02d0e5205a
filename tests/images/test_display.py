"""What is shown of a file: names that do no harm, sizes of the upright picture, notes, and pictures in addresses."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from cifar_lab import images
from cifar_lab.images import display


def facts(content: bytes, *framings: str) -> tuple:
    picture = images.read_picture(content)
    return picture.format, picture.width, picture.height, display.framing_notes(picture, framings or ("centre",))


def test_a_name_is_its_last_part():
    for given in ("cat.png", "../../cat.png", "C:\\pictures\\cat.png", "/cat.png"):
        assert display.safe_name(given) == "cat.png"
    assert display.safe_name("..") == ".."
    for nothing in (None, "", "/", "\x00\u202e"):
        assert display.safe_name(nothing) is None


def test_a_name_has_no_characters_that_do_something():
    assert display.safe_name("photo\u202egnp.exe") == "photognp.exe"  # else it would read "photoexe.png"
    assert display.safe_name("a\r\nb\x00c\x1b[31m.png") == "abc[31m.png"
    assert display.safe_name("Ärger im Büro 猫.png") == "Ärger im Büro 猫.png"
    assert len(display.safe_name("x" * 9000)) == 80


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_is_that_of_the_upright_picture(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    for width, height in ((3000, 2000), (90, 60)):  # the larger one is decoded at a smaller size
        found = facts(shown_file(Image.new("RGB", (width, height)), "JPEG", exif=exif))
        assert found[1:3] == ((width, height) if orientation <= 4 else (height, width))


def shown_file(picture: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def test_the_notes_say_how_the_network_looks():
    wide = shown_file(Image.new("RGB", (80, 40)), "PNG")
    (cut,), (squeezed,), (both,) = (
        facts(wide, *framings)[3] for framings in (("centre",), ("squash",), ("squash", "centre"))
    )
    assert cut == "Only the square in the middle is used."
    assert squeezed == "The picture is squashed into a square."
    assert both.startswith("Both")
    assert facts(shown_file(Image.new("RGB", (40, 40)), "BMP")) == ("BMP", 40, 40, [])


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_noted(kind):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    moving = shown_file(frames[0], kind, save_all=True, append_images=frames[1:], loop=0, duration=9)
    still = shown_file(frames[0], kind)
    assert facts(moving)[3] == ["Only the first frame is used."]
    assert facts(still)[3] == []


def test_a_phones_second_picture_is_no_animation():
    two = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    assert facts(shown_file(two[0], "MPO", save_all=True, append_images=two[1:])) == ("JPEG", 8, 8, [])


def test_transparency_is_noted():
    assert facts(shown_file(Image.new("RGBA", (8, 8)), "PNG"))[3] == ["Transparent parts are shown on white."]


def test_an_address_holds_the_picture():
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    for picture in (pixels, Image.fromarray(pixels)):
        start, _, content = display.data_url(picture, "PNG").partition(",")
        assert start == "data:image/png;base64"
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(content)))), pixels)
