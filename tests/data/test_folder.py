"""Test folders of pictures: every planted fault is found, splits do not leak, and a killed run resumes."""

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_lab import data, images
from cifar_lab.core import paths
from cifar_lab.data.folder import balancing, checks, example, fingerprints, image_cache, loading
from cifar_lab.data.folder.entries import FolderError
from cifar_lab.training import runs
from tests.helpers.planted_folder import plant

FILES = 220  # 6 unusable, 7 repeated, 189 + 18 good


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A folder with planted faults, and their paths by reason; the cache is next to it."""
    place = tmp_path_factory.mktemp("pictures")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paths, "data_folder", lambda: place / "cache")
        yield place / "pets", plant(place / "pets", FILES, broken=0.027, repeated=0.032)


@pytest.fixture(scope="module")
def dataset(planted):
    return data.load(planted[0], progress=False)


def picture(seed: int, size=(40, 40)) -> Image.Image:
    blots = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), np.uint8)
    return Image.fromarray(blots).resize(size, Image.Resampling.BICUBIC)


def make_folder(place: Path, **counts: int) -> Path:
    """Make a folder with `count` different pictures per class; `train__cats` stands for train/cats."""
    seed = 1000
    for name, count in counts.items():
        (place / name.replace("__", "/")).mkdir(parents=True)
        for number in range(count):
            seed += 1
            picture(seed).save(place / name.replace("__", "/") / f"{number:03}.png")
    return place


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The path of a folder to be made, with its own cache."""
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path / "cache")
    return tmp_path / "pets"


# --- the report ---


def test_every_planted_fault_is_reported(planted):
    place, truth = planted
    report = checks.check_folder(place, progress=False)
    found = {reason: {problem.path for problem in problems} for reason, problems in report.by_reason.items()}
    assert found | {"misnamed": set(report.misnamed)} == truth
    wrong = [paths for reason, paths in truth.items() if reason != "misnamed"]
    assert len(wrong) == 9 and sum(map(len, wrong)) == 14  # a picture in two classes is left out twice
    assert len(truth["misnamed"]) == 5
    text = " ".join(str(report).split())  # undo line wrapping
    assert "5 files have the wrong file extension" in text and min(truth["misnamed"]) in text
    bad = set().union(*wrong)
    good = Counter(path.parent.name for path in place.glob("*/*") if f"{path.parent.name}/{path.name}" not in bad)
    assert report.counts == dict(good)
    repeats = {problem.path: problem.twin for problem in report.problems if problem.twin}
    assert all(Path(kept).stem.isdigit() for path, kept in repeats.items() if "repeat" in path)  # the original is kept
    assert str(report) == repr(report) and max(map(len, str(report).splitlines())) <= 88  # fits into a notebook


def test_images_match_to_input_of_their_files(planted, dataset):
    of_file = {images.to_input(path).tobytes() for path in planted[0].glob("warm/0*")}
    warm = dataset.class_names.index("warm")
    loaded = [image.tobytes() for split in splits_of(dataset) for image in split.images[split.labels == warm]]
    assert len(loaded) == len(set(loaded)) and set(loaded) == of_file


# --- splits ---


def splits_of(dataset):
    return dataset.train, dataset.validation, dataset.test


def difference_hashes(pictures: np.ndarray) -> np.ndarray:
    """Compute difference hashes, `(n, 64)` bool: whether each of 9 x 8 grey pixels is darker than its neighbour."""
    small = [Image.fromarray(image).convert("L").resize((9, 8), Image.Resampling.BOX) for image in pictures]
    pixels = np.array([np.asarray(grey, np.int16) for grey in small])
    return (pixels[:, :, 1:] > pixels[:, :, :-1]).reshape(len(pictures), 64)


def close_pairs(one: np.ndarray, other: np.ndarray) -> int:
    """Count the pairs with nearly equal difference hashes, mirror images included."""
    hashes = difference_hashes(one)
    found = [(hashes[:, None] != difference_hashes(view)[None]).sum(axis=2) <= 8 for view in (other, other[:, :, ::-1])]
    return int((found[0] | found[1]).sum())


@pytest.mark.parametrize("keep_alike", [False, True])
def test_copies_are_never_in_different_splits(planted, keep_alike):
    dataset = data.load(planted[0], keep_alike=keep_alike, validation=0.25, test=0.25, progress=False)
    train, validation, test = (split.images for split in splits_of(dataset))
    assert close_pairs(train, validation) == close_pairs(train, test) == close_pairs(validation, test) == 0
    everything = np.concatenate([train, validation, test])
    pairs = (close_pairs(everything, everything) - len(everything)) / 2
    assert pairs == (len(planted[1]["alike"]) if keep_alike else 0)


def test_split_is_stratified(dataset):
    counts = np.array([np.bincount(split.labels, minlength=2) for split in splits_of(dataset)])
    np.testing.assert_allclose(counts[1:], 0.15 * counts.sum(axis=0) * np.ones((2, 1)), atol=1)
    assert counts.min() > 0


def test_split_ignores_names_order_and_location(planted, dataset, tmp_path, monkeypatch):
    shutil.copytree(planted[0], tmp_path / "elsewhere", copy_function=shutil.copyfile)
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda place: listdir(place)[::-1])
    assert data.load(tmp_path / "elsewhere", progress=False).fingerprint() == dataset.fingerprint()
    repeated = {problem.twin for problem in checks.check_folder(tmp_path / "elsewhere", progress=False).problems}
    for path in (tmp_path / "elsewhere" / "warm").glob("0*"):
        if f"warm/{path.name}" not in repeated:  # of copies, the first by name is kept
            path.rename(path.with_stem("9" + path.stem))
    renamed = data.load(tmp_path / "elsewhere", progress=False)
    assert renamed.fingerprint() == dataset.fingerprint()
    other = data.load(tmp_path / "elsewhere", seed=1, progress=False)
    assert other.fingerprint() != dataset.fingerprint()
    assert sorted(map(len, splits_of(other))) == sorted(map(len, splits_of(dataset)))


def test_given_splits_are_kept(here):
    make_folder(here, train__cats=6, train__dogs=5, Val__cats=3, Val__dogs=2, test__cats=2, test__dogs=4)
    shutil.copy(here / "Val" / "dogs" / "001.png", here / "train" / "dogs" / "seen.png")  # a leak
    dataset = data.load(here, progress=False)
    assert [np.bincount(split.labels).tolist() for split in splits_of(dataset)] == [[6, 5], [3, 2], [2, 4]]
    [problem] = checks.check_folder(here, progress=False).problems
    assert problem[:2] == ("train/dogs/seen.png", "copy") and problem.twin == "Val/dogs/001.png"


def test_missing_split_is_taken_from_train(here):
    make_folder(here, train__cats=20, train__dogs=20, test__cats=3, test__dogs=3)
    assert [len(split) for split in splits_of(data.load(here, progress=False))] == [34, 6, 6]


# --- balance ---


def test_balance_down_takes_equally_many_of_each_class(planted, dataset):
    smaller = data.load(planted[0], balance="down", progress=False)
    rarest = np.bincount(dataset.train.labels).min()
    assert np.bincount(smaller.train.labels).tolist() == [rarest, rarest]
    assert {image.tobytes() for image in smaller.train.images} <= {image.tobytes() for image in dataset.train.images}
    np.testing.assert_array_equal(smaller.validation.images, dataset.validation.images)


def test_balance_up_adds_augmented_copies_to_train_only(planted, dataset):
    larger = data.load(planted[0], balance="up", progress=False)
    most, count = np.bincount(dataset.train.labels).max(), len(dataset.train)
    assert np.bincount(larger.train.labels).tolist() == [most, most]
    np.testing.assert_array_equal(larger.train.images[:count], dataset.train.images)
    for one, other in zip(splits_of(larger)[1:], splits_of(dataset)[1:], strict=True):
        np.testing.assert_array_equal(one.images, other.images)
    added = larger.train.images[count:]
    assert len({image.tobytes() for image in added}) == len(added) == 2 * most - count
    originals, likeness = fingerprints.most_similar(added, dataset.train.images, progress=False)
    assert np.median(likeness) > 0.7  # changed only a little
    assert (dataset.train.labels[originals] == larger.train.labels[count:]).all()
    assert larger.fingerprint() == data.load(planted[0], balance="up", progress=False).fingerprint()
    assert larger.fingerprint() != data.load(planted[0], balance="up", augment=["noise"], progress=False).fingerprint()


def test_copies_multiply_the_train_split(planted, dataset):
    more = data.load(planted[0], copies=2, augment=balancing.TRANSFORMS, progress=False)
    assert np.bincount(more.train.labels).tolist() == (3 * np.bincount(dataset.train.labels)).tolist()


# --- the cache ---


@pytest.fixture
def counted(here, monkeypatch):
    """A folder of 12 + 12 files in cache parts of 5, and a list that grows with every decoded file."""
    make_folder(here, cats=12, dogs=12)
    decoded, to_input = [], images.to_input
    monkeypatch.setattr(image_cache, "_PART_FILES", 5)
    monkeypatch.setattr(images, "to_input", lambda *a, **k: decoded.append(1) or to_input(*a, **k))
    return here, decoded


def test_killed_decoding_resumes(counted, monkeypatch):
    place, decoded = counted
    write_json = image_cache.files.write_json
    written = []

    def die_in_the_third(path, content):
        written.append(path)
        if len(written) == 3:  # the images are written, the outcomes are not
            raise KeyboardInterrupt
        write_json(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(image_cache.files, "write_json", die_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            data.load(place, progress=False)
    assert len(decoded) == 12  # parts of 5, 5, 2
    data.load(place, progress=False)
    assert len(decoded) == 12 + 24 - 10  # the first two parts were kept
    data.load(place, seed=5, progress=False)
    assert len(decoded) == 26


def test_damaged_cache_is_decoded_again(counted):
    place, decoded = counted
    expected = data.load(place, progress=False).fingerprint()
    cache = next((place.parent / "cache" / "folders").glob("pets-*"))
    first, second, third, *_ = sorted(cache.glob("*.npy"))
    content = bytearray(first.read_bytes())
    content[-1] ^= 1
    first.write_bytes(content)
    second.with_suffix(".json").write_text(json.dumps({"sha256": image_cache.files.sha256(second), "outcomes": [[]]}))
    third.with_suffix(".json").write_text('{"sha256": 3, "outcomes"')
    (cache / "alike.npz").write_bytes(b"PK\x03\x04 nothing")
    decoded.clear()
    assert data.load(place, progress=False).fingerprint() == expected
    assert 0 < len(decoded) <= 15


def test_pickles_in_the_cache_are_not_loaded(counted):
    place, _ = counted
    data.load(place, progress=False)
    file = next((place.parent / "cache" / "folders").glob("pets-*/*.npy"))
    np.save(file, np.array([{"a": "pickle"}] * 5), allow_pickle=True)
    stated = json.loads(file.with_suffix(".json").read_text())
    file.with_suffix(".json").write_text(json.dumps(stated | {"sha256": image_cache.files.sha256(file)}))
    with pytest.raises(ValueError, match="allow_pickle"):
        data.load(place, progress=False)


def test_changed_file_is_decoded_again(counted):
    place, decoded = counted
    before = data.load(place, progress=False).fingerprint()
    decoded.clear()
    picture(5).save(place / "dogs" / "000.png")
    os.utime(place / "dogs" / "000.png", ns=(1, 1))
    assert data.load(place, progress=False).fingerprint() != before
    assert len(decoded) == 5  # its part
    cache = next((place.parent / "cache" / "folders").glob("pets-*"))
    assert len(list(cache.glob("*.npy"))) == 6  # the part of the old file is gone


def test_cache_of_a_deleted_temporary_folder_is_removed(here, tmp_path, monkeypatch):
    monkeypatch.setattr(image_cache.tempfile, "gettempdir", lambda: str(tmp_path / "temporary"))
    gone = make_folder(tmp_path / "temporary" / "gone", cats=3, dogs=3)
    kept = make_folder(tmp_path / "temporary" / "kept", cats=3, dogs=3)
    unplugged = make_folder(tmp_path / "stick", cats=3, dogs=3)
    for place in (gone, kept, unplugged):
        data.load(place, progress=False)
    shutil.rmtree(gone)
    shutil.rmtree(unplugged)
    caches = tmp_path / "cache" / "folders"
    [of_gone] = caches.glob("gone-*")
    (of_gone / "letter.txt").write_text("somebody else's")
    data.load(make_folder(here, cats=3, dogs=3), progress=False)
    assert [path.name for path in of_gone.iterdir()] == ["letter.txt"]
    used = {path.name.split("-")[0] for path in caches.glob("*-*") if list(path.glob("*.npy"))}
    assert used == {"kept", "pets", "stick"}


def test_a_large_dataset_stays_on_disk(planted, dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(image_cache, "_PART_FILES", 10)
    monkeypatch.setattr(loading, "IN_MEMORY", 0)
    large = data.load(planted[0], progress=False)
    assert all(isinstance(split.images, np.memmap) for split in splits_of(large))
    assert large.fingerprint() == dataset.fingerprint()


# --- the example folder ---


def test_pets_folder_has_every_fault(here):
    planted = example.make_pets_folder(here, cats=44, dogs=11, mistakes=6, repeats=5)
    report = checks.check_folder(here, progress=False)
    found = {reason: {problem.path for problem in problems} for reason, problems in report.by_reason.items()}
    assert found | {"misnamed": set(report.misnamed)} == planted
    assert len(planted) == 10 and report.file_count == 44 + 11 + 6 + 5


def test_example_folder_is_not_written_into_a_used_folder(here):
    make_folder(here, cats=4)
    before = {path: path.read_bytes() for path in here.glob("*/*")}
    with pytest.raises(ValueError, match="pets is not empty"):
        example.make_example_folder(here, [("cats", picture(0))])
    assert before == {path: path.read_bytes() for path in here.glob("*/*")}


# --- contents of folders ---


def test_files_left_by_operating_systems_are_ignored(here):
    make_folder(here, cats=4, dogs=4)
    for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._000.png"):
        (here / "cats" / name).write_bytes(b"\x00\x05")
    (here / "__MACOSX" / "cats").mkdir(parents=True)
    (here / ".git").mkdir()
    report = checks.check_folder(here, progress=False)
    assert report.problems == () and report.file_count == 8 and list(report.counts) == ["cats", "dogs"]


@pytest.mark.skipif(os.name == "nt", reason="Windows restricts symbolic links and file names")
def test_links_and_names_from_other_systems(here):
    make_folder(here, cats=4, dogs=4)
    (here / "cats" / "again").symlink_to(here / "cats")  # a loop
    (here / "cats" / "itself").symlink_to("itself")
    (here / "dogs" / "nowhere.jpg").symlink_to("nothing")
    os.mkfifo(here / "dogs" / "pipe.jpg")
    Path(os.fsdecode(bytes(here) + b"/dogs/caf\xe9.jpg")).write_bytes(b"not a picture")
    (here / "cats\\packed.png").write_bytes(b"")
    shutil.copytree(here / "cats", here / "Ka\u0308tzchen", ignore=lambda *_: ["again", "itself"])  # NFD, as on macOS
    report = checks.check_folder(here, progress=False)
    by_reason = {reason: len(problems) for reason, problems in report.by_reason.items()}
    assert by_reason == {"no_picture": 1, "unreadable": 3, "no_class": 1, "conflict": 8}
    assert list(report.counts) == ["K\u00e4tzchen", "cats", "dogs"]
    str(report).encode()  # can be printed
    assert "caf\\xe9.jpg" in str(report) and "unpack the archive" in "\n".join(map(str, report.problems))


def test_csv_file_of_paths_and_labels(here):
    make_folder(here, a=9, b=9)
    (here / "b").rename(here / "ü b")
    rows = [f"a\\{n:03}.png;Hund;" for n in range(9)] + [f"ü b/{n:03}.png; Katze ;" for n in range(8)]
    rows += [
        "ü b/008.png;Katze;test",
        "a/gone.png;Hund;",
        "../secret.png;Hund;",
        "/etc/passwd;Hund;",
        "a/001.png;;",
        "",
    ]
    (here / "pets.csv").write_text("Filename;Label;Split\r\n" + "\r\n".join(rows), encoding="utf-8-sig", newline="")
    report = checks.check_folder(here / "pets.csv", progress=False)
    assert report.counts == {"Hund": 9, "Katze": 9}
    reasons = {problem.path: problem.reason for problem in report.problems}
    outside = {"../secret.png": "outside", "/etc/passwd": "outside"}
    assert reasons == outside | {"a/001.png": "no_class", "a/gone.png": "missing"}
    (here / "ü b" / "008.png").unlink()
    dataset = data.load(here / "pets.csv", progress=False)
    assert dataset.class_names == ("Hund", "Katze") and dataset.name == "pets"


def test_look_alikes_of_two_classes_are_in_the_same_split(here):
    make_folder(here, cats=5, dogs=5)
    with Image.open(here / "cats" / "002.png") as original:
        original.point(lambda value: value * 0.9).save(here / "dogs" / "dark.png")
    report = checks.check_folder(here, progress=False)
    assert report.disputed == (("cats/002.png", "dogs/dark.png"),) and report.problems == ()
    assert "check whether each is in the right class" in " ".join(str(report).split())
    for seed in range(5):
        dataset = data.load(here, seed=seed, progress=False)
        pair = {images.to_input(here / path).tobytes() for path in report.disputed[0]}
        holding = [split for split in splits_of(dataset) if {image.tobytes() for image in split.images} & pair]
        assert len(holding) == 1


# --- unusable folders and options ---


def too_many(place):
    for number in range(1001):
        (place / f"{number}").mkdir(parents=True)


def flat(place):
    place.mkdir()
    picture(1).save(place / "cat.png")


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda place: None, "There is no folder or CSV file"),
        (lambda place: place.mkdir(), "neither files nor subfolders"),
        (flat, "1 files, but no subfolder"),
        (lambda place: (place / "cats").mkdir(parents=True), "has no file in any class"),
        (lambda place: make_folder(place, cats=3), "only one class, 'cats'"),
        (lambda place: make_folder(place, pets__cats=3, pets__dogs=3), r"Did you mean .*pets.pets\?"),
        (lambda place: make_folder(place, cats=9, dogs=2), "'dogs' has 2 different pictures to train on; at least 3"),
        (lambda place: make_folder(place, cats=9, dogs=0, cows=9) / "dogs" / "x", None),
        (too_many, "1,001 subfolders, .* the limit is 1,000"),
        (lambda place: place.with_suffix(".zip").write_bytes(b"PK"), "no folder or CSV file"),
    ],
)
def test_unusable_folder_is_rejected(here, make, sentence):
    make(here)
    if sentence is None:
        assert data.load(here, progress=False).class_names == ("cats", "cows")
        return
    with pytest.raises(FolderError, match=sentence):
        data.load(here, progress=False)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"name,kind\na,b\n", "must name the columns path and label, but it has: name, kind"),
        (b"", "it has: nothing"),
        ("path,label\nä,b\n".encode("latin-1"), "Save it as CSV UTF-8"),
    ],
)
def test_invalid_csv_file_is_rejected(here, text, sentence):
    here.mkdir()
    (here / "pets.csv").write_bytes(text)
    with pytest.raises(FolderError, match=sentence):
        data.load(here / "pets.csv", progress=False)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"size": 4}, "size must be a whole number from 8 to 1024"),
        ({"balance": "even"}, "balance must be one of none, down, up"),
        ({"augment": ("swirl",)}, "augment must be some of shift, rotation, zoom, shear, noise .*not swirl"),
        ({"augment": "shift"}, "not 'shift'"),
        ({"copies": -1}, "copies must be a whole number"),
        ({"test": 0.6}, "together at most 0.5"),
    ],
)
def test_invalid_option_is_rejected(planted, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        data.load(planted[0], progress=False, **options)


def test_options_are_for_folders_only():
    with pytest.raises(ValueError, match="size can only be set for a folder of pictures, not for 'sketches'"):
        data.load("sketches", size=64)


def test_full_disk_is_reported_before_decoding(here, monkeypatch):
    make_folder(here, cats=3, dogs=3)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(FolderError, match="GB are free"):
        data.load(here, progress=False)


# --- loading again ---


def test_folder_is_loaded_again_from_a_card_without_its_path(here, tmp_path):
    make_folder(here, cats=9, dogs=9)
    dataset = data.load(here, size=24, balance="up", progress=False)
    facts = json.loads(json.dumps(runs.describe_dataset(dataset)))
    assert str(tmp_path) not in json.dumps(facts) and facts["name"] == "pets"
    assert data.is_here(facts) and data.load_again(facts, progress=False).fingerprint() == facts["fingerprint"]
    here.rename(tmp_path / "moved")
    assert not data.is_here(facts)
    with pytest.raises(ValueError, match=r"'pets', have been moved.*--dataset FOLDER"):
        data.load_again(facts)
    assert data.load_again(facts, tmp_path / "moved", progress=False).fingerprint() == facts["fingerprint"]
    (tmp_path / "moved").rename(here)
    (here / "dogs" / "003.png").unlink()
    with pytest.raises(ValueError, match="have changed since training"):
        data.load_again(facts, progress=False)
