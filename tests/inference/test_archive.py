"""Classifiers as archives and pickles: the round trip is exact, and damaged or malicious files are refused."""

import copy
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import joblib
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab.cli import main
from cifar_lab.inference import archive, model_card, packing
from cifar_lab.inference.classifier import Classifier

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "data" / "models" / "tutorial"
TFLITE = "model.tflite"


@pytest.fixture(scope="module")
def shipped():
    return Classifier.load(SHIPPED, threads=1)


@pytest.fixture(scope="module")
def archive_path(shipped, tmp_path_factory):
    return shipped.save(tmp_path_factory.mktemp("archive") / "friend.cifarlab")


@pytest.fixture(scope="module")
def pictures():
    return [Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)) for _ in range(3)]


@pytest.fixture
def models_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def scores(classifier, pictures):
    return [[entry.score for entry in prediction.top] for prediction in classifier.predict(pictures, top=10)]


def packed(path, contents: dict, **changes) -> Path:
    """Write a zip with `zipfile`, with a card that matches its files except for `changes`."""
    stated = {name: {"sha256": sha256(content).hexdigest()} for name, content in contents.items()}
    facts = {"format": 1, "name": "friend", "class_names": ["a", "b"], "input_size": 32, "files": stated}
    facts |= {"temperature": 1, "known_threshold": 0} | changes
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("card.json", json.dumps(facts))
        for name, content in contents.items():
            file.writestr(name, content)
    return path


# --- writing and reading ---


def test_an_archive_predicts_like_the_folder(shipped, archive_path, pictures):
    again = Classifier.load(archive_path, threads=1)
    assert scores(again, pictures) == scores(shipped, pictures)
    assert again.card.content == shipped.card.content


def test_an_archive_is_a_plain_zip_of_the_folder(archive_path):
    with zipfile.ZipFile(archive_path) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()}.keys() == {p.name for p in SHIPPED.iterdir()}
        for path in SHIPPED.iterdir():
            parse = json.loads if path.suffix == ".json" else bytes
            assert parse(file.read(path.name)) == parse(path.read_bytes())


def test_saving_a_loaded_archive_gives_the_same_bytes(archive_path, tmp_path):
    again = Classifier.load(archive_path, threads=1).save(tmp_path / "again.cifarlab")
    assert again.read_bytes() == archive_path.read_bytes()


def test_an_archive_predicts_without_tensorflow(shipped, archive_path, pictures, tmp_path):
    from tests.test_architecture import REFUSE

    pictures[0].save(tmp_path / "picture.png")
    program = REFUSE + (
        "from cifar_lab.inference.classifier import Classifier\n"
        "print(Classifier.load(sys.argv[1], threads=1).predict(sys.argv[2]).score)"
    )
    command = [sys.executable, "-c", program, str(archive_path), str(tmp_path / "picture.png")]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(shipped.predict(pictures[0]).score, abs=1e-6)


def test_a_scikit_learn_pipeline_can_be_archived_and_pickled(models_folder, stripes, tmp_path):
    from cifar_lab.experiments import baselines
    from cifar_lab.training.export import export_model

    pipeline = baselines.build_pipeline("logistic", features="pixels").fit(stripes.train.images, stripes.train.labels)
    export_model(pipeline, stripes, "lines").save(tmp_path / "lines.cifarlab")
    expected = pipeline.predict_proba(stripes.test.images).argmax(axis=1)
    again = Classifier.load(tmp_path / "lines.cifarlab")
    for classifier in (again, pickle.loads(pickle.dumps(again)), packing.unpack(tmp_path / "lines.cifarlab", "other")):
        assert [found.index for found in classifier.predict(stripes.test.images)] == list(expected)
        assert not classifier.card.has_network


def test_an_archive_is_written_atomically(shipped, tmp_path, monkeypatch):
    path = shipped.save(tmp_path / "friend.cifarlab")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="already"):
        shipped.save(path)
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
        with pytest.raises(OSError, match="full"):
            shipped.save(path, replace=True)
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["friend.cifarlab"]
    assert shipped.save(path, replace=True) == path
    with pytest.raises(ValueError, match=r"extension .* \.cifarlab, got 'friend\.zip'"):
        shipped.save(tmp_path / "friend.zip")


def test_the_card_of_an_archive_is_read_only(archive_path):
    with pytest.raises(ValueError, match="cifar-lab unpack"):
        model_card.ModelCard.load(archive_path).write(name="other")


# --- refused files ---


@pytest.mark.parametrize("left", [0, 3, 21, 100, 5_000, -1_000, -23, -1])
def test_a_truncated_archive_is_refused(archive_path, tmp_path, left):
    content = archive_path.read_bytes()
    (tmp_path / "cut.cifarlab").write_bytes(content[: left if left >= 0 else len(content) + left])
    with pytest.raises(ValueError, match="is not a classifier" if 0 <= left < 4 else "is cut off"):
        Classifier.load(tmp_path / "cut.cifarlab")


def test_random_damage_is_refused_or_harmless(tmp_path):
    good = packed(tmp_path / "good.cifarlab", {TFLITE: b"x" * 300}).read_bytes()
    expected = model_card.ModelCard.load(tmp_path / "good.cifarlab").content
    rng, refused = np.random.default_rng(0), 0
    for _ in range(400):
        content = bytearray(good)
        for position in rng.integers(0, len(good), rng.integers(1, 4)):
            content[position] = rng.integers(0, 256)
        (tmp_path / "bad.cifarlab").write_bytes(content)
        try:  # some bytes do not matter, such as dates
            assert model_card.ModelCard.load(tmp_path / "bad.cifarlab").content == expected
        except ValueError:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"cat\.png is not a classifier: .*cifar-lab pack"):
        Classifier.load(tmp_path / "cat.png")


def test_an_unrelated_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as file:
        file.writestr("letter.txt", "Dear friend")
    with pytest.raises(ValueError, match=r"letters\.zip holds no card\.json"):
        Classifier.load(tmp_path / "letters.zip")


def test_a_keras_network_is_refused_with_the_export_command():
    with pytest.raises(ValueError, match=r"is a Keras network.* cifar-lab export .*model\.keras --name"):
        Classifier.load(SHIPPED / "model.keras")


def test_a_changed_file_in_a_valid_zip_is_refused(archive_path, tmp_path):
    for changed in (TFLITE, "model.keras"):
        with zipfile.ZipFile(archive_path) as old, zipfile.ZipFile(tmp_path / "changed.cifarlab", "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name) + (b"x" if name == changed else b""))
        with pytest.raises(ValueError, match=f"{changed} in .* SHA-256 differs"):
            Classifier.load(tmp_path / "changed.cifarlab")


@pytest.mark.parametrize(
    ("contents", "changes", "sentence"),
    [
        ({}, {"files": {TFLITE: {"sha256": "0"}}}, "lacks model.tflite"),
        ({TFLITE: b"x"}, {"files": {}}, "does not state: model.tflite"),
        ({"../../evil.py": b"x"}, {}, r"does not know: \.\./\.\./evil\.py"),
        ({"evil\x1b[2J": b"x"}, {}, r"does not know: 'evil\\x1b\[2J'"),
        ({TFLITE: b"x"}, {"format": 2}, "has format '2'; this version reads 1"),
        ({TFLITE: b"x"}, {"class_names": ["a", "\x1b[2J"]}, "has no valid class_names"),
        ({TFLITE: b"x"}, {"framings": [[]]}, "has framings other than"),
        ({TFLITE: b"x"}, {"temperature": 10**400}, "has no temperature"),
        ({TFLITE: b"x"}, {"note": "x" * 2**20}, "card.json .* has 1,048,.* bytes, more than"),
        ({TFLITE: b"no network"}, {}, "cannot be loaded"),
    ],
)
def test_an_invalid_card_is_refused(tmp_path, contents, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Classifier.load(packed(tmp_path / "friend.cifarlab", contents, **changes))


def test_a_network_for_other_classes_or_images_is_refused(tmp_path):
    network = {TFLITE: (SHIPPED / TFLITE).read_bytes()}
    with pytest.raises(ValueError, match=r"to 10 float32, but its card says .* to 2 float32"):
        Classifier.load(packed(tmp_path / "classes.cifarlab", network))
    with pytest.raises(ValueError, match=r"maps 32 x 32 x 3 uint8 .* its card says 64 x 64 x 3 uint8"):
        Classifier.load(packed(tmp_path / "size.cifarlab", network, class_names=list("0123456789"), input_size=64))


def test_a_deeply_nested_card_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "deep.cifarlab", "w") as file:
        file.writestr("card.json", "[" * 100_000)
    with pytest.raises(ValueError, match="cannot be read"):
        Classifier.load(tmp_path / "deep.cifarlab")


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.cifarlab", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("card.json", bytes(3_000_000))
    monkeypatch.setattr(archive, "MAX_BYTES", 2_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # must be refused before anything is decompressed
    with pytest.raises(ValueError, match="would unpack to more than"):
        Classifier.load(tmp_path / "bomb.cifarlab")
    with open(tmp_path / "bomb.cifarlab", "ab") as file:
        file.truncate(2_000_001)
    with pytest.raises(ValueError, match="the limit is 1 MiB"):
        Classifier.load(tmp_path / "bomb.cifarlab")


def test_an_entry_with_a_false_size_is_refused(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("card.json", bytes(3_000_000))
    content = raw.getvalue().replace(struct.pack("<L", 3_000_000), struct.pack("<L", 10))
    (tmp_path / "liar.cifarlab").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        Classifier.load(tmp_path / "liar.cifarlab")


def test_an_archive_with_too_many_entries_is_refused_before_it_is_listed(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "many.cifarlab", "w") as file:
        for number in range(17):
            file.writestr(f"{number}", "")
    plain = (tmp_path / "many.cifarlab").read_bytes()
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, len(plain), 0)
    (tmp_path / "64.cifarlab").write_bytes(plain + b"PK\6\7" + bytes(16) + end)  # ZIP64 keeps the count elsewhere
    monkeypatch.setattr(zipfile, "ZipFile", None)
    for name in ("many.cifarlab", "64.cifarlab"):
        with pytest.raises(ValueError, match="too many files: the limit is 16"):
            Classifier.load(tmp_path / name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_unusual_zips_are_refused(tmp_path):
    path = packed(tmp_path / "twice.cifarlab", {TFLITE: b"x"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("card.json", "{}")
    with pytest.raises(ValueError, match="two files with the same name"):
        Classifier.load(path)
    with zipfile.ZipFile(tmp_path / "bz2.cifarlab", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("card.json", "{}")
    with pytest.raises(ValueError, match="compression"):
        Classifier.load(tmp_path / "bz2.cifarlab")
    locked = bytearray(packed(tmp_path / "locked.cifarlab", {}).read_bytes())
    locked[locked.index(b"PK\1\2") + 8] |= 1  # the encryption flag
    (tmp_path / "locked.cifarlab").write_bytes(locked)
    with pytest.raises(ValueError, match="is encrypted"):
        Classifier.load(tmp_path / "locked.cifarlab")


def test_a_card_with_an_unknown_file_is_not_packed(tmp_path):
    names = {TFLITE: (SHIPPED / TFLITE).read_bytes(), "notes.txt": b"hello"}
    stated = {name: {"sha256": sha256(content).hexdigest()} for name, content in names.items()}
    facts = json.loads((SHIPPED / "card.json").read_text()) | {"files": stated}
    for name, content in (names | {"card.json": json.dumps(facts).encode()}).items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"states notes\.txt"):
        Classifier.load(tmp_path).save(tmp_path / "friend.cifarlab")


# --- unpacking ---


def test_an_unpacked_archive_is_a_normal_classifier(models_folder, archive_path, shipped, pictures):
    assert packing.unpack(archive_path).card.folder == models_folder / "tutorial"
    assert scores(Classifier.load("tutorial", threads=1), pictures) == scores(shipped, pictures)
    assert {p.name: p.read_bytes() for p in (models_folder / "tutorial").iterdir() if p.suffix != ".json"} == {
        p.name: p.read_bytes() for p in SHIPPED.iterdir() if p.suffix != ".json"
    }
    with pytest.raises(ValueError, match="already"):
        packing.unpack(archive_path)
    assert packing.unpack(archive_path, replace=True).card.name == "tutorial"
    assert packing.unpack(archive_path, "from-a-friend").card.name == "from-a-friend"
    assert model_card.list_classifiers() == ["from-a-friend", "tutorial"]


def test_a_refused_archive_leaves_nothing_behind(models_folder, tmp_path):
    bad = packed(tmp_path / "bad.cifarlab", {TFLITE: b"no network"})
    evil = packed(tmp_path / "evil.cifarlab", {TFLITE: (SHIPPED / TFLITE).read_bytes()}, name="../evil")
    for path, sentence in ((bad, "cannot be loaded"), (evil, "cannot be a classifier's name")):
        with pytest.raises(ValueError, match=sentence):
            packing.unpack(path)
    with pytest.raises(ValueError, match="There is no file 'nowhere' to unpack"):
        packing.unpack("nowhere")
    assert not models_folder.exists() or list(models_folder.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.cifarlab", "evil.cifarlab", "models"}


def test_the_command_line_packs_predicts_and_unpacks(models_folder, shipped, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures[0].save("picture.png")

    def lab(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert "Wrote tutorial.cifarlab (1." in lab("pack", SHIPPED)
    prediction = json.loads(lab("predict", "picture.png", "--model", "tutorial.cifarlab", "--json"))
    assert prediction["score"] == pytest.approx(shipped.predict(pictures[0]).score, abs=1e-6)
    assert "Its classes: airplane, automobile" in lab("unpack", "tutorial.cifarlab", "--name", "mine")
    assert json.loads(lab("predict", "picture.png", "--model", "mine", "--json")) == prediction
    assert lab("pack", "mine", "copy.cifarlab") and Path("copy.cifarlab").is_file()
    kept = CliRunner().invoke(main, ["evaluate", "copy.cifarlab", "--keep"])
    assert kept.exit_code == 2 and "cifar-lab unpack copy.cifarlab" in " ".join(kept.output.split())


# --- pickles ---


@pytest.mark.parametrize("load", [lambda: Classifier.load(SHIPPED, threads=1), None])
def test_a_pickled_classifier_predicts_the_same(archive_path, shipped, pictures, tmp_path, load):
    classifier = load() if load else Classifier.load(archive_path, threads=1)
    joblib.dump(classifier, tmp_path / "pipeline.joblib")
    for again in (pickle.loads(pickle.dumps(classifier)), joblib.load(tmp_path / "pipeline.joblib")):
        assert scores(again, pictures) == scores(shipped, pictures)
        assert again._threads == 1
    assert copy.deepcopy(classifier).predict(pictures[0]).score == shipped.predict(pictures[0]).score


def test_a_pickle_loads_without_the_original_files(archive_path, shipped, pictures, tmp_path):
    elsewhere = tmp_path / "moved.cifarlab"
    elsewhere.write_bytes(archive_path.read_bytes())
    content = pickle.dumps(Classifier.load(elsewhere, threads=1))
    elsewhere.unlink()
    again = pickle.loads(content)
    assert scores(again, pictures) == scores(shipped, pictures)
    assert scores(pickle.loads(pickle.dumps(again)), pictures) == scores(shipped, pictures)  # pickled again
    with pytest.raises(ValueError, match=r"model\.keras is missing"):
        again.card.read_verified("model.keras")


def test_the_model_in_a_pickle_is_verified(shipped):
    content = pickle.dumps(shipped)
    network = (SHIPPED / TFLITE).read_bytes()
    assert content.count(network) == 1  # no second copy from the interpreter
    assert len(content) < len(network) + 20_000
    changed = content.replace(network, network[:-1] + bytes([network[-1] ^ 1]))
    with pytest.raises(ValueError, match="SHA-256 differs"):
        pickle.loads(changed)


def test_a_pickle_predicts_without_the_folder_and_without_tensorflow(shipped, pictures, tmp_path):
    from tests.test_architecture import REFUSE

    (tmp_path / "classifier").write_bytes(pickle.dumps(shipped))
    pictures[0].save(tmp_path / "picture.png")
    program = REFUSE + (
        "import pickle\n"
        "classifier = pickle.load(open('classifier', 'rb'))\n"
        "print(classifier.predict('picture.png').score)"
    )
    environment = os.environ | {"PYTHONPATH": str(ROOT), "CIFAR_LAB_MODELS": str(tmp_path)}
    command = [sys.executable, "-c", program]
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(shipped.predict(pictures[0]).score, abs=1e-6)
