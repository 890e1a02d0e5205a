"""Bulk classification on Ray: the rows of one machine, the parts of one run, and workers that die."""

import contextlib
import dataclasses
import os
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from cifar_lab import images
from cifar_lab.inference import batch
from cifar_lab.inference.batch import ray_runner, workers
from cifar_lab.inference.batch.job import Job
from cifar_lab.inference.batch.predicting import Model, answer

pytest.importorskip("ray.data", reason="Ray is not installed: pip install -e '.[cluster]'")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ray is not tested on Windows")

MODEL = "tutorial"


@pytest.fixture(scope="module")
def ray_here():
    """A Ray on this machine with one core, started as `cluster="local"` starts it."""
    ray_runner.runner("local")  # what it sets has to be set before Ray is imported
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(ray_runner.connected_batch("local", 1))
        except ValueError:  # Ray gives itself 30 s to start, which a machine full of other tests may not
            try:
                stack.enter_context(ray_runner.connected_batch("local", 1))
            except ValueError as error:
                pytest.skip(f"Ray does not start here: {error}")
        yield


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """A folder of 40 files, three of which are broken or not there; and their table from one machine."""
    folder, generator = tmp_path_factory.mktemp("collection"), np.random.default_rng(3)
    for number in range(37):
        image = generator.integers(0, 256, (*generator.integers(20, 60, 2), 3), np.uint8)
        Image.fromarray(image).save(folder / f"{number:02}, a line\nand a half.jpg")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff cut")
    (folder / "empty.jpg").touch()
    (folder / "gone.jpg").symlink_to("nowhere.jpg")
    table = tmp_path_factory.mktemp("one machine") / "answers.csv"
    report = batch.classify_files(folder, table, model=MODEL, workers=1)
    assert report.broken == {"no_file": 2, "corrupt_image": 1}
    return folder, table.read_bytes()


def test_ray_gives_the_rows_of_one_machine(ray_here, collection, tmp_path, capfd):
    folder, expected = collection
    report = batch.classify_files(folder, tmp_path / "answers.csv", model=MODEL, cluster="local", workers=1)
    assert (report.count, report.answered) == (40, 37)
    assert (tmp_path / "answers.csv").read_bytes() == expected
    assert capfd.readouterr() == ("", "")  # no word from Ray


def test_a_run_that_was_killed_on_one_machine_goes_on_with_ray(ray_here, collection, tmp_path, monkeypatch):
    folder, expected = collection

    def stopped(parts, model, **options):
        number, paths = next(parts)
        yield number, answer(model.classifier(), paths)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(workers, "run_workers", stopped)
        batch.classify_files(folder, tmp_path / "answers.csv", model=MODEL)
    kept, keep = [], Job.keep
    monkeypatch.setattr(Job, "keep", lambda job, number, answers: kept.append(number) or keep(job, number, answers))
    batch.classify_files(folder, tmp_path / "answers.csv", model=MODEL, cluster="local")
    assert sorted(kept) == [1, 2]  # of three parts
    assert (tmp_path / "answers.csv").read_bytes() == expected


@dataclasses.dataclass(frozen=True)
class Mortal(Model):
    """A classifier whose process is killed in the middle of a part, as long as there is a certain file."""

    while_there: str = ""

    def classifier(self):
        kept, opened = images.open_picture, []

        def open_picture(source, **options):
            opened.append(source)
            if len(opened) == 5 and os.path.exists(self.while_there):
                os.unlink(self.while_there)
                os.kill(os.getpid(), signal.SIGKILL)
            return kept(source, **options)

        images.open_picture = open_picture
        return super().classifier()


def test_the_part_of_a_worker_that_died_is_done_again(ray_here, collection, tmp_path):
    paths = sorted(os.fsencode(path) for path in collection[0].iterdir())
    parts = [(0, paths[:20]), (1, paths[20:])]
    model = Model.load(MODEL)
    (tmp_path / "alive").touch()
    mortal = Mortal(**vars(model), while_there=str(tmp_path / "alive"))
    mortal.content["files"][mortal.file]["sha256"] = "another"  # else the worker takes the one it knows
    answered = list(ray_runner.runner("local")(iter(parts), mortal, workers=1))
    assert not (tmp_path / "alive").exists()
    assert sorted(answered) == [(number, answer(model.classifier(), paths)) for number, paths in parts]


def test_no_cluster_at_the_address_is_said(collection, tmp_path, monkeypatch):
    import ray

    def nothing_there(*_, **__):
        raise ConnectionError("Could not find any running Ray instance.\nMore of it.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", nothing_there)
    with pytest.raises(ValueError, match=r"No Ray cluster answers at 'auto' \(Could .* instance.\). Start one with"):
        batch.classify_files(collection[0], tmp_path / "answers.csv", model=MODEL, cluster="auto")
    report = batch.classify_files(
        collection[0], tmp_path / "answers.csv", model=MODEL, workers=1
    )  # it may be taken home
    assert report.count == 40
