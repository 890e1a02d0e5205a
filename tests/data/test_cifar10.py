"""Test loading CIFAR-10 from complete, damaged and hostile folders and archives, all of them made here."""

import io
import os
import pickle
import subprocess
import sys
import tarfile

import numpy as np
import pytest

from cifar_lab import data
from cifar_lab.core import paths
from cifar_lab.data import cifar10, cifar10_files, sketches
from cifar_lab.data.cifar10_files import DataError

PER_BATCH = 20


def batch_rows(number: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(number)
    return generator.integers(0, 256, (PER_BATCH, 3072), dtype=np.uint8), np.arange(PER_BATCH) % 10


def write_python(folder, protocol=2):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(cifar10_files.BATCHES):
        rows, labels = batch_rows(number)
        content = {b"batch_label": name.encode(), b"labels": labels.tolist(), b"data": rows}
        (folder / name).write_bytes(pickle.dumps(content, protocol=protocol))
    return folder


def write_binary(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(cifar10_files.BATCHES):
        rows, labels = batch_rows(number)
        (folder / f"{name}.bin").write_bytes(np.hstack([labels[:, None].astype(np.uint8), rows]).tobytes())
    return folder


def pack(folder, archive, inside="cifar-10-batches-py"):
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(folder, arcname=inside)
    return archive


def expected():
    """Return the images as the format is documented: a red, a green and a blue plane, each row by row."""
    images = np.empty((6 * PER_BATCH, 32, 32, 3), np.uint8)
    for number in range(6):
        rows, _ = batch_rows(number)
        for i, row in enumerate(rows):
            for channel in range(3):
                plane = row[channel * 1024 : (channel + 1) * 1024]
                images[number * PER_BATCH + i, :, :, channel] = plane.reshape(32, 32)
    return images


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_python_batches_load_in_every_pickle_protocol(tmp_path, protocol):
    images, labels, official = cifar10_files.read_batches(write_python(tmp_path / "py", protocol), PER_BATCH)
    np.testing.assert_array_equal(images, expected())
    np.testing.assert_array_equal(labels, np.tile(np.arange(PER_BATCH) % 10, 6))
    assert images.dtype == np.uint8 and labels.dtype == np.int64
    assert not official


def test_python_2_batch_is_parsed():
    # As in the official files: protocol 2, byte strings (opcodes U and T) and NumPy 1's names.
    rows = np.arange(3072, dtype=np.uint8).tobytes()
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
        b"(K\x01K\x01M\x00\x0c\x86cnumpy\ndtype\n(U\x02u1K\x00K\x01tR"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T"
    )
    array += len(rows).to_bytes(4, "little") + rows + b"tb"
    content = b"\x80\x02}(U\x04data" + array + b"U\x06labels](K\x07eu."
    found, labels = cifar10_files._parse_pickle(content, "data_batch_1")
    assert found.tobytes() == rows and found.shape == (1, 3072)
    assert labels.tolist() == [7]


@pytest.mark.parametrize("write", [write_python, write_binary])
def test_folder_and_archive_give_the_same_images(tmp_path, write):
    folder = write(tmp_path / "folder")
    archive = pack(folder, tmp_path / "cifar-10-python.tar.gz")
    for place in (folder, archive):
        np.testing.assert_array_equal(cifar10_files.read_batches(place, PER_BATCH)[0], expected())


# --- hostile files ---


class Hostile:
    def __init__(self, function, *arguments):
        self.reduced = (function, arguments)

    def __reduce__(self):
        return self.reduced


def hostile_contents(marker):
    run = Hostile(os.system, f"touch {marker}")
    rows, labels = batch_rows(0)
    yield {b"data": run, b"labels": labels.tolist()}
    yield {b"data": rows, b"labels": [run] * PER_BATCH}
    yield {b"data": rows, b"labels": labels.tolist(), b"more": {"deep": [run]}}
    yield {b"data": np.array([run], dtype=object), b"labels": [1]}
    yield run
    yield Hostile(eval, f"open({str(marker)!r}, 'w')")
    yield Hostile(np.load, str(marker))  # a function of NumPy, but not one that arrays need


def test_hostile_pickles_are_rejected_without_running(tmp_path):
    marker = tmp_path / "ran"
    folder = write_python(tmp_path / "py")
    for content in hostile_contents(marker):
        for protocol in (0, 2, 4):
            (folder / "data_batch_3").write_bytes(pickle.dumps(content, protocol=protocol))
            with pytest.raises(DataError, match=r"refused|damaged"):
                cifar10_files.read_batches(folder, PER_BATCH)
            assert not marker.exists()
    pickle.loads(pickle.dumps(Hostile(os.system, f"touch {marker}")))
    assert marker.exists(), "an ordinary unpickler must run the hostile code, else this test proves nothing"


def test_extract_ignores_paths_in_the_archive(tmp_path):
    archive = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in ("../../data_batch_1", "/tmp/data_batch_2", "cifar-10-batches-py/evil.py"):
            information = tarfile.TarInfo(name)
            information.size = 3
            tar.addfile(information, io.BytesIO(b"abc"))
    (tmp_path / "out").mkdir()
    cifar10_files.extract(archive, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"data_batch_1", "data_batch_2"}
    assert {path.name for path in tmp_path.iterdir()} == {"out", archive.name}


def test_oversized_batch_is_not_read(tmp_path, monkeypatch):
    folder = write_python(tmp_path / "py")
    archive = pack(folder, tmp_path / "cifar-10-python.tar.gz")
    monkeypatch.setattr(cifar10_files, "_LARGEST_FILE", 1000)
    for place in (folder, archive):
        with pytest.raises(DataError, match="large"):
            cifar10_files.read_batches(place, PER_BATCH)


# --- damaged files ---


@pytest.mark.parametrize("write", [write_python, write_binary])
def test_missing_or_truncated_batch_is_reported(tmp_path, write):
    folder = write(tmp_path / "folder")
    path = next(folder.glob("data_batch_4*"))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match="data_batch_4"):
        cifar10_files.read_batches(folder, PER_BATCH)
    path.unlink()
    with pytest.raises(DataError, match="has no data_batch_4"):
        cifar10_files.read_batches(folder, PER_BATCH)


def test_truncated_archive_is_reported(tmp_path):
    archive = pack(write_python(tmp_path / "py"), tmp_path / "cifar-10-python.tar.gz")
    archive.write_bytes(archive.read_bytes()[:-2000])
    with pytest.raises(DataError, match="damaged"):
        cifar10_files.read_batches(archive, PER_BATCH)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({b"data": np.zeros((3, 3072), np.uint8), b"labels": [0, 1, 2]}, "3 images"),
        ({b"data": np.zeros((PER_BATCH, 3072), np.uint8), b"labels": [10] * PER_BATCH}, "labels from 10 to 10"),
        ({b"data": np.zeros((PER_BATCH, 3072), np.float64), b"labels": [0] * PER_BATCH}, "uint8"),
        ({b"labels": [0]}, "damaged"),
        ({b"data": "text", b"labels": [0]}, "damaged"),
    ],
)
def test_unexpected_batch_content_is_rejected(tmp_path, content, sentence):
    folder = write_python(tmp_path / "py")
    (folder / "data_batch_2").write_bytes(pickle.dumps(content, protocol=2))
    with pytest.raises(DataError, match=sentence):
        cifar10_files.read_batches(folder, PER_BATCH)


# --- locating the files ---


@pytest.fixture
def empty_machine(tmp_path, monkeypatch):
    """A machine without CIFAR-10: no environment variable, an empty data folder, an empty Keras cache."""
    monkeypatch.delenv("CIFAR_LAB_DATA", raising=False)
    monkeypatch.delenv("CIFAR_LAB_DATASET", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr("cifar_lab.core.paths.data_folder", lambda: tmp_path / "data")
    return tmp_path


def test_locate_accepts_a_folder_an_archive_or_their_parent(empty_machine, monkeypatch):
    (empty_machine / "placed").mkdir()
    archive = pack(write_python(empty_machine / "py"), empty_machine / "placed" / "cifar-10-python.tar.gz")
    inner = write_python(empty_machine / "unpacked" / "cifar-10-batches-py")
    for place, expected in ((archive, archive), (archive.parent, archive), (inner, inner), (inner.parent, inner)):
        monkeypatch.setenv("CIFAR_LAB_DATA", str(place))
        assert cifar10.locate_cifar10() == expected


def test_locate_prefers_the_variable_then_data_then_the_keras_cache(empty_machine, monkeypatch):
    old_keras = write_python(empty_machine / "keras" / "datasets" / "cifar-10-batches-py")
    assert cifar10.locate_cifar10() == old_keras
    keras = write_python(empty_machine / "keras" / "datasets" / "cifar-10-batches-py-target" / "cifar-10-batches-py")
    assert cifar10.locate_cifar10() == keras
    own = write_binary(empty_machine / "data" / "cifar-10-batches-bin")
    assert cifar10.locate_cifar10() == own
    placed = write_python(empty_machine / "placed")
    monkeypatch.setenv("CIFAR_LAB_DATA", str(placed))
    assert cifar10.locate_cifar10() == placed


def test_incomplete_keras_cache_is_ignored(empty_machine):
    folder = write_python(empty_machine / "keras" / "datasets" / "cifar-10-batches-py")
    (folder / "test_batch").unlink()
    (empty_machine / "keras" / "datasets" / "cifar-10-python.tar.gz").write_bytes(b"half")
    assert cifar10.locate_cifar10() is None


def test_wrong_data_variable_is_an_error_not_a_download(empty_machine, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_DATA", str(empty_machine / "typo"))
    with pytest.raises(DataError, match=r"typo.*there is no CIFAR-10 there"):
        cifar10.load_cifar10()


def test_downloaded_archive_is_unpacked_and_removed(empty_machine, monkeypatch):
    source = pack(write_python(empty_machine / "py"), empty_machine / "cifar-10-python.tar.gz").read_bytes()

    def download(_mirrors, destination, **_):
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(source)

    monkeypatch.setattr(cifar10, "download", download)
    folder = cifar10.fetch_cifar10(progress=False)
    assert folder == cifar10.locate_cifar10()
    assert {path.name for path in (empty_machine / "data").iterdir()} == {"cifar-10-batches-py", "cifar-10.lock"}
    np.testing.assert_array_equal(cifar10_files.read_batches(folder, PER_BATCH)[0], expected())


CHILD = """
import hashlib, shutil, sys, time
from pathlib import Path
from cifar_lab.core import paths
from cifar_lab.data import cifar10, cifar10_files
folder, source = map(Path, sys.argv[1:])
paths.data_folder = lambda: folder

def download(_mirrors, destination, **_):
    with open(folder / "downloads", "a") as count:
        count.write("x")
    time.sleep(0.2)
    shutil.copy(source, destination)

cifar10.download = download
print(len(cifar10_files.read_batches(cifar10.fetch_cifar10(progress=False), 20)[0]))
"""


def test_concurrent_processes_download_and_unpack_once(tmp_path):
    archive = pack(write_python(tmp_path / "py"), tmp_path / "archive.tar.gz")
    (tmp_path / "data").mkdir()
    command = [sys.executable, "-c", CHILD, str(tmp_path / "data"), str(archive)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate(timeout=60)[0].strip() for process in processes] == ["120"] * 2
    assert (tmp_path / "data" / "downloads").read_text() == "x"


# --- the dataset ---


def test_splits_are_stratified_and_disjoint():
    images = np.zeros((60_000, 32, 32, 3), np.uint8)
    images[:, 0, 0] = np.stack([np.arange(60_000) >> shift & 255 for shift in (0, 8, 16)], axis=1)  # numbered
    dataset = cifar10._make_dataset(images, np.arange(60_000) % 10, "Made by the tests.")
    numbers = {}
    for name, count in (("train", 45_000), ("validation", 5_000), ("test", 10_000)):
        split = getattr(dataset, name)
        assert np.bincount(split.labels).tolist() == [count // 10] * 10
        numbers[name] = split.images[:, 0, 0].astype(int) @ [1, 256, 65_536]
        np.testing.assert_array_equal(numbers[name] % 10, split.labels)  # labels stay with their images
    assert sorted([*numbers["train"], *numbers["validation"]]) == list(range(50_000))
    assert numbers["test"].tolist() == list(range(50_000, 60_000))  # the official test images stay the test split


# --- auto ---


@pytest.fixture
def stand_in(empty_machine, monkeypatch, stripes):
    monkeypatch.setattr(cifar10, "load_cifar10", lambda **_: "photographs")
    monkeypatch.setattr(sketches, "load_sketches", lambda: "drawings")
    return empty_machine


def test_auto_loads_cifar10_from_disk(stand_in, monkeypatch, capsys):
    monkeypatch.setenv("CIFAR_LAB_DATA", str(write_python(stand_in / "placed")))
    assert data.load() == "photographs"
    assert capsys.readouterr().out == "Dataset: cifar10 (it is on this machine).\n"


def test_auto_falls_back_to_the_sketches_offline(stand_in, monkeypatch, capsys):
    monkeypatch.setattr(cifar10, "reachable", lambda _: False)
    assert data.load() == "drawings"
    printed = capsys.readouterr().out
    assert "no mirror can be reached" in printed and "cifar-lab data cifar10" in printed


@pytest.mark.parametrize(("setting", "result"), [("sketches", "drawings"), ("cifar10", "photographs")])
def test_auto_follows_the_environment_variable(stand_in, monkeypatch, setting, result):
    monkeypatch.setenv("CIFAR_LAB_DATASET", setting)
    assert data.load("auto") == result


def test_unknown_dataset_is_rejected_with_the_known_names(stand_in, monkeypatch):
    with pytest.raises(ValueError, match=r"There is no dataset 'imagenet'\. Choose one of: auto, cifar10, sketches"):
        data.load("imagenet")
    monkeypatch.setenv("CIFAR_LAB_DATASET", "imagenet")
    with pytest.raises(ValueError, match="CIFAR_LAB_DATASET is 'imagenet'"):
        data.load("auto")


# --- images held out by position ---


@pytest.fixture
def small_cifar10(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "_TRAIN_AND_VALIDATION", 5 * PER_BATCH)
    real = cifar10_files.read_batches
    monkeypatch.setattr(cifar10_files, "read_batches", lambda place: (*real(place, PER_BATCH)[:2], False))
    monkeypatch.setenv("CIFAR_LAB_DATA", str(write_python(tmp_path / "cifar-10-batches-py").parent))
    return tmp_path


def test_held_out_images_form_the_validation_split(small_cifar10):
    positions = [99, 3, 40]
    path = small_cifar10 / "held_out.txt"
    path.write_text("# a comment\n99\n3\n\n40\n", encoding="utf-8")
    dataset = data.load("cifar10", held_out=path)
    np.testing.assert_array_equal(dataset.validation.images, expected()[positions])  # in the order of the file
    trained_on = np.delete(expected()[: 5 * PER_BATCH], positions, axis=0)
    np.testing.assert_array_equal(dataset.train.images, trained_on)
    np.testing.assert_array_equal(dataset.test.images, expected()[5 * PER_BATCH :])


@pytest.mark.parametrize("text", ["", "100\n", "-1\n", "3\n3\n", "three\n", "\n".join(map(str, range(100)))])
def test_invalid_held_out_list_is_rejected(small_cifar10, text):
    path = small_cifar10 / "held_out.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"held_out\.txt"):
        data.load("cifar10", held_out=path)


def test_shipped_held_out_list_has_1000_exact_and_1000_other_images():
    positions, exact = (cifar10.read_positions(paths.data_folder() / f"{name}.txt") for name in ("held_out", "exact"))
    np.testing.assert_array_equal(np.isin(positions, exact), [True] * 1000 + [False] * 1000)
