"""Transfer learning: frozen layers do not change, the new head learns, and an interrupted run resumes exactly."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner

from cifar_lab import models, training
from cifar_lab.cli import main
from cifar_lab.core import files
from cifar_lab.core.keras_backend import keras
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import KERAS_FILE, ModelCard
from cifar_lab.models import transfer
from cifar_lab.training import loop, recipes, runs
from cifar_lab.training.callbacks import LearningRate
from cifar_lab.training.start import describe_start, load_start
from tests.helpers import interruption
from tests.helpers.datasets import replace_load

SAME = ("recipe", "dataset", "metrics", "history", "weights_sha256", "start")  # must not depend on interruptions
QUICK = {"recipe": "transfer", "start": "stripes", "epochs": 4, "frozen_epochs": 2, "progress": False}


@pytest.fixture(scope="module")
def classifiers(tmp_path_factory):
    """A models folder with small random networks, and a runs folder."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("models")
        patch.setenv("CIFAR_LAB_MODELS", str(folder))
        patch.setattr("cifar_lab.core.paths.runs_folder", lambda: folder / "runs")
        keras.utils.set_random_seed(1)
        write_classifier(folder / "stripes", small())
        write_classifier(folder / "wide", small(input_size=24))
        yield folder


def write_classifier(folder, model) -> None:
    folder.mkdir()
    model.save(folder / KERAS_FILE)
    stated = {KERAS_FILE: {"sha256": files.sha256(folder / KERAS_FILE)}}
    content = {"name": folder.name, "class_names": ["a", "b"], "input_size": 16, "files": stated}
    files.write_json(folder / "card.json", content | {"temperature": 1, "known_threshold": 0})


def small(class_count: int = 2, input_size: int = 16) -> keras.Model:
    """Return a network with batch normalisation, whose moving statistics could change."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((input_size, input_size, 3), dtype="uint8"),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 5, strides=3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dense(class_count, activation="softmax", name="old_head"),
        ]
    )


def weights(model, name: str) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(w) for w in model.get_layer(name).weights]


def equal(first, second) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def frozen(classifiers, stripes):
    return training.train(
        stripes, recipe="transfer-frozen", start="stripes", epochs=30, learning_rate=0.01, progress=False
    )


@pytest.fixture(scope="module")
def tuned(classifiers, stripes):
    return training.train(stripes, **QUICK)


def test_build_transfer_keeps_the_weights_and_adds_a_new_head(classifiers, stripes):
    model = models.build("transfer", class_count=5, input_size=16, start=load_start("stripes"))
    start = load_start("stripes")
    for name in ("conv", "norm"):
        assert equal(weights(model, name), weights(start, name))
    probabilities = np.asarray(model(stripes.test.images))
    assert probabilities.shape == (40, 5)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


def test_backbone_and_head_compose_to_the_network(classifiers, stripes):
    model = models.build("transfer", input_size=16, start=load_start("stripes"))
    backbone, head = transfer.split_backbone_and_head(model)
    features = transfer.extract_features(backbone, stripes.test)
    assert features.images.shape == (40, 4 * 4 * 8)  # (16 - 5) // 3 + 1 = 4 rows and columns, 8 filters
    np.testing.assert_allclose(head(features.images), model(stripes.test.images), atol=1e-6)
    assert np.array_equal(features.labels, stripes.test.labels)


def test_a_frozen_backbone_is_unchanged_while_the_head_learns(frozen):
    model, start = frozen.load_model(), load_start("stripes")
    for name in ("conv", "norm"):
        assert equal(weights(model, name), weights(start, name))
    assert frozen.record["metrics"]["validation"]["accuracy"] > 0.7  # from random features; guessing gives 0.5


def test_fine_tuning_changes_the_weights_but_not_batch_norm(tuned):
    model, start = tuned.load_model(), load_start("stripes")
    assert not equal(weights(model, "conv"), weights(start, "conv"))
    assert equal(weights(model, "norm"), weights(start, "norm"))


def test_the_run_record_matches_the_saved_network_and_its_start(tuned, stripes):
    probabilities = tuned.load_model().predict(stripes.validation.images, verbose=0)
    accuracy = np.mean(probabilities.argmax(axis=1) == stripes.validation.labels)
    assert tuned.record["metrics"]["validation"]["accuracy"] == pytest.approx(accuracy)
    assert tuned.record["start"]["name"] == "stripes"
    assert tuned.record["start"]["sha256"] == ModelCard.load("stripes").content["files"][KERAS_FILE]["sha256"]


def test_a_run_interrupted_in_each_phase_resumes_exactly(tuned, stripes):
    """Interrupt it in the second frozen epoch, in the first with all layers (new optimiser), and in the next one."""
    for _ in range(3):
        with interruption.in_epoch(2):
            training.train(stripes, **QUICK, resume=True)
    resumed = training.train(stripes, **QUICK, resume=True)
    assert resumed.folder != tuned.folder
    assert {key: resumed.record[key] for key in SAME} == {key: tuned.record[key] for key in SAME}


def test_fine_tuning_uses_the_reduced_learning_rate(tuned, stripes, monkeypatch):
    rates = []
    model = models.build("transfer", class_count=2, input_size=16, start=load_start("stripes"))
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"])
    recipe = recipes.get("transfer", start="stripes", learning_rate=0.01, unfrozen_rate=0.1, frozen_epochs=1)
    monkeypatch.setattr(
        model, "train_on_batch", lambda *_: rates.append(float(model.optimizer.learning_rate)) or (1, 1)
    )
    job = SimpleNamespace(recipe=recipe, learner=model, steps_done=1, total_steps=14)
    rate = LearningRate()
    for job.epoch in (0, 1):
        rate.on_epoch_begin(job)
        for images, labels in loop.batches(stripes.train, recipe.batch_size, seed=0, epoch=job.epoch):
            model.train_on_batch(*rate.on_batch_begin(job, images, labels))
    assert len(rates) == 14 and np.allclose(rates[:7], 0.01) and np.allclose(rates[7:], 0.001)


def test_a_run_can_serve_as_a_start(tuned, stripes):
    again = models.build("transfer", class_count=3, input_size=16, start=load_start(tuned.folder.name))
    assert equal(weights(again, "conv"), weights(tuned.load_model(), "conv"))
    assert describe_start(tuned.folder.name)["dataset"] == "stripes"


def test_command_line_from_selected_classes_to_a_classifier(classifiers, stripes, monkeypatch):
    """`evaluate` and `export` must use the same classes, in the same order, of the same dataset."""
    names = iter([dataclasses.replace(stripes, name="sketches")] * 3)
    replace_load(monkeypatch, lambda *_, **__: next(names))

    def lab(*arguments):
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == 0, result.output
        return result.output

    options = ("--recipe", "transfer-frozen", "--start", "stripes", "--epochs", "3", "--learning-rate", "0.01")
    assert "(frozen)" in lab("train", *options, "--dataset", "sketches", "--classes", "upright, level")
    [run] = [runs.open_run(path) for path in runs.finished_folders() if "upright-level" in path.name]
    assert run.record["dataset"]["class_names"] == ["upright", "level"]
    lab("evaluate", run.folder.name)
    probabilities = run.probabilities(stripes.test.images)
    expected = np.mean(probabilities.argmax(axis=1) == 1 - stripes.test.labels)
    assert runs.open_run(run.folder).record["metrics"]["test"]["accuracy"] == pytest.approx(expected)
    lab("export", run.folder.name, "--name", "some")
    classifier = Classifier.load("some")
    assert classifier.class_names == ("upright", "level")
    np.testing.assert_allclose(classifier.raw_probabilities(stripes.test.images), probabilities, atol=1e-4)


def test_images_are_augmented_only_once_all_layers_learn():
    recipe = recipes.get("transfer", epochs=3, frozen_epochs=2, flip="random", shift=2)
    assert [recipe.augmentation_in(epoch).shift for epoch in range(3)] == [0, 0, 2]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"start": "horses"}, "There is no classifier 'horses'"),
        ({"start": "", "frozen_epochs": 0}, "start is missing"),
        ({"start": "wide"}, "takes images of 24 x 24 pixels, .* 16 x 16"),
        ({"recipe": "tutorial", "start": "stripes"}, "'tutorial' always starts from random weights"),
        ({"recipe": "tutorial", "frozen_epochs": 1}, "frozen_epochs needs a start"),
        ({"recipe": "transfer-frozen", "flip": "random"}, "Images are only augmented once all layers are trained"),
        ({"recipe": "fast", "start": "stripes"}, "widths, whitening, identity_start: these need"),
        ({"unfrozen_rate": 0}, "unfrozen_rate must be above 0"),
    ],
)
def test_invalid_options_are_refused_before_anything_is_written(classifiers, stripes, changes, sentence):
    before = set((classifiers / "runs").glob("*"))
    with pytest.raises(ValueError, match=sentence):
        training.train(stripes, **{"recipe": "transfer"} | changes)
    assert set((classifiers / "runs").glob("*")) == before
