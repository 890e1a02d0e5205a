"""Bulk classification: every file accounted for once, whatever is wrong with it and whenever the run is killed."""

import csv
import dataclasses
import io
import os
import signal
import struct
import subprocess
import sys
import tracemalloc
import zlib
from multiprocessing import active_children
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab import images
from cifar_lab.cli import main
from cifar_lab.core.locks import try_lock
from cifar_lab.inference import batch
from cifar_lab.inference.batch import workers
from cifar_lab.inference.batch.job import Job
from cifar_lab.inference.batch.output import PredictionRow, csv_line
from cifar_lab.inference.batch.predicting import Model
from cifar_lab.inference.classifier import Classifier

ROOT = Path(__file__).parent.parent.parent
MODEL = "tutorial"


def encoded(image: np.ndarray, kind: str = "JPEG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, kind)
    return file.getvalue()


def broken_files(good: bytes) -> dict[str, tuple[bytes, str]]:
    """Files that cannot be read, and the code that each should get."""
    header = b"IHDR" + struct.pack(">IIBBBBB", 12000, 7000, 8, 0, 0, 0, 0)
    checked = header + struct.pack(">I", zlib.crc32(header))
    bomb = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + checked + struct.pack(">I", 0) + b"IDAT"
    return {
        "empty.jpg": (b"", "no_file"),
        "cut.jpg": (good[: len(good) // 2], "corrupt_image"),
        "letter.jpg": (b"Dear reader,", "unsupported_format"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0", "unsupported_format"),
        "bomb.png": (bomb, "too_many_pixels"),
    }


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> tuple[Path, dict[str, str]]:
    """A folder of 100 files in three folders, and the code that is expected for those that cannot be read."""
    folder, generator = tmp_path_factory.mktemp("collection"), np.random.default_rng(7)
    for number in range(94):
        path = folder / ("", "day 1", "day 2/more")[number % 3] / f"{number:02}.{('jpg', 'png')[number % 2]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (generator.integers(20, 60), generator.integers(20, 60), 3)
        path.write_bytes(encoded(generator.integers(0, 256, shape, np.uint8), ("JPEG", "PNG")[number % 2]))
    broken = broken_files((folder / "00.jpg").read_bytes())
    for name, (content, _) in broken.items():
        (folder / name).write_bytes(content)
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    return folder, {name: code for name, (_, code) in broken.items()} | {"gone.jpg": "no_file"}


def rows_of(path: Path) -> list[dict]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def unbroken(collection, tmp_path_factory) -> Path:
    """The table of a run that nobody disturbed, with two workers."""
    path = tmp_path_factory.mktemp("unbroken") / "answers.csv"
    report = batch.classify_files(collection[0], path, model=MODEL, workers=2)
    assert (report.count, report.answered) == (100, 94)
    assert report.broken == {"no_file": 2, "unsupported_format": 2, "corrupt_image": 1, "too_many_pixels": 1}
    assert report.lines()[1].startswith("6 could not be read, each with the reason in its row: 2 ")
    assert list(path.parent.iterdir()) == [path]  # nothing is left behind
    return path


def test_every_file_has_one_row_with_what_predict_says_of_it(collection, unbroken):
    folder, codes = collection
    rows = rows_of(unbroken)
    every = {str(path) for path in folder.rglob("*") if not path.is_dir()}
    assert len(rows) == len(every) == 100 and {row["path"] for row in rows} == every
    classifier = Classifier.load(MODEL)
    for row in rows:
        path = Path(row["path"])
        if path.name in codes:
            assert (row["code"], row["label"], row["index"], row["score"], row["known"]) == (
                codes[path.name],
                *[""] * 4,
            )
            assert row["error"].endswith(".") and str(folder) not in row["error"]
            continue
        expected = classifier.predict(path)
        assert (row["label"], int(row["index"])) == (expected.label, expected.index)
        assert np.float32(row["score"]) == np.float32(expected.score)
        assert (row["known"], row["code"], row["error"]) == (str(expected.known).lower(), "", "")


def test_one_worker_gives_the_same_bytes(collection, unbroken, tmp_path):
    batch.classify_files(collection[0], tmp_path / "answers.csv", model=MODEL, workers=1)
    assert (tmp_path / "answers.csv").read_bytes() == unbroken.read_bytes()


def test_parquet_has_the_same_rows(collection, unbroken, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    batch.classify_files(collection[0], tmp_path / "answers.parquet", model=MODEL, workers=1)
    rows = parquet.read_table(tmp_path / "answers.parquet").to_pylist()
    lines = [",".join(PredictionRow._fields) + "\n", *(csv_line(PredictionRow(**row)) for row in rows)]
    assert "".join(lines).encode() == unbroken.read_bytes()


# --- kills ---

# What happens to the process itself, at the given call of a function, before or after it has done its work.
DISTURB = """
import os, signal, sys
import cifar_lab.inference.batch.manifest, cifar_lab.inference.batch.job as job
from cifar_lab.core import files
from cifar_lab.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background is born deaf to it
owner, name, when, at, sent = eval(sys.argv.pop(1))
kept, calls = getattr(owner, name), []

def disturbed(*arguments, **options):
    calls.append(name)
    if len(calls) == at and when == "before":
        sent()
    kept(*arguments, **options)
    if len(calls) == at and when == "after":
        sent()

setattr(owner, name, disturbed)
main()
"""
KILL = "lambda: os.kill(os.getpid(), signal.SIGKILL)"
INTERRUPT = "lambda: os.killpg(0, signal.SIGINT)"


def disturbed_run(arguments, owner: str, name: str, when: str, at: int, sent: str):
    command = [sys.executable, "-c", DISTURB, f"({owner}, {name!r}, {when!r}, {at}, {sent})", "classify", *arguments]
    environment = os.environ | {"TQDM_DISABLE": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=120, start_new_session=True
    )  # its own group, which Ctrl-C goes to


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
@pytest.mark.parametrize(
    ("owner", "name", "when", "at"),
    [
        ("files", "write_json", "before", 1),  # the list is there, but not the manifest
        ("job.Job", "keep", "after", 3),  # some are
        (
            "os",
            "replace",
            "after",
            10,
        ),  # list, its name, manifest, 7 parts
    ],
    ids=["listing", "some parts", "table"],
)
def test_a_killed_run_goes_on_and_ends_in_the_same_table(collection, unbroken, tmp_path, owner, name, when, at):
    arguments = [str(collection[0]), "--model", MODEL, "--output", str(tmp_path / "answers.csv"), "--workers", "1"]
    killed = disturbed_run(arguments, owner, name, when, at, KILL)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    parts = len(list((tmp_path / "answers.csv.parts").glob("part-*")))
    assert (name, parts) in {("write_json", 0), ("keep", 3), ("replace", 7)}
    resumed = CliRunner().invoke(main, ["classify", *arguments], env={"TQDM_DISABLE": "1"})
    assert resumed.exit_code == 0, resumed.output
    assert "100 files, 94 answered" in resumed.output
    assert (tmp_path / "answers.csv").read_bytes() == unbroken.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["answers.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent in another way")
def test_ctrl_c_ends_with_a_line_how_to_go_on(collection, tmp_path):
    arguments = [str(collection[0]), "--model", MODEL, "--output", str(tmp_path / "answers.csv"), "--workers", "2"]
    stopped = disturbed_run(arguments, "job.Job", "keep", "after", 2, INTERRUPT)
    assert stopped.returncode == 130
    assert stopped.stderr == "The rows so far are kept. To resume: the same command again.\nStopped.\n"
    assert len(list((tmp_path / "answers.csv.parts").glob("part-*"))) == 2


def test_a_killed_worker_is_noticed_and_its_part_done_again(collection, unbroken):
    paths = sorted(os.fsencode(path) for path in collection[0].rglob("*.*"))
    opened, killed = [], []

    def seen(count):
        opened.append(count)
        if sum(opened) == 30 and not killed:
            killed.extend(active_children())
            killed[-1].kill()

    parts = [(number, paths[first : first + 20]) for number, first in enumerate(range(0, 100, 20))]
    answered = dict(workers.run_workers(iter(parts), Model.load(MODEL), workers=1, seen=seen))
    assert killed and sum(opened) == 100 and min(opened) < 0
    whole = dict(workers.run_workers(iter(parts), Model.load(MODEL), workers=1))
    assert sorted(answered) == [0, 1, 2, 3, 4] and answered == whole
    assert active_children() == []


class Deadly(Model):
    """A classifier whose process ends at certain files, as a decoder's fault would end it."""

    def classifier(self):
        kept = images.open_picture

        def open_picture(source, **options):
            if source in (b"deadly", b"deadly too"):
                os.kill(os.getpid(), signal.SIGKILL)
            return kept(source, **options)

        images.open_picture = open_picture
        return super().classifier()


@pytest.mark.skipif(os.name == "nt", reason="there is no SIGKILL")
def test_a_file_that_ends_its_worker_each_time_is_passed_over(collection, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"deadly")
    good = os.fsencode(collection[0] / "00.jpg")
    parts = iter([(0, [good, os.fsencode(tmp_path / "a.jpg"), good])])
    [(_, (first, bad, last))] = workers.run_workers(parts, Deadly.load(MODEL), workers=1)
    assert bad == ["worker_ended", "Reading it ended the worker process each time. Look at it alone."]
    assert first == last and first[0] == Classifier.load(MODEL).predict(collection[0] / "00.jpg").index


def test_workers_that_keep_ending_end_the_run(monkeypatch, collection):
    monkeypatch.setattr(workers, "_PATIENCE", 2)
    broken = dataclasses.replace(Model.load(MODEL), file_content=b"no network")
    with pytest.raises(ChildProcessError, match=r"Worker processes keep ending \(2 in a row\)"):
        list(workers.run_workers(iter([(0, [b"a.jpg"])]), broken, workers=1))


# --- going on only with the same ---


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """An unfinished run of 20 files with 2 parts, of which one is there; and how to go on with it."""
    generator = np.random.default_rng(1)
    (tmp_path / "pictures").mkdir()
    for number in range(20):
        content = encoded(generator.integers(0, 256, (8, 8, 3), np.uint8), "PNG")
        (tmp_path / "pictures" / f"{number:02}.png").write_bytes(content)

    def run_here(parts, model, *, workers=None, seen=None):
        from cifar_lab.inference.batch.predicting import answer

        for number, paths in parts:
            yield number, answer(model.classifier(), paths)

    def stopped(parts, model, **options):
        yield next(run_here(parts, model))
        raise KeyboardInterrupt

    def classify(source="pictures", output="answers.csv", model=MODEL, **options):
        return batch.classify_files(source, output, model=model, **options)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(workers, "run_workers", stopped)
    with pytest.raises(KeyboardInterrupt):
        classify()
    assert [path.name for path in sorted((tmp_path / "answers.csv.parts").iterdir())] == [
        *("lock", "manifest.json", "part-000000.json", "paths")
    ]
    monkeypatch.setattr(workers, "run_workers", run_here)
    return classify


def test_a_changed_list_is_refused_or_gone_on_with_as_it_was(begun):
    Path("pictures/99.png").write_bytes(Path("pictures/00.png").read_bytes())
    Path("pictures/19.png").unlink()
    Path("pictures/18.png").unlink()
    with pytest.raises(
        ValueError, match=r"of another list \(20 files then, 19 now\). --as-listed goes on .* --replace"
    ):
        begun()
    report = begun(as_listed=True)
    assert (report.count, report.answered, report.broken) == (20, 18, {"no_file": 2})
    assert [row["error"] for row in rows_of(Path("answers.csv"))][-2:] == ["The file does not exist."] * 2


def test_a_changed_list_is_begun_anew_with_replace(begun):
    Path("pictures/00.png").unlink()
    assert begun(replace=True).count == 19
    assert Path(rows_of(Path("answers.csv"))[0]["path"]).name == "01.png"


def test_a_changed_classifier_is_refused_or_begun_anew(begun):
    with pytest.raises(ValueError, match="holds an unfinished run with another classifier, or with this one before"):
        begun(model="cifar10")
    classifier = Classifier.load("cifar10")
    assert begun(model="cifar10", replace=True).count == 20
    expected = [classifier.predict(path).label for path in sorted(Path("pictures").iterdir())]
    assert [row["label"] for row in rows_of(Path("answers.csv"))] == expected


def test_a_run_is_gone_on_with_from_another_folder_and_by_a_list(begun, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    numbers, keep = [], Job.keep
    monkeypatch.setattr(Job, "keep", lambda job, number, answers: numbers.append(number) or keep(job, number, answers))
    names = "\n".join(str(path) for path in sorted((tmp_path / "pictures").iterdir()))
    report = begun(io.BytesIO(names.encode()), tmp_path / "answers.csv", replace=True)
    assert numbers == [1]  # even with replace: the same files, the same classifier
    assert report.answered == 20
    assert rows_of(tmp_path / "answers.csv")[0]["path"] == os.path.join("pictures", "00.png")  # as at the start


def test_a_table_that_is_there_is_not_touched(begun):
    begun()
    kept = Path("answers.csv").read_bytes()
    with pytest.raises(ValueError, match=r"answers.csv is there already. Name another file with --output, or give"):
        begun(model="cifar10")
    with pytest.raises(ValueError, match=r"answers.csv is there already"):
        begun(as_listed=True)
    assert Path("answers.csv").read_bytes() == kept and not Path("answers.csv.parts").exists()
    begun(model="cifar10", replace=True)
    assert Path("answers.csv").read_bytes() != kept


def test_two_processes_do_not_write_the_same_table(begun):
    with try_lock(Path("answers.csv.parts/lock")) as got:
        assert got
        with pytest.raises(ValueError, match=r"Another process is writing answers.csv just now"):
            begun()
    assert begun().count == 20


def test_a_damaged_part_is_removed_and_answered_again(begun):
    Path("answers.csv.parts/part-000000.json").write_text("[[1, 0.5, true]]")
    with pytest.raises(ValueError, match=r"was damaged, and is removed. The same command answers that part again"):
        begun()
    assert begun().answered == 20


def test_what_others_laid_into_the_folder_stays(begun):
    Path("answers.csv.parts/mine.txt").write_text("notes")
    begun()
    assert [path.name for path in Path("answers.csv.parts").iterdir()].count("mine.txt") == 1


# --- what is in the table ---


@pytest.mark.parametrize(
    ("path", "read", "first"),
    [
        ("a.jpg", "a.jpg", "a"),
        ("a,b.jpg", "a,b.jpg", '"'),
        ('say "x".jpg', 'say "x".jpg', '"'),
        ("line\nbreak\r.jpg", "line\nbreak\r.jpg", '"'),
        ("=HYPERLINK(1).jpg", "./=HYPERLINK(1).jpg", "."),
        ("+1.jpg", "./+1.jpg", "."),
        ("-1.jpg", "./-1.jpg", "."),
        ("@eaDir/1.jpg", "./@eaDir/1.jpg", "."),
        ("\t=1.jpg", "./\t=1.jpg", '"'),
        (" =1.jpg", "./ =1.jpg", "."),
        ("＝1.jpg", "./＝1.jpg", "."),
        ("a;=1.jpg", "a;=1.jpg", '"'),
    ],
)
def test_a_path_stays_the_same_file_and_is_no_formula(path, read, first):
    line = csv_line(PredictionRow(path, "cat", 3, 0.25, True))
    assert next(csv.reader(io.StringIO(line, newline=""))) == [read, "cat", "3", "0.25", "true", "", ""]
    assert os.path.normpath(read) == os.path.normpath(path)
    assert line[0] == first


def test_a_class_name_is_no_formula_either():
    assert csv_line(PredictionRow("a.jpg", "=cmd", 3, 0.1, False)) == "a.jpg,'=cmd,3,0.1,false,,\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_bytes_that_are_no_text_are_shown_and_folders_and_pipes_are_named(tmp_path, collection):
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    odd = b"caf\xe9\n.jpg"
    (tmp_path / os.fsdecode(odd)).write_bytes((collection[0] / "00.jpg").read_bytes())
    names = [odd, b"pipe.jpg", b"folder", b"link", b"nothing.jpg", b"x" * 300]
    paths = io.BytesIO(b"".join(os.path.join(os.fsencode(tmp_path), name) + b"\0" for name in names))
    report = batch.classify_files(paths, tmp_path / "answers.csv", model=MODEL, workers=1)
    rows = rows_of(report.path)
    assert rows[0]["path"] == f"{tmp_path}/caf\\xe9\n.jpg" and rows[0]["label"]
    assert [row["code"] for row in rows[1:]] == ["no_file"] * 5
    expected = [
        "This is a pipe",
        "This is a folder",
        "This is a link to a folder",
        "The file does not",
        "The file cannot be",
    ]
    assert [row["error"].startswith(words) for row, words in zip(rows[1:], expected, strict=True)] == [True] * 5


def test_the_memory_does_not_grow_with_the_list(tmp_path):
    from cifar_lab.inference.batch.manifest import begin_or_resume

    job = Job(tmp_path / "answers.csv")
    paths = (b"pictures/%032d.jpg" % number for number in range(50_000))
    job.folder.mkdir()
    tracemalloc.start()
    begin_or_resume(job, paths, {}, replace=False, as_listed=False)
    count = sum(len(part) for _, part in job.missing())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == 50_000 == job.count
    assert peak < 2**20  # a block of the list in pieces, and a part; the list has 2 MB


# --- the command ---


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "nothing does not exist. Give a folder, or a text file with one path a line."),
        (["."], ". names no file to classify."),
        ([".", "--output", "answers.xlsx"], "can go to a .csv or a .parquet file, but not to 'answers.xlsx'"),
        ([".", "--model", "nobody"], "There is no classifier 'nobody'"),
        ([".", "--as-listed"], "No unfinished run of answers.csv is here to go on with. Leave out --as-listed."),
        ([".", "--workers", "0"], "0 is not in the range"),
    ],
)
def test_a_mistake_gets_a_sentence_and_leaves_nothing(tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["classify", *arguments], env={"TQDM_DISABLE": "1"})
    assert result.exit_code in (1, 2)
    assert sentence in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_list_comes_in_through_a_pipe(collection, tmp_path):
    paths = "\n".join([str(collection[0] / "00.jpg"), "nothing.jpg"])
    arguments = ["classify", "-", "--model", MODEL, "--output", str(tmp_path / "answers.csv"), "--workers", "1"]
    result = CliRunner().invoke(main, arguments, input=paths, env={"TQDM_DISABLE": "1"})
    assert result.exit_code == 0, result.output
    assert "2 files, 1 answered" in result.output and "1 could not be read" in result.output


@pytest.mark.parametrize(("name", "path"), [("pyarrow", "answers.parquet"), ("ray", "answers.csv")])
def test_what_is_not_installed_is_said_before_the_work(collection, tmp_path, monkeypatch, name, path):
    monkeypatch.setitem(sys.modules, name, None)
    for module in ("pyarrow.parquet", "ray.data"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    arguments = [
        "classify",
        str(collection[0]),
        "--model",
        MODEL,
        "--output",
        str(tmp_path / path),
        "--cluster",
        "auto",
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "pip install -e '.[cluster]'" in result.output
    assert ("runs on this machine" if name == "ray" else "A .csv needs nothing") in result.output
    assert list(tmp_path.iterdir()) == []
