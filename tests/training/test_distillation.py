"""Distillation: the student learns what its teachers say, whatever the labels say."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from cifar_lab import training
from cifar_lab.cli import main
from cifar_lab.data.dataset import Split
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training import distillation, recipes
from cifar_lab.training.checkpoint import TrainingState
from cifar_lab.training.export import export_model
from tests.helpers import interruption
from tests.helpers.datasets import replace_load

TEACHER = {"recipe": "fast", "widths": (6, 8, 8), "batch_size": 20, "learning_rate": 0.5, "epochs": 6}
SAME = ("recipe", "dataset", "metrics", "history", "weights_sha256", "start", "teachers")
STUDENT = {"recipe": "distilled", "teachers": ("left", "right"), "start": "left", "flip": "none"}
STUDENT |= {"batch_size": 20, "learning_rate": 0.05, "epochs": 3, "plain_epochs": 1, "progress": False}


@pytest.fixture(scope="module")
def teachers(tmp_path_factory):
    """A models folder with two classifiers that know stripes, and a folder for runs."""
    from tests.conftest import make_stripes

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("models")
        patch.setenv("CIFAR_LAB_MODELS", str(folder))
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder / "runs")
        for seed, name in enumerate(("left", "right")):
            run = training.train(make_stripes(), **TEACHER, flip="none", seed=seed, progress=False)
            assert run.record["metrics"]["validation"]["accuracy"] > 0.9
            export_model(run.load_model(), make_stripes(), name)
        yield folder


def batches(split: Split, count: int = 10):
    """The split in batches of 20, over and over."""
    for number in range(count):
        first = number * 20 % len(split)
        yield split.images[first : first + 20], split.labels[first : first + 20]


def taught(recipe, dataset, epoch):
    """The batches of an epoch as the teachers label them."""
    teachers, job = distillation.Teachers(recipe, dataset), SimpleNamespace(epoch=epoch)
    teachers.on_epoch_begin(job)
    return [teachers.on_batch_begin(job, *batch) for batch in batches(dataset.train)]


def student(**changes) -> recipes.Recipe:
    return recipes.get(**{name: value for name, value in (STUDENT | changes).items() if name != "progress"})


def test_what_is_learnt_is_what_one_of_them_says_of_just_these_images(teachers, stripes):
    answered = list(taught(student(blend=0.5), stripes, epoch=0))
    who = [Classifier.load(name) for name in ("left", "right")]
    asked = set()
    for shown, probabilities in answered:
        alike = [np.allclose(teacher.raw_probabilities(shown), probabilities, atol=1e-6) for teacher in who]
        assert sum(alike) == 1  # both would be no test
        asked.add(alike.index(True))
    assert asked == {0, 1}


def test_where_images_are_flipped_either_side_is_asked_about(teachers, stripes):
    recipe = student(teachers=("left",), flip="alternating", blend=0.0)
    left, turned = Classifier.load("left"), []
    for shown, probabilities in taught(recipe, stripes, epoch=0):
        sides = [shown, shown[:, :, ::-1]]
        turned.append([np.allclose(left.raw_probabilities(side), probabilities, atol=1e-6) for side in sides])
    assert {tuple(sides) for sides in turned} == {(True, False), (False, True)}


def test_an_epoch_is_the_same_again_and_the_next_is_another(teachers, stripes):
    recipe = student(blend=0.5)
    first, again, next_one = (
        np.concatenate([shown for shown, _ in taught(recipe, stripes, epoch=e)]) for e in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.array_equal(first, next_one)


def test_blending_lays_one_image_over_another():
    """Each image has one colour of its own, 0 in one channel: what was laid over it can be read off."""
    images = np.zeros((40, 4, 4, 3), np.uint8)
    images[:, ..., 0] = np.arange(40)[:, None, None] * 6
    images[:, ..., 1] = 200 - images[..., 0] // 2
    mixed = distillation.mix_images(images, 0.25, np.random.default_rng(1))
    assert mixed.dtype == np.uint8 and np.array_equal(mixed[10:], images[10:])
    assert np.array_equal(images[:, 0, 0, 0], np.arange(40) * 6)  # what went in stays as it was
    changed = mixed[:10, 0, 0].astype(int)
    assert (mixed[:10] == mixed[:10, :1, :1]).all()  # one share for a whole image
    assert (abs(changed[:, 1] - (200 - changed[:, 0] / 2)) <= 2).all()  # on the line between two of them
    assert (changed[:, 0] != images[:10, 0, 0, 0]).sum() >= 8
    assert np.array_equal(distillation.mix_images(images, 0.0, np.random.default_rng(1)), images)


def test_it_learns_from_the_teachers_though_every_label_is_wrong(teachers, stripes):
    """A fresh network, all of whose training labels are the other class."""
    wrong = dataclasses.replace(stripes, train=Split(stripes.train.images, 1 - stripes.train.labels))
    run = training.train(wrong, **TEACHER, label_smoothing=0.0, flip="none", teachers=("left", "right"), progress=False)
    right = run.probabilities(stripes.test.images).argmax(axis=1) == stripes.test.labels
    assert right.mean() > 0.9
    assert run.record["metrics"]["validation"]["accuracy"] > 0.9
    assert run.history[-1]["accuracy"] > 0.9  # how often it says what they say


def test_a_stopped_run_ends_as_an_unbroken_one(teachers, stripes):
    unbroken = training.train(stripes, **STUDENT)
    with interruption.in_epoch(2):
        training.train(stripes, **STUDENT)
    resumed = training.train(stripes, **STUDENT, resume=True)
    assert {key: resumed.record[key] for key in SAME} == {key: unbroken.record[key] for key in SAME}
    assert [teacher["name"] for teacher in unbroken.record["teachers"]] == ["left", "right"]
    assert all(len(teacher["sha256"]) == 64 for teacher in unbroken.record["teachers"])


@pytest.mark.parametrize("keep", ["mean", "half-way"])
def test_a_mean_says_how_good_it_is_itself(teachers, stripes, keep):
    assert recipes.get("distilled").keep == "half-way"
    run = training.train(stripes, **STUDENT | {"keep": keep})
    of_the_true_class = run.probabilities(stripes.validation.images)[np.arange(60), stripes.validation.labels]
    assert run.record["metrics"]["validation"]["loss"] == pytest.approx(-np.log(of_the_true_class).mean(), rel=1e-4)
    assert run.record["metrics"]["validation"]["loss"] != run.history[-1]["validation_loss"]


class Weights:
    """A network as far as `Progress` looks at it."""

    def __init__(self, *values):
        self.values = values

    def get_weights(self):
        return [np.array(value, np.float32) for value in self.values]


def test_the_mean_is_that_of_the_last_two_epochs():
    progress = TrainingState()
    for number in (1, 2, 6):
        after, before = Weights(number, [number, 10 * number]), Weights(0, [2, 4]).get_weights()
        progress.add({"validation_accuracy": 0.5}, seconds=1.0)
        progress.keep(after, keep="mean", before=before)
    assert progress.best_epoch == 3
    assert [weights.tolist() for weights in progress.best_weights] == [3.0, [4.0, 32.0]]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"blend": 1.5}, "blend must be from 0 to 1"),
        ({"start": "", "keep": "half-way"}, "needs the fast network and a start"),
        ({"teachers": ()}, "0 without teachers"),
        ({"label_smoothing": 0.1}, "cannot be combined with label_smoothing"),
        ({"teachers": ("nobody",)}, "nobody"),
        ({"widths": (8, 8)}, "widths: these need a randomly initialised network"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_written(teachers, stripes, changes, sentence):
    before = sorted((teachers / "runs").iterdir())
    with pytest.raises(ValueError, match=sentence):
        training.train(stripes, **STUDENT | {"blend": 0.3} | changes)
    assert sorted((teachers / "runs").iterdir()) == before


def test_a_teacher_of_other_classes_is_refused_before_anything_is_written(teachers, stripes):
    before = sorted((teachers / "runs").iterdir())
    others = dataclasses.replace(stripes, class_names=("upright", "level"))
    with pytest.raises(ValueError, match="The teacher 'left' does not fit stripes"):
        training.train(others, **STUDENT)
    assert sorted((teachers / "runs").iterdir()) == before


def test_by_command_line(teachers, stripes, monkeypatch):
    replace_load(monkeypatch, lambda *_, **__: stripes)
    trained = ["train", "--recipe", "distilled", "--start", "left", "--teachers", "left, right", "--epochs", "4"]
    result = CliRunner().invoke(main, [*trained, "--batch-size", "20", "--learning-rate", "0.02"])
    assert result.exit_code == 0, result.output
    assert "epoch 4/4" in result.output and "Next: cifar-lab evaluate distilled-stripes-seed0" in result.output
