"""The way of a picture: every orientation, mode and format, every limit, and 2,000 damaged files."""

import io
import pickle
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from cifar_lab import images
from cifar_lab.images import PictureError, formats, open_picture, to_input

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return stream.getvalue()


def corners(width: int = 60, height: int = 40) -> np.ndarray:
    """Red, green, blue and white quarters: top left, top right, bottom left, bottom right."""
    array = np.empty((height, width, 3), np.uint8)
    array[: height // 2, : width // 2], array[: height // 2, width // 2 :] = RED, GREEN
    array[height // 2 :, : width // 2], array[height // 2 :, width // 2 :] = BLUE, WHITE
    return array


def png_header(width: int, height: int, bits: int = 8, colour: int = 0) -> bytes:
    """A PNG that claims a size and has hardly any data."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10)) + chunk(b"IEND", b"")
    )


def code_of(source, **options) -> str:
    with pytest.raises(PictureError) as caught:
        open_picture(source, **options)
    assert str(caught.value).endswith("."), "an error is a sentence"
    return caught.value.code


# --- where a picture comes from ---


def test_every_kind_of_source_gives_the_same_picture(tmp_path):
    content = encoded(Image.fromarray(corners()), "PNG")
    (tmp_path / "picture.png").write_bytes(content)
    sources = [content, bytearray(content), memoryview(content), io.BytesIO(content)]
    sources += [tmp_path / "picture.png", str(tmp_path / "picture.png"), Image.fromarray(corners()), corners()]
    for source in sources:
        opened = open_picture(source)
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(opened), corners())


def test_the_format_is_read_from_the_content_not_the_name(tmp_path):
    (tmp_path / "picture.png").write_bytes(encoded(Image.fromarray(corners()), "BMP"))
    assert open_picture(tmp_path / "picture.png").size == (60, 40)


# --- upright, RGB ---

# What the camera stored, for each value of the EXIF tag, so that the upright picture is `corners()`.
STORED = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),  # to be turned clockwise, so stored turned the other way
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_every_orientation_comes_out_upright(kind, orientation):
    picture = Image.fromarray(np.ascontiguousarray(STORED[orientation](corners())))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(picture, kind, exif=exif, quality=95)
    opened = np.asarray(open_picture(content))
    assert opened.shape == (40, 60, 3)
    quarters = [opened[10, 15], opened[10, 45], opened[30, 15], opened[30, 45]]
    for found, expected in zip(quarters, (RED, GREEN, BLUE, WHITE), strict=True):
        np.testing.assert_allclose(found, expected, atol=30)  # JPEG and WebP are not exact
    again = open_picture(open_picture(content))
    np.testing.assert_array_equal(np.asarray(again), opened)  # not turned twice
    assert not again.getexif() and not again.info
    by_pillow = Image.open(io.BytesIO(content))
    np.testing.assert_array_equal(np.asarray(open_picture(by_pillow)), opened)
    assert by_pillow.getexif()[0x0112] == orientation, "the reader's own image is left as it was"


def test_broken_metadata_do_not_cost_the_picture():
    content = encoded(Image.fromarray(corners()), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 40)
    assert open_picture(content).size == (60, 40)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *(("1", kind) for kind in ("PNG", "BMP", "GIF")),
        *(("L", kind) for kind in ("PNG", "JPEG", "BMP", "GIF")),
        *(("P", kind) for kind in ("PNG", "BMP", "GIF")),
        *(("RGB", kind) for kind in ("PNG", "JPEG", "WEBP", "BMP")),
        *(("RGBA", kind) for kind in ("PNG", "WEBP")),
        *(("LA", "PNG"), ("CMYK", "JPEG"), ("YCbCr", "JPEG")),
    ],
)
def test_every_mode_of_every_format_becomes_rgb(mode, kind):
    opened = open_picture(encoded(Image.fromarray(corners()).convert(mode), kind))
    assert opened.mode == "RGB"
    light = np.asarray(opened.convert("L"), int)
    assert light[30, 45] > 200 > 160 > light[30, 15]  # white is lighter than blue, whatever the mode


@pytest.mark.parametrize("mode", ["I", "F", "HSV", "LAB", "PA", "La", "RGBa", "RGBX"])
def test_every_mode_of_an_image_in_memory_becomes_rgb_or_a_sentence(mode):
    base = Image.fromarray(corners())
    try:
        picture = base.convert(mode)
    except ValueError:
        picture = Image.new(mode, (60, 40))
    try:
        assert open_picture(picture).mode == "RGB"
    except PictureError as error:
        assert error.code == "unsupported_format"


def test_cmyk_keeps_its_colours():
    opened = open_picture(encoded(Image.new("CMYK", (20, 20), (0, 255, 255, 0)), "JPEG", quality=95))
    np.testing.assert_allclose(np.asarray(opened)[10, 10], RED, atol=12)


def test_sixteen_bit_grey_is_scaled_not_clipped():
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None].repeat(4, axis=0)
    opened = np.asarray(open_picture(encoded(Image.fromarray(ramp), "PNG")))
    np.testing.assert_allclose(opened[0, :, 0], np.arange(256), atol=1)


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True, "exact": True})])
def test_transparency_lies_on_white(kind, options):
    pixels = np.random.default_rng(4).integers(0, 256, (700, 5, 4), dtype=np.uint8)
    pixels[:9, :, 3], pixels[9:18, :, 3] = 0, 255
    share = pixels[..., 3:] / 255
    truth = pixels[..., :3] * share + 255 * (1 - share)
    found = np.asarray(open_picture(encoded(Image.fromarray(pixels), kind, **options)), float)
    assert np.abs(found - truth).max() <= 1


def test_an_opened_picture_is_not_copied_again():
    opened = open_picture(encoded(Image.new("RGB", (9, 9)), "PNG"))
    assert open_picture(opened) is opened


def test_a_transparent_palette_colour_lies_on_white():
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 0, 0, 255])
    np.testing.assert_array_equal(np.asarray(open_picture(encoded(picture, "PNG", transparency=1)))[0, 0], WHITE)
    np.testing.assert_array_equal(np.asarray(open_picture(encoded(picture, "PNG")))[0, 0], BLUE)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "MPO"])  # MPO: two pictures of a phone
def test_an_animation_gives_its_first_frame(kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, BLUE)]
    content = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(np.asarray(open_picture(content))[10, 10], RED, atol=4)


@pytest.mark.parametrize(
    ("array", "first_pixel"),
    [
        (np.full((4, 4), 200, np.uint8), (200, 200, 200)),
        (np.full((4, 4, 1), 200, np.uint8), (200, 200, 200)),
        (np.full((4, 4, 3), (1, 2, 3), np.uint8), (1, 2, 3)),
        (np.full((4, 4, 4), (9, 9, 9, 0), np.uint8), (255, 255, 255)),
        (np.full((4, 4), 65535, np.uint16), (255, 255, 255)),
        (np.full((4, 4, 3), 0.5), (128, 128, 128)),
        (np.full((4, 4, 3), 1.0, np.float32), (255, 255, 255)),
    ],
)
def test_arrays(array, first_pixel):
    assert open_picture(array).getpixel((0, 0)) == first_pixel


@pytest.mark.parametrize(
    "array",
    [
        *(np.zeros((4, 4, 2), np.uint8), np.zeros(4, np.uint8), np.zeros((0, 4, 3), np.uint8)),
        *(np.zeros((4, 4, 3), np.int64), np.full((4, 4, 3), 200.0), np.full((4, 4, 3), np.nan)),
        np.array([["a"]]),
    ],
)
def test_arrays_that_are_no_pictures(array):
    assert code_of(array) == "unsupported_format"


# --- what the network sees ---


def test_a_picture_of_the_right_size_passes_untouched():
    array = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(to_input(array), array)
    np.testing.assert_array_equal(to_input(encoded(Image.fromarray(array), "PNG")), array)


def test_centre_cuts_the_sides_and_squash_keeps_them():
    array = np.zeros((100, 300, 3), np.uint8)
    array[:, 100:200] = 255
    assert to_input(array)[:, 1:-1].min() == 255  # the filter reaches a little beyond the edge
    squashed = to_input(array, framing="squash")[:, :, 0]
    assert squashed[:, :9].max() < 20 and squashed[:, 12:20].min() > 235


def test_shrinking_averages_over_all_pixels():
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 255  # picking single pixels would give black or white
    np.testing.assert_allclose(to_input(stripes)[:, 2:-2], 127.5, atol=1)


def test_a_reduced_jpeg_gives_nearly_what_the_full_one_gives():
    small = np.random.default_rng(1).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    big = Image.fromarray(small).resize((3200, 2400), Image.Resampling.BICUBIC)
    content = encoded(big, "JPEG", quality=92)
    opened = open_picture(content)
    assert opened.size == (400, 300)  # an eighth
    full = (
        Image.open(io.BytesIO(content)).convert("RGB").crop((400, 0, 2800, 2400)).resize((32, 32), Image.Resampling.BOX)
    )
    assert np.abs(to_input(content).astype(int) - np.asarray(full)).mean() < 4


def test_reduced_jpegs_keep_both_sides_large_enough():
    for size in ((300, 5000), (5000, 300), (511, 513), (1024, 1024)):
        assert min(open_picture(encoded(Image.new("RGB", size), "JPEG")).size) >= images.WORKING_SIDE


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"framing": "left"}, "centre, squash"), ({"size": 0}, "from 1 to"), ({"size": 10**6}, "from 1 to")],
)
def test_impossible_inputs_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        to_input(corners(), **options)


# --- limits and errors ---


@pytest.mark.parametrize(
    ("width", "height", "refused"),
    [(5000, 5000, False), (5001, 5000, True), (10_001, 1, True), (1, 10_001, True), (60_000, 60_000, True)],
)
def test_the_pixel_limit_is_read_from_the_header_before_decoding(monkeypatch, width, height, refused):
    def decoded(*_):
        raise AssertionError("decoded")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", decoded)
    if refused:
        assert code_of(png_header(width, height)) == "too_many_pixels"
    else:
        with pytest.raises(AssertionError, match="decoded"):
            open_picture(png_header(width, height))


def test_the_pixel_limit_holds_for_images_and_arrays_too():
    assert code_of(Image.new("1", (10_001, 2))) == "too_many_pixels"
    assert code_of(np.zeros((2, 10_001), np.uint8)) == "too_many_pixels"


def test_the_byte_limit_is_exact():
    content = encoded(Image.fromarray(corners()), "PNG")
    assert open_picture(content, max_bytes=len(content)).size == (60, 40)
    for source in (content, io.BytesIO(content)):
        assert code_of(source, max_bytes=len(content) - 1) == "too_large"


def test_no_more_is_read_than_the_limit():
    class Endless(io.RawIOBase):
        def read(self, size=-1):
            assert 0 < size <= 1001
            return b"x" * size

    assert code_of(Endless(), max_bytes=1000) == "too_large"


@pytest.mark.parametrize(
    "source",
    [b"", io.BytesIO(b""), "no such file.jpg", "nul\0byte.jpg", 5, None, io.StringIO("text"), Path(__file__).parent],
)
def test_nothing_there(source):
    assert code_of(source) == "no_file"


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\0\0\0\x18ftypheic" + b"\0" * 20, "HEIC"),
        (b"\0\0\0\x18ftypavif" + b"\0" * 20, "AVIF"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"<?xml version='1.0'?><svg/>", "SVG"),
        (encoded(Image.new("RGB", (4, 4)), "TIFF"), "TIFF"),
        (encoded(Image.new("RGB", (16, 16)), "ICO"), "ICO"),
    ],
)
def test_other_formats_are_named(content, name):
    with pytest.raises(PictureError, match=f"{name} files are not supported. Save it as JPEG") as caught:
        open_picture(content)
    assert caught.value.code == "unsupported_format"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP"])
def test_a_cut_off_file_is_damaged(kind):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    content = encoded(noise, kind)
    assert code_of(content[: len(content) // 2]) == "corrupt_image"
    assert code_of(content[:9]) == "corrupt_image" or kind == "WEBP"


def test_a_png_with_a_text_bomb_is_damaged():
    information = PngImagePlugin.PngInfo()
    information.add_text("comment", "x" * 50_000_000, zip=True)
    content = encoded(Image.fromarray(corners()), "PNG", pnginfo=information)
    assert len(content) < 200_000
    assert code_of(content) == "corrupt_image"


def test_errors_can_be_sent_between_processes():
    error = pickle.loads(pickle.dumps(PictureError("no_file", "The file is empty.")))
    assert (error.code, str(error)) == ("no_file", "The file is empty.")


def mutated(generator: np.random.Generator, content: bytes, other: bytes) -> bytes:
    """Flip bytes, cut, repeat, or splice with another file."""
    array = bytearray(content)
    kind = generator.integers(4)
    if kind == 0:
        for position in generator.integers(0, len(array), generator.integers(1, 20)):
            array[position] = generator.integers(256)
    elif kind == 1:
        array = array[: generator.integers(1, len(array))]
    elif kind == 2:
        start, end = sorted(generator.integers(0, len(array), 2))
        array[start:start] = array[start:end]
    else:
        cut = generator.integers(1, len(array))
        array = array[:cut] + bytearray(other)[cut:]
    for position in generator.integers(0, min(len(array), 40), generator.integers(0, 3)):  # headers matter most
        array[position] = generator.integers(256)
    return bytes(array)


def test_two_thousand_damaged_files_raise_nothing_but_picture_errors():
    base = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 20, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    originals = [encoded(base, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP")]
    originals += [encoded(base, "JPEG", progressive=True), encoded(base.convert("CMYK"), "JPEG")]
    originals += [encoded(base.convert(mode), "PNG") for mode in ("1", "LA", "P", "RGBA")]
    originals += [encoded(base.convert("P"), "GIF"), encoded(base, "BMP"), encoded(base.convert("RGBA"), "WEBP")]
    originals += [encoded(base, kind, save_all=True, append_images=[base]) for kind in ("GIF", "MPO", "WEBP")]
    generator = np.random.default_rng(1)
    opened = 0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", UserWarning)  # about metadata, which the library leaves aside too
        for number in range(2000):
            content = mutated(
                generator, originals[number % len(originals)], originals[generator.integers(len(originals))]
            )
            try:
                assert to_input(content).shape == (32, 32, 3)
                opened += 1
            except PictureError as error:
                assert error.code in ("unsupported_format", "corrupt_image", "too_many_pixels")
    assert 100 < opened < 1900  # the damage is neither nothing nor everything


def test_accepted_formats_are_all_recognised_by_their_first_bytes():
    for kind in formats.ACCEPTED:
        assert formats.recognise(encoded(Image.new("RGB", (8, 8)), kind)) == kind
