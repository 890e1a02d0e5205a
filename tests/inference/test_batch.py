"""Batch prediction: one right row per file, whatever is wrong with it and whenever the run is killed."""

import csv
import io
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab import inference
from cifar_lab.cli import main
from cifar_lab.core.locks import try_lock

ROOT = Path(__file__).parent.parent.parent
MODEL = "tutorial"
BROKEN = {
    "cut.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "corrupt_image"),
    "empty.jpg": (b"", "no_file"),
    "letter.jpg": (b"Dear reader,", "unsupported_format"),
}


def write_pictures(folder: Path, count: int) -> list[Path]:
    """Write noise, each picture in a size of its own, into three folders."""
    generator, paths = np.random.default_rng(7), []
    for number in range(count):
        path = folder / ("", "day 1", "day 2/more")[number % 3] / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(generator.integers(0, 256, (*generator.integers(20, 60, 2), 3), np.uint8)).save(path)
        paths.append(path)
    return paths


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder of 90 pictures, three broken files, a dead link, a link to a folder, and hidden names."""
    folder = tmp_path_factory.mktemp("collection")
    write_pictures(folder, 90)
    for name, (content, _) in BROKEN.items():
        (folder / name).write_bytes(content)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "loop").symlink_to(folder)
    (folder / ".hidden").mkdir()
    (folder / ".hidden/a.png").write_bytes((folder / "000.png").read_bytes())
    return folder


@pytest.fixture(scope="module")
def table(folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("table") / "predictions.csv"
    outcomes = inference.classify_files(folder, path, model=MODEL, workers=2)
    assert (outcomes.total(), outcomes["no_file"], outcomes["known"] + outcomes["unknown"]) == (94, 2, 90)
    assert list(path.parent.iterdir()) == [path]
    return path


def rows_of(path: Path) -> list[dict]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def classify(source, output: Path, **options) -> list[dict]:
    """Classify a source, or a list of paths, with one worker."""
    source = io.BytesIO(b"\0".join(map(os.fsencode, source))) if isinstance(source, list) else source
    inference.classify_files(source, output, **{"model": MODEL, "workers": 1} | options)
    return rows_of(output) if output.suffix == ".csv" else []


def test_every_file_has_one_row_as_predict_has_it(folder, table):
    rows, classifier = rows_of(table), inference.Classifier.load(MODEL)
    visible = {str(path) for path in folder.rglob("*") if "/." not in str(path) and "/loop/" not in str(path)}
    folders = {str(folder / name) for name in ("day 1", "day 2", "day 2/more", "loop")}
    assert len(rows) == 94 and {row["path"] for row in rows} == visible - folders
    for row in rows:
        name = Path(row["path"]).name
        if not name[0].isdigit():
            assert row["code"] == BROKEN.get(name, (None, "no_file"))[1] and row["error"] and not row["label"]
            continue
        expected = classifier.predict(row["path"])
        assert (row["label"], row["index"], row["known"]) == (expected.label, str(expected.index), str(expected.known))
        assert float(row["score"]) == pytest.approx(expected.score, abs=1e-5)


def test_parquet_has_the_rows_of_the_csv(folder, table, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    classify(folder, tmp_path / "predictions.parquet")
    rows = parquet.read_table(tmp_path / "predictions.parquet").to_pylist()
    texts = [{name: "" if cell is None else str(cell) for name, cell in row.items()} for row in rows]
    assert texts == rows_of(table)


def test_ray_gives_the_same_bytes(folder, table, tmp_path):
    pytest.importorskip("ray.data", reason="Ray is not installed")
    classify(folder, tmp_path / "predictions.csv", cluster="local")
    assert (tmp_path / "predictions.csv").read_bytes() == table.read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_killed_run_resumes_without_opening_a_file_again(tmp_path):
    paths, part, output = write_pictures(tmp_path, 400), tmp_path / "a.csv.part", tmp_path / "a.csv"
    expected = classify(paths, tmp_path / "undisturbed.csv")
    (tmp_path / "list.txt").write_text("\n".join(map(str, paths)))
    command = ["classify", str(tmp_path / "list.txt"), "--model", MODEL, "--output", str(output), "--workers", "1"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TQDM_DISABLE": "1"}
    process = subprocess.Popen([sys.executable, "-m", "cifar_lab", *command], env=environment)
    while not part.exists() or part.read_bytes().count(b"\n") < 4:  # the header and two chunks at least
        time.sleep(0.005)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    with open(part, "r+b") as file:
        file.seek(-10, os.SEEK_END)
        file.truncate()  # as if the kill had come within a line
    finished = part.read_bytes().rpartition(b"\n")[0].count(b".png")
    assert 30 < finished < 400
    for path in paths[:finished]:
        path.unlink()
    result = CliRunner().invoke(main, command, env={"TQDM_DISABLE": "1"})
    assert result.exit_code == 0 and sum(map(int, re.findall(r"\d+(?= (?:un)?known)", result.output))) == 400
    assert rows_of(output) == expected and not part.exists()


# The script is imported by the workers too, so that their decoder dies as well.
DEADLY = """
import os, signal, sys
from cifar_lab import images, inference
kept = images.open_picture

def open_picture(source, **options):
    content = source.read()
    if content == b"deadly":
        os.kill(os.getpid(), signal.SIGKILL)
    return kept(content, **options)

images.open_picture = open_picture
if __name__ == "__main__":
    inference.classify_files(sys.argv[1], sys.argv[2], model="tutorial", workers=2)
"""


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_file_that_kills_its_worker_is_a_row_and_the_rest_is_classified(tmp_path):
    paths = write_pictures(tmp_path / "pictures", 70)
    for path in (paths[3], paths[5]):
        path.write_bytes(b"deadly")
    (tmp_path / "script.py").write_text(DEADLY)
    command = [sys.executable, "script.py", str(tmp_path / "pictures"), "a.csv"]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=120, env=os.environ | {"PYTHONPATH": str(ROOT)})
    crashed = {str(paths[3]), str(paths[5])}
    rows = rows_of(tmp_path / "a.csv")
    assert {row["path"] for row in rows if row["code"] == "crashed"} == crashed
    assert {row["path"] for row in rows if row["label"]} == set(map(str, paths)) - crashed and len(rows) == 70


def begin(folder: Path, table: Path) -> list[Path]:
    """Leave the part file of a run that was stopped after two of three pictures."""
    paths = write_pictures(folder, 3)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("cifar_lab.core.files.write_whole", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        classify(paths[:2], table)
    return paths


def test_a_list_that_changed_loses_and_gains_rows(tmp_path):
    output = tmp_path / "a.csv"
    paths = begin(tmp_path, output)
    paths[1].unlink()  # it is finished
    rows = classify(io.BytesIO(os.fsencode(f"{paths[2]}\n{paths[1]}\n{paths[2]}\n")), output)
    assert [row["path"] for row in rows if row["label"]] == [str(paths[i]) for i in (2, 1, 2)]


def test_another_classifier_a_finished_table_and_another_process_are_refused(tmp_path):
    output = tmp_path / "a.csv"
    paths = begin(tmp_path, output)
    with pytest.raises(ValueError, match="run with another classifier"):
        classify(paths, output, model="cifar10")
    with try_lock(tmp_path / "a.csv.lock"), pytest.raises(ValueError, match="Another process is writing"):
        classify(paths, output)
    labels = [inference.Classifier.load("cifar10").predict(path).label for path in paths]
    assert [row["label"] for row in classify(paths, output, model="cifar10", replace=True)] == labels
    with pytest.raises(ValueError, match=r"exists already. .*--replace"):
        classify(paths, output)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_odd_names_are_kept_and_are_no_formulas(tmp_path, monkeypatch):
    picture = write_pictures(tmp_path / "source", 1)[0].read_bytes()
    (tmp_path / "pictures").mkdir()
    monkeypatch.chdir(tmp_path / "pictures")
    os.mkfifo("pipe.jpg")
    kept = ("a,b.jpg", "line\nbreak\r.jpg", 'say "x".jpg', "a;=1.jpg")
    formulas = ("=cmd.jpg", "+1.jpg", "-1.jpg", "@x.jpg", "\t=1.jpg", " =1.jpg")
    shown = dict(zip(kept, kept, strict=True)) | {name: f"'{name}" for name in formulas}
    shown[os.fsdecode(b"caf\xe9.jpg")] = "caf\\xe9.jpg"
    for name in shown:
        Path(name).write_bytes(picture)
    rows = classify(list(shown), tmp_path / "list.csv")
    assert [row["path"] for row in rows] == list(shown.values()) and all(row["label"] for row in rows)
    rows = classify("../pictures", tmp_path / "folder.csv")
    expected = {os.path.join("../pictures", name.lstrip("'")) for name in [*shown.values(), "pipe.jpg"]}
    assert {row["path"] for row in rows} == expected and [row["code"] for row in rows if row["code"]] == ["no_file"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "No such file or directory: 'nothing'"),
        (["."], ". lists no files. Give a folder, or a text file"),
        ([".", "--output", "a.xlsx"], "a.xlsx can't be the table. Give the path of a .csv or .parquet file"),
    ],
)
def test_a_mistake_gets_a_sentence_and_leaves_nothing(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["classify", *arguments])
    assert result.exit_code == 1 and sentence in result.output and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("package", "output"), [("pyarrow", "a.parquet"), ("ray", "a.csv")])
def test_a_missing_package_is_named(folder, tmp_path, monkeypatch, package, output):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"{package}.parquet", raising=False)
    with pytest.raises(ValueError, match=rf"{package} is needed.* pip install .*cluster"):
        classify(folder, tmp_path / output, cluster="auto")
