"""Test classifiers as single files and pickles: exact round trips, and the refusal of damaged and hostile files."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from hashlib import sha256

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab.cli import main
from cifar_lab.inference.classifier import Classifier, unpack
from cifar_lab.inference.model_card import ModelCard
from tests.test_architecture import REFUSE, ROOT

SHIPPED = ROOT / "data" / "models" / "tutorial"
TFLITE = "model.tflite"
NETWORK = (SHIPPED / TFLITE).read_bytes()
PIXELS = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return Classifier.load(SHIPPED, threads=1)


def make_zip(contents: dict, *, compression=zipfile.ZIP_DEFLATED, **changes) -> bytes:
    """Return a zip with `contents` and a card that states them, except for `changes`."""
    card = {"name": "friend", "class_names": ["a", "b"], "input_size": 32, "temperature": 1, "known_threshold": 0}
    card["files"] = {name: {"sha256": sha256(content).hexdigest()} for name, content in contents.items()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, content in ({"card.json": json.dumps(card | changes)} | contents).items():
            file.writestr(name, content)
    return buffer.getvalue()


GOOD = make_zip({TFLITE: b"x" * 300})
BOMB = make_zip({TFLITE: bytes(30_000_000)})
WRONG = {"model.keras": {"sha256": sha256(b"another file").hexdigest()}}
REFUSED = {
    "not a zip": (b"\x89PNG" + bytes(100), "is not a classifier: .*cifar-lab pack"),
    "truncated": (GOOD[:-1], "is cut off"),
    "many entries": (make_zip({f"{number:0200}": b"" for number in range(300)}), "is cut off, or not made by"),
    "zip64": (GOOD[:-22] + b"PK\6\7" + bytes(16) + GOOD[-22:], "is cut off, or not made by"),
    "no card": (GOOD.replace(b"card.json", b"README.md"), "cannot hold 'README.md'"),
    "lacks a file": (make_zip({}, files=WRONG), "does not hold exactly the files that its card states"),
    "unstated file": (make_zip({TFLITE: b"x"}, files={}), "does not hold exactly the files that its card states"),
    "outside": (make_zip({"../../evil.py": b"x"}), r"cannot hold '\.\./\.\./evil\.py'"),
    "nested": (make_zip({f"a/{TFLITE}": b"x"}), "cannot hold 'a/model.tflite'"),
    "control characters": (make_zip({"evil\x1b[2J": b"x"}), r"cannot hold 'evil\\x1b\[2J'"),
    "duplicate": (make_zip({"card.jsox": b"x"}).replace(b"card.jsox", b"card.json"), "two files with the same name"),
    "large card": (make_zip({}, note="x" * 2**20), "card.json in .* has 1,048,.* bytes; the limit is 1,048,576"),
    "deep card": (make_zip({"card.json": b"[" * 100_000}), "cannot be read"),
    "wrong SHA-256": (make_zip({"model.keras": b"x"}, files=WRONG), "its SHA-256 differs"),
    "false size": (BOMB.replace(struct.pack("<L", 30_000_000), struct.pack("<L", 10)), "is damaged"),
    "encrypted": (GOOD.replace(b"\x14\0\0\0\x08", b"\x14\0\1\0\x08"), "is encrypted"),
    "compression": (make_zip({}, compression=zipfile.ZIP_BZIP2), "unsupported compression"),
    "not a network": (GOOD, "cannot be loaded"),
    "other classes": (make_zip({TFLITE: NETWORK}), r"to 10 float32, but .* to 2 float32"),
    "name": (make_zip({TFLITE: b"x"}, name="../evil"), "cannot be a classifier's name"),
}


@pytest.mark.parametrize(("content", "sentence"), REFUSED.values(), ids=REFUSED)
@pytest.mark.usefixtures("shipped")
def test_a_damaged_or_hostile_archive_is_refused(tmp_path, content, sentence):
    (tmp_path / "bad.cifarlab").write_bytes(content)
    tracemalloc.start()
    with pytest.raises(ValueError, match=sentence):
        unpack("bad.cifarlab")
    assert tracemalloc.get_traced_memory()[1] < 10_000_000  # a bomb is not decompressed
    tracemalloc.stop()
    assert {path.name for path in tmp_path.rglob("*")} <= {"bad.cifarlab", "models"}  # nothing is left behind


def test_an_archive_has_constant_bytes_and_is_written_whole(shipped, tmp_path, monkeypatch):
    first = shipped.save("friend.cifarlab").read_bytes()
    contents = ModelCard.load("friend.cifarlab").contents
    assert contents == {name: (SHIPPED / name).read_bytes() for name in shipped.card.content["files"]}
    with pytest.raises(ValueError, match="already"):
        shipped.save("friend.cifarlab")
    with pytest.raises(ValueError, match=r"must be \.cifarlab, got 'a\.zip'"):
        shipped.save("a.zip")
    again = Classifier.load("friend.cifarlab")
    assert again.save("friend.cifarlab", replace=True).read_bytes() == first
    monkeypatch.setattr(zipfile.ZipFile, "writestr", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        again.save("friend.cifarlab", replace=True)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("friend.cifarlab", first)]


def test_the_command_line_packs_predicts_and_unpacks(shipped):
    def lab(*arguments):
        return " ".join(CliRunner().invoke(main, [str(argument) for argument in arguments]).output.split())

    Image.fromarray(PIXELS[0]).save("picture.png")
    assert "Wrote tutorial.cifarlab (1." in lab("pack", SHIPPED)
    predicted = lab("predict", "picture.png", "--model", "tutorial.cifarlab", "--json")
    assert json.loads(predicted)["score"] == pytest.approx(shipped.predict(PIXELS[0]).score, abs=1e-6)
    assert "Its classes: airplane, automobile" in lab("unpack", "tutorial.cifarlab", "--name", "mine")
    assert lab("predict", "picture.png", "--model", "mine", "--json") == predicted
    assert "already" in lab("unpack", "tutorial.cifarlab", "--name", "mine")


def test_a_pickle_is_verified_and_predicts_without_files_or_tensorflow(shipped, tmp_path):
    again = Classifier.load(shipped.save("friend.cifarlab"), threads=1)
    content = pickle.dumps(pickle.loads(pickle.dumps(again)))
    assert len(content) < len(NETWORK) + 20_000  # no Keras file, no second copy
    with pytest.raises(ValueError, match="SHA-256 differs"):
        pickle.loads(content.replace(NETWORK, NETWORK[:-1] + bytes([NETWORK[-1] ^ 1])))
    (tmp_path / "classifier").write_bytes(content)
    np.save("pixels.npy", PIXELS)
    (tmp_path / "friend.cifarlab").unlink()
    program = REFUSE + (
        "import pickle, numpy as np\n"
        "classifier = pickle.load(open('classifier', 'rb'))\n"
        "np.save('found.npy', classifier.raw_probabilities(np.load('pixels.npy')))"
    )
    subprocess.run([sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)}, check=True)
    assert np.array_equal(np.load("found.npy"), shipped.raw_probabilities(PIXELS))
