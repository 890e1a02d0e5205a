"""A classifier as one file, and in a pickle: what comes out is what went in, and nothing else is let in."""

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
ANSWERS = "model.tflite"


@pytest.fixture(scope="module")
def shipped():
    return Classifier.load(SHIPPED, threads=1)


@pytest.fixture(scope="module")
def mailed(shipped, tmp_path_factory):
    return shipped.save(tmp_path_factory.mktemp("mail") / "friend.cifarlab")


@pytest.fixture(scope="module")
def pictures():
    return [Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)) for _ in range(3)]


@pytest.fixture
def models_here(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def scores(classifier, pictures):
    return [[guess.score for guess in prediction.top] for prediction in classifier.predict(pictures, top=10)]


def packed(path, contents: dict, **changes) -> Path:
    """A zip by Python's own hand, with a card that fits its files unless `changes` say otherwise."""
    stated = {name: {"sha256": sha256(content).hexdigest()} for name, content in contents.items()}
    facts = {"format": 1, "name": "friend", "class_names": ["a", "b"], "input_size": 32, "files": stated}
    facts |= {"temperature": 1, "known_threshold": 0} | changes
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("card.json", json.dumps(facts))
        for name, content in contents.items():
            file.writestr(name, content)
    return path


# --- the file ---


def test_a_file_answers_as_the_folder_does(shipped, mailed, pictures):
    again = Classifier.load(mailed, threads=1)
    assert scores(again, pictures) == scores(shipped, pictures)
    assert again.card.content == shipped.card.content


def test_a_file_is_a_plain_zip_of_the_folder(mailed):
    with zipfile.ZipFile(mailed) as file:
        assert file.testzip() is None
        assert {name: file.read(name) for name in file.namelist()}.keys() == {p.name for p in SHIPPED.iterdir()}
        for path in SHIPPED.iterdir():
            same = json.loads if path.suffix == ".json" else bytes
            assert same(file.read(path.name)) == same(path.read_bytes())


def test_a_saved_file_can_be_saved_again_to_the_same_bytes(mailed, tmp_path):
    again = Classifier.load(mailed, threads=1).save(tmp_path / "again.cifarlab")
    assert again.read_bytes() == mailed.read_bytes()


def test_a_file_answers_where_tensorflow_is_not_installed(shipped, mailed, pictures, tmp_path):
    from tests.test_architecture import REFUSE

    pictures[0].save(tmp_path / "picture.png")
    program = REFUSE + (
        "from cifar_lab.inference.classifier import Classifier\n"
        "print(Classifier.load(sys.argv[1], threads=1).predict(sys.argv[2]).score)"
    )
    command = [sys.executable, "-c", program, str(mailed), str(tmp_path / "picture.png")]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert float(found.stdout) == pytest.approx(shipped.predict(pictures[0]).score, abs=1e-6)


def test_a_pipeline_goes_into_a_file_and_a_pickle_too(models_here, stripes, tmp_path):
    from cifar_lab.experiments import baselines
    from cifar_lab.training.export import export_model

    pipeline = baselines.build_pipeline("logistic", features="pixels").fit(stripes.train.images, stripes.train.labels)
    export_model(pipeline, stripes, "lines").save(tmp_path / "lines.cifarlab")
    expected = pipeline.predict_proba(stripes.test.images).argmax(axis=1)
    again = Classifier.load(tmp_path / "lines.cifarlab")
    for classifier in (again, pickle.loads(pickle.dumps(again)), packing.unpack(tmp_path / "lines.cifarlab", "other")):
        assert [found.index for found in classifier.predict(stripes.test.images)] == list(expected)
        assert not classifier.card.has_network


def test_a_file_is_written_whole_or_not_at_all(shipped, tmp_path, monkeypatch):
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
    with pytest.raises(ValueError, match=r"ends in \.cifarlab, not as 'friend\.zip' does"):
        shipped.save(tmp_path / "friend.zip")


def test_a_file_is_not_changed(mailed):
    with pytest.raises(ValueError, match="cifar-lab unpack"):
        model_card.ModelCard.load(mailed).write(name="other")


# --- what is refused ---


@pytest.mark.parametrize("left", [0, 3, 21, 100, 5_000, -1_000, -23, -1])
def test_a_file_that_was_cut_off_is_refused(mailed, tmp_path, left):
    content = mailed.read_bytes()
    (tmp_path / "cut.cifarlab").write_bytes(content[: left if left >= 0 else len(content) + left])
    with pytest.raises(ValueError, match="is no classifier" if left < 4 and left >= 0 else "is cut off.*fetched whole"):
        Classifier.load(tmp_path / "cut.cifarlab")


def test_whatever_is_damaged_is_refused_or_harmless(tmp_path):
    good = packed(tmp_path / "good.cifarlab", {ANSWERS: b"x" * 300}).read_bytes()
    expected = model_card.ModelCard.load(tmp_path / "good.cifarlab").content
    rng, refused = np.random.default_rng(0), 0
    for _ in range(400):
        content = bytearray(good)
        for place in rng.integers(0, len(good), rng.integers(1, 4)):
            content[place] = rng.integers(0, 256)
        (tmp_path / "bad.cifarlab").write_bytes(content)
        try:  # a date in the zip may be any
            assert model_card.ModelCard.load(tmp_path / "bad.cifarlab").content == expected
        except ValueError:
            refused += 1
    assert refused > 300


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_another_kind_of_file_is_refused(tmp_path, content):
    (tmp_path / "cat.png").write_bytes(content)
    with pytest.raises(ValueError, match=r"cat\.png is no classifier: .*cifar-lab pack"):
        Classifier.load(tmp_path / "cat.png")


def test_a_zip_of_other_things_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as file:
        file.writestr("letter.txt", "Dear friend")
    with pytest.raises(ValueError, match=r"letters\.zip holds no card\.json"):
        Classifier.load(tmp_path / "letters.zip")


def test_a_network_of_keras_is_sent_to_export():
    with pytest.raises(ValueError, match=r"is a network of Keras.* cifar-lab export .*model\.keras --name"):
        Classifier.load(SHIPPED / "model.keras")


def test_a_changed_file_is_refused(mailed, tmp_path):
    """Somebody who packs it again, so that the zip itself is sound."""
    for changed in (ANSWERS, "model.keras"):
        with zipfile.ZipFile(mailed) as old, zipfile.ZipFile(tmp_path / "changed.cifarlab", "w") as new:
            for name in old.namelist():
                new.writestr(name, old.read(name) + (b"x" if name == changed else b""))
        with pytest.raises(ValueError, match=f"{changed} in .* SHA-256 differs"):
            Classifier.load(tmp_path / "changed.cifarlab")


@pytest.mark.parametrize(
    ("contents", "changes", "sentence"),
    [
        ({}, {"files": {ANSWERS: {"sha256": "0"}}}, "lacks model.tflite"),
        ({ANSWERS: b"x"}, {"files": {}}, "does not state: model.tflite"),
        ({"../../evil.py": b"x"}, {}, r"does not know: \.\./\.\./evil\.py"),
        ({"evil\x1b[2J": b"x"}, {}, r"does not know: 'evil\\x1b\[2J'"),
        ({ANSWERS: b"x"}, {"format": 2}, "has format '2'; this lab reads 1: get its newest version"),
        ({ANSWERS: b"x"}, {"class_names": ["a", "\x1b[2J"]}, "names no classes"),
        ({ANSWERS: b"x"}, {"framings": [[]]}, "asks for other framings"),
        ({ANSWERS: b"x"}, {"temperature": 10**400}, "gives no temperature"),
        ({ANSWERS: b"x"}, {"note": "x" * 2**20}, "card.json of 1,048,.* bytes, more than"),
        ({ANSWERS: b"no network"}, {}, "cannot be loaded"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, contents, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        Classifier.load(packed(tmp_path / "friend.cifarlab", contents, **changes))


def test_a_network_for_other_classes_or_images_is_refused(tmp_path):
    network = {ANSWERS: (SHIPPED / ANSWERS).read_bytes()}
    with pytest.raises(ValueError, match=r"to 10 float32, but its card by .* to 2 float32"):
        Classifier.load(packed(tmp_path / "classes.cifarlab", network))
    with pytest.raises(ValueError, match=r"goes by 32 x 32 x 3 uint8 .* its card by 64 x 64 x 3 uint8"):
        Classifier.load(packed(tmp_path / "size.cifarlab", network, class_names=list("0123456789"), input_size=64))


def test_a_deeply_nested_card_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "deep.cifarlab", "w") as file:
        file.writestr("card.json", "[" * 100_000)
    with pytest.raises(ValueError, match="cannot be read"):
        Classifier.load(tmp_path / "deep.cifarlab")


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "bomb.cifarlab", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("card.json", bytes(3_000_000))
    monkeypatch.setattr(archive, "MAX_BYTES", 2_000_000)
    monkeypatch.setattr(zipfile.ZipFile, "open", None)  # it is not even begun
    with pytest.raises(ValueError, match="would unpack to more than"):
        Classifier.load(tmp_path / "bomb.cifarlab")
    with open(tmp_path / "bomb.cifarlab", "ab") as file:
        file.truncate(2_000_001)
    with pytest.raises(ValueError, match=r"at most .* are read"):
        Classifier.load(tmp_path / "bomb.cifarlab")


def test_an_entry_that_lies_about_its_size_is_refused(tmp_path):
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("card.json", bytes(3_000_000))
    content = raw.getvalue().replace(struct.pack("<L", 3_000_000), struct.pack("<L", 10))
    (tmp_path / "liar.cifarlab").write_bytes(content)
    with pytest.raises(ValueError, match="is damaged"):
        Classifier.load(tmp_path / "liar.cifarlab")


def test_a_file_with_very_many_entries_is_not_listed(tmp_path, monkeypatch):
    with zipfile.ZipFile(tmp_path / "many.cifarlab", "w") as file:
        for number in range(17):
            file.writestr(f"{number}", "")
    plain = (tmp_path / "many.cifarlab").read_bytes()
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, 50, len(plain), 0)
    (tmp_path / "64.cifarlab").write_bytes(plain + b"PK\6\7" + bytes(16) + end)  # the true number stands elsewhere
    monkeypatch.setattr(zipfile, "ZipFile", None)
    for name in ("many.cifarlab", "64.cifarlab"):
        with pytest.raises(ValueError, match="holds too much: at most 16 files"):
            Classifier.load(tmp_path / name)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_strange_zips_are_refused(tmp_path):
    path = packed(tmp_path / "twice.cifarlab", {ANSWERS: b"x"})
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("card.json", "{}")
    with pytest.raises(ValueError, match="two files of one name"):
        Classifier.load(path)
    with zipfile.ZipFile(tmp_path / "bz2.cifarlab", "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("card.json", "{}")
    with pytest.raises(ValueError, match="packed in another way"):
        Classifier.load(tmp_path / "bz2.cifarlab")
    locked = bytearray(packed(tmp_path / "locked.cifarlab", {}).read_bytes())
    locked[locked.index(b"PK\1\2") + 8] |= 1  # the flag that it is encrypted
    (tmp_path / "locked.cifarlab").write_bytes(locked)
    with pytest.raises(ValueError, match="is encrypted"):
        Classifier.load(tmp_path / "locked.cifarlab")


def test_a_folder_that_states_something_strange_is_not_packed(tmp_path):
    names = {ANSWERS: (SHIPPED / ANSWERS).read_bytes(), "notes.txt": b"hello"}
    stated = {name: {"sha256": sha256(content).hexdigest()} for name, content in names.items()}
    facts = json.loads((SHIPPED / "card.json").read_text()) | {"files": stated}
    for name, content in (names | {"card.json": json.dumps(facts).encode()}).items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=r"states a notes\.txt, which does not belong to a classifier"):
        Classifier.load(tmp_path).save(tmp_path / "friend.cifarlab")


# --- into the models folder ---


def test_an_unpacked_file_is_a_classifier_like_others(models_here, mailed, shipped, pictures):
    assert packing.unpack(mailed).card.folder == models_here / "tutorial"
    assert scores(Classifier.load("tutorial", threads=1), pictures) == scores(shipped, pictures)
    assert {p.name: p.read_bytes() for p in (models_here / "tutorial").iterdir() if p.suffix != ".json"} == {
        p.name: p.read_bytes() for p in SHIPPED.iterdir() if p.suffix != ".json"
    }
    with pytest.raises(ValueError, match="already"):
        packing.unpack(mailed)
    assert packing.unpack(mailed, replace=True).card.name == "tutorial"
    assert packing.unpack(mailed, "from-a-friend").card.name == "from-a-friend"
    assert model_card.list_classifiers() == ["from-a-friend", "tutorial"]


def test_nothing_is_left_of_a_file_that_is_refused(models_here, tmp_path):
    bad = packed(tmp_path / "bad.cifarlab", {ANSWERS: b"no network"})
    evil = packed(tmp_path / "evil.cifarlab", {ANSWERS: (SHIPPED / ANSWERS).read_bytes()}, name="../evil")
    for path, sentence in ((bad, "cannot be loaded"), (evil, "cannot be a classifier's name")):
        with pytest.raises(ValueError, match=sentence):
            packing.unpack(path)
    with pytest.raises(ValueError, match="There is no file 'nowhere' to unpack"):
        packing.unpack("nowhere")
    assert not models_here.exists() or list(models_here.iterdir()) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.cifarlab", "evil.cifarlab", "models"}


def test_the_command_line_packs_predicts_and_unpacks(models_here, shipped, pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pictures[0].save("picture.png")

    def lab(*arguments):
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        assert result.exit_code == 0, result.output
        return result.output

    assert "Wrote tutorial.cifarlab (1." in lab("pack", SHIPPED)
    answer = json.loads(lab("predict", "picture.png", "--model", "tutorial.cifarlab", "--json"))
    assert answer["score"] == pytest.approx(shipped.predict(pictures[0]).score, abs=1e-6)
    assert "Its classes: airplane, automobile" in lab("unpack", "tutorial.cifarlab", "--name", "mine")
    assert json.loads(lab("predict", "picture.png", "--model", "mine", "--json")) == answer
    assert lab("pack", "mine", "copy.cifarlab") and Path("copy.cifarlab").is_file()
    kept = CliRunner().invoke(main, ["evaluate", "copy.cifarlab", "--keep"])
    assert kept.exit_code == 2 and "cifar-lab unpack copy.cifarlab" in " ".join(kept.output.split())


# --- pickles ---


@pytest.mark.parametrize("load", [lambda: Classifier.load(SHIPPED, threads=1), None])
def test_a_pickled_classifier_answers_the_same(mailed, shipped, pictures, tmp_path, load):
    classifier = load() if load else Classifier.load(mailed, threads=1)
    joblib.dump(classifier, tmp_path / "pipeline.joblib")
    for again in (pickle.loads(pickle.dumps(classifier)), joblib.load(tmp_path / "pipeline.joblib")):
        assert scores(again, pictures) == scores(shipped, pictures)
        assert again._threads == 1
    assert copy.deepcopy(classifier).predict(pictures[0]).score == shipped.predict(pictures[0]).score


def test_a_pickle_is_opened_where_the_folder_is_not(mailed, shipped, pictures, tmp_path):
    elsewhere = tmp_path / "moved.cifarlab"
    elsewhere.write_bytes(mailed.read_bytes())
    content = pickle.dumps(Classifier.load(elsewhere, threads=1))
    elsewhere.unlink()
    again = pickle.loads(content)
    assert scores(again, pictures) == scores(shipped, pictures)
    assert scores(pickle.loads(pickle.dumps(again)), pictures) == scores(shipped, pictures)  # and handed on
    with pytest.raises(ValueError, match=r"model\.keras is missing"):
        again.card.read_verified("model.keras")


def test_what_a_pickle_carries_is_verified(shipped):
    content = pickle.dumps(shipped)
    network = (SHIPPED / ANSWERS).read_bytes()
    assert content.count(network) == 1  # the interpreter, and what it holds, stay here
    assert len(content) < len(network) + 20_000
    changed = content.replace(network, network[:-1] + bytes([network[-1] ^ 1]))
    with pytest.raises(ValueError, match="SHA-256 differs"):
        pickle.loads(changed)


def test_a_worker_without_the_folder_and_without_tensorflow_answers(shipped, pictures, tmp_path):
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
