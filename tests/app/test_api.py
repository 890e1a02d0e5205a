"""The API and the page on every kind of input: the right answer, or the right status with the same sentence on both."""

import html
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from cifar_lab.inference.classifier import Classifier
from tests.app.conftest import saved


def send(client, content: bytes, *, to: str = "/api/predict", name: str = "picture", **fields):
    return client.post(to, data={"file": (io.BytesIO(content), name), **fields})


def predictions(response) -> list[dict]:
    assert response.status_code == 200, response.text
    return response.json["predictions"]


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int, *chunks: bytes) -> bytes:
    """A grey PNG file written by hand, all black."""
    rows = zlib.compress(bytes((width + 1) * height), 9)
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


# --- right answers ---


@pytest.fixture(scope="module")
def classifier(models):
    return Classifier.load(models / "tutorial")


def test_the_api_says_exactly_what_the_library_says(client, classifier, pictures):
    for name, picture in pictures.items():
        expected = classifier.predict(saved(picture), top=3)
        (found,) = predictions(send(client, saved(picture), name=f"{name}.png"))
        assert (found["label"], found["index"], found["score"]) == (expected.label, expected.index, expected.score)
        assert found["known"] == expected.known
        assert found["top"] == [{"label": guess.label, "score": guess.score} for guess in expected.top]
        assert found["filename"] == f"{name}.png"
        assert found["input"] == {"format": "PNG", "width": 96, "height": 96}


def test_several_files_come_back_in_order(client, classifier, pictures):
    content = {name: saved(picture) for name, picture in pictures.items()}
    files = [(io.BytesIO(content[name]), f"{name}.png") for name in content]
    found = predictions(client.post("/api/predict", data={"file": files}))
    assert [one["filename"] for one in found] == [f"{name}.png" for name in content]
    expected = [prediction.score for prediction in classifier.predict(list(content.values()))]
    assert [one["score"] for one in found] == expected  # one stacked batch, as in the library


def test_16_files_of_15_megabytes_together_fit(client):
    noise = np.random.default_rng(2).integers(0, 256, (16, 560, 560, 3), dtype=np.uint8)
    content = [saved(Image.fromarray(pixels)) for pixels in noise]
    assert 15_000_000 < sum(map(len, content)) < 16 * 2**20
    files = [(io.BytesIO(one), "noise.png") for one in content]
    assert len(predictions(client.post("/api/predict", data={"file": files}))) == 16


def test_a_raw_body_and_a_drawing_by_name(client, png):
    raw = client.post("/api/predict?top_k=2&model=tutorial", data=png, content_type="image/png")
    (found,) = predictions(raw)
    assert found["filename"] is None
    assert len(found["top"]) == 2
    assert {**found, "filename": "picture"} == predictions(send(client, png, top_k="2"))[0]
    assert predictions(client.post("/api/predict", data={"sample": "cat"}))[0]["filename"] == "cat.png"


def test_a_card_that_asks_for_several_views_gets_them(client, models, pictures):
    wide = saved(pictures["automobile"].crop((0, 20, 96, 70)))
    files = [(io.BytesIO(wide), "wide.png"), (io.BytesIO(saved(pictures["cat"])), "square.png")]
    found = predictions(client.post("/api/predict", data={"file": files, "model": "views", "top_k": "10"}))
    expected = Classifier.load(models / "views").predict([wide, saved(pictures["cat"])], top=10)
    assert [[one["score"] for one in answer["top"]] for answer in found] == [
        [guess.score for guess in prediction.top] for prediction in expected
    ]
    assert found[0]["score"] != Classifier.load(models / "tutorial").predict(wide).score
    assert "squashed" in found[0]["notes"][0] and found[1]["notes"] == []


def test_the_model_is_chosen_by_name(client, png):
    scores = {}
    for model in ("tutorial", "softer"):
        response = send(client, png, model=model)
        assert response.json["model"] == model
        scores[model] = predictions(response)[0]["score"]
    assert scores["softer"] < 0.2 < scores["tutorial"]  # at a temperature of 50 all classes are nearly alike
    assert [model["name"] for model in client.get("/api/models").json["models"]] == ["tutorial", "softer", "views"]


def grey_16_bit() -> tuple[bytes, np.ndarray]:
    steps = np.linspace(0, 65535, 48 * 48).reshape(48, 48)
    return saved(Image.fromarray(steps.astype(np.uint16))), np.repeat((steps // 257)[..., None], 3, axis=2)


def palette_on_white() -> tuple[bytes, np.ndarray]:
    indices = np.tile(np.arange(48) // 24, (48, 1)).astype(np.uint8)
    picture = Image.fromarray(indices).convert("P")
    picture.putpalette([10, 20, 30, 200, 100, 0])
    truth = np.array([[10, 20, 30], [255, 255, 255]])[indices]
    return saved(picture, transparency=1), truth


def animation(kind: str) -> tuple[bytes, np.ndarray]:
    frames = [Image.new("RGB", (48, 48), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    lossless = {"lossless": True} if kind == "WEBP" else {}
    content = saved(frames[0], kind, save_all=True, append_images=frames[1:], loop=0, duration=100, **lossless)
    return content, np.full((48, 48, 3), (255, 0, 0))


def cmyk() -> tuple[bytes, np.ndarray]:
    # Full cyan, nothing else: a flat area survives JPEG.
    return saved(Image.new("CMYK", (48, 48), (255, 0, 0, 0)), "JPEG", quality=100), np.full((48, 48, 3), (0, 255, 255))


@pytest.mark.parametrize(
    ("content", "truth", "note"),
    [
        pytest.param(*grey_16_bit(), None, id="16-bit grey"),
        pytest.param(*cmyk(), None, id="CMYK"),
        pytest.param(*palette_on_white(), "Transparent", id="palette"),
        pytest.param(*animation("GIF"), "first frame", id="GIF"),
        pytest.param(*animation("WEBP"), "first frame", id="WebP"),
    ],
)
def test_odd_pictures_are_read_as_they_look(client, classifier, content, truth, note):
    (found,) = predictions(send(client, content))
    assert found["score"] == pytest.approx(classifier.predict(truth.astype(np.uint8)).score, abs=0.01)
    assert any(note in line for line in found["notes"]) if note else found["notes"] == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_their_exif_says(client, classifier, pictures, orientation):
    upright = np.asarray(pictures["truck"])
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    (found,) = predictions(send(client, saved(Image.fromarray(np.ascontiguousarray(stored)), exif=exif)))
    assert found["score"] == classifier.predict(upright).score


def test_a_wide_picture_is_cut_and_that_is_said(client):
    (found,) = predictions(send(client, saved(Image.new("RGB", (200, 100), "white"), "JPEG")))
    assert found["input"] == {"format": "JPEG", "width": 200, "height": 100}
    assert found["notes"] == ["Only the square in the middle is used."]


# --- wrong input ---


def jpeg() -> bytes:
    return saved(Image.radial_gradient("L").convert("RGB"), "JPEG")


BAD_FILES = {
    "empty": (b"", 400, "no_file"),
    "6 MB": (b"\xff\xd8\xff" + bytes(6_000_000), 413, "too_large"),
    "text": (b"hello, I am a picture", 415, "unsupported_format"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415, "unsupported_format"),
    "HEIC": (struct.pack(">I", 24) + b"ftypheic" + bytes(200), 415, "unsupported_format"),
    "PDF": (b"%PDF-1.7\n%stuff", 415, "unsupported_format"),
    "TIFF": (saved(Image.new("RGB", (32, 32)), "TIFF"), 415, "unsupported_format"),
    "truncated JPEG": (jpeg()[: len(jpeg()) // 2], 422, "corrupt_image"),
    "head of a JPEG": (jpeg()[:12], 422, "corrupt_image"),
    "84 megapixels": (png_of(12_000, 7_000), 422, "too_many_pixels"),
    "narrow and long": (png_of(1, 10_001), 422, "too_many_pixels"),
    "text bomb": (png_of(9, 9, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26)))), 422, "corrupt_image"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_a_bad_file_gets_its_status_and_the_same_sentence_on_both(client, kind):
    content, status, code = BAD_FILES[kind]
    answer, page = (send(client, content, to=to) for to in ("/api/predict", "/result"))
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert page.status_code == status
    assert f'role="alert">{answer.json["error"]}<' in html.unescape(page.text)


def multipart(*parts: bytes, end: bytes = b"--edge--\r\n") -> dict:
    return {"data": b"".join(b"--edge\r\n" + part + b"\r\n" for part in parts) + end,
            "content_type": "multipart/form-data; boundary=edge"}  # fmt: skip


FILE_PART = b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
TINY = saved(Image.new("RGB", (32, 32), "red"))
BAD_REQUESTS = {
    "nothing": ({}, 400, "no_file"),
    "text field instead of a file": ({"data": {"file": "cat.png"}}, 400, "no_file"),
    "text field beside a drawing": ({"data": {"file": "cat.png", "sample": "cat"}}, 400, "no_file"),
    "file in another field": ({"data": {"picture": (TINY, "a.png")}}, 400, "no_file"),
    "no file chosen": (multipart(FILE_PART.replace(b"a.png", b"")), 400, "no_file"),
    "no boundary": ({"data": b"--edge", "content_type": "multipart/form-data"}, 400, "bad_request"),
    "cut-off multipart": (multipart(FILE_PART + TINY, end=b""), 400, "bad_request"),
    "cut-off in the second file": (
        multipart(FILE_PART + TINY, end=b"--edge\r\n" + FILE_PART + TINY[:50]), 400, "bad_request"),
    "JSON": ({"json": {"file": "a.png"}}, 400, "no_file"),
    "17 files": ({"data": {"file": [(TINY, "a.png")] * 17}}, 413, "too_many_files"),
    "20 MB": ({"data": {"file": (bytes(20_000_000), "a.png")}}, 413, "too_large"),
    "a long text field": ({"data": {"file": (TINY, "a.png"), "model": "x" * 600_000}}, 413, "too_large"),
    "1,000 fields": ({"data": {f"field{i}": "x" for i in range(1000)} | {"file": (TINY, "a")}}, 413, "too_large"),
    "6 MB as the body": ({"data": bytes(6_000_000), "content_type": "image/png"}, 413, "too_large"),
    "no body at all": ({"content_type": "image/png"}, 400, "no_file"),
    "unknown model": ({"data": {"file": (TINY, "a.png"), "model": "../tutorial"}}, 404, "unknown_model"),
    "unknown drawing": ({"data": {"sample": "../cat"}}, 404, "not_found"),
    "another site": (
        {"data": {"file": (TINY, "a.png")}, "headers": {"Sec-Fetch-Site": "cross-site"}},
        403,
        "cross_site",
    ),
    "one good top_k and one bad": (
        {"data": {"file": (TINY, "a.png"), "top_k": "12"}, "query_string": "top_k=3"}, 400, "bad_top_k"),
    **{
        f"top_k {value[:9]}": ({"data": {"file": (TINY, "a.png"), "top_k": value}}, 400, "bad_top_k")
        for value in ("0", "11", "x", "-1", "3.0", "", "²", "9" * 5000)
    },
}  # fmt: skip


def fresh(request: dict) -> dict:
    """The request with its files opened, since a client closes what it has sent."""

    def opened(value):
        return (io.BytesIO(value[0]), value[1]) if isinstance(value, tuple) else value

    if not isinstance(request.get("data"), dict):
        return request
    fields = {name: [opened(one) for one in value] if isinstance(value, list) else opened(value)
              for name, value in request["data"].items()}  # fmt: skip
    return {**request, "data": fields, "content_type": "multipart/form-data"}


@pytest.mark.parametrize("kind", BAD_REQUESTS)
def test_a_bad_request_gets_its_status_and_the_same_sentence_on_both(client, kind):
    request, status, code = BAD_REQUESTS[kind]
    answer, page = (client.post(to, **fresh(request)) for to in ("/api/predict", "/result"))
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert len(answer.json["error"]) < 250
    assert page.status_code == status
    assert answer.json["error"] in html.unescape(page.text)


def test_one_bad_file_among_several(client, png):
    files = [(png, "good.png"), (b"%PDF", "bad.pdf"), (png, "fine.png")]
    opened = lambda: {"file": [(io.BytesIO(content), name) for content, name in files]}  # noqa: E731
    answer = client.post("/api/predict", data=opened())
    assert answer.status_code == 415
    assert answer.json["error"].startswith("File 2: PDF files are not supported.")
    page = client.post("/result", data=opened())
    assert page.status_code == 200
    assert page.text.count('class="card"') == 3
    assert page.text.count('role="alert"') == 1


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>.png", "<img src=x onerror=alert(1)>.png"),
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\\\pictures\\\\cat.png", "cat.png"),  # escaped, as the format wants it
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\x00b.png", "ab.png"),
        ("x" * 9000 + ".png", "x" * 80),
        ("Ärger im Büro 猫.png", "Ärger im Büro 猫.png"),
        ("'; DROP TABLE pictures; --.png", "'; DROP TABLE pictures; --.png"),
        ("/", None),
    ],
)
def test_file_names_are_shown_and_nothing_else(client, png, name, shown):
    (found,) = predictions(send(client, png, name=name))
    assert found["filename"] == shown
    page = send(client, png, to="/result", name=name).text
    assert "<img src=x" not in page
    assert shown is None or shown in html.unescape(page)


def test_wrong_addresses_and_methods(client):
    for method, address, status in (
        ("get", "/api/predict", 405), ("get", "/result", 405), ("put", "/result", 405), ("post", "/", 405),
        ("delete", "/api/models", 405), ("get", "/nothing", 404), ("get", "/api/nothing", 404),
        ("get", "/samples/dragon.png", 404), ("get", "/samples/../app.png", 404), ("get", "/static/../routes.py", 404),
    ):  # fmt: skip
        response = getattr(client, method)(address)
        assert response.status_code == status, address
        assert response.is_json == address.startswith("/api/")
        if status == 405:
            assert response.headers["Allow"]


def test_files_with_changed_bytes_never_break_the_server(client, pictures):
    generator = np.random.default_rng(5)
    originals = [saved(pictures["frog"].resize((40, 40)), kind) for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP")]
    statuses = set()
    for number in range(400):
        content = bytearray(originals[number % 5])
        for _ in range(generator.integers(1, 8)):
            content[generator.integers(0, len(content))] = generator.integers(0, 256)
        kept = len(content) if number % 3 else generator.integers(1, len(content))
        statuses.add(send(client, bytes(content[:kept])).status_code)
    assert statuses <= {200, 415, 422}
    assert len(statuses) == 3
