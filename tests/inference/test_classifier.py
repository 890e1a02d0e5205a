"""The classifier on disk: what is exported, loaded, refused and answered."""

import json
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from cifar_lab import evaluation, images, models
from cifar_lab.core.keras_backend import keras
from cifar_lab.core.probabilities import apply_temperature
from cifar_lab.experiments import evaluate
from cifar_lab.images import augmentation
from cifar_lab.inference import litert, model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.litert import LiteRT
from cifar_lab.training.export import export_model, export_run


@pytest.fixture(scope="module")
def models_here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(folder))
        yield folder


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    return models.build("tutorial", class_count=2, input_size=16)


@pytest.fixture(scope="module")
def exported(models_here, network, stripes):
    return export_model(network, stripes, "stripes")


def test_answers_as_keras_does(exported, network, stripes):
    raw = exported.raw_probabilities(stripes.test.images)
    np.testing.assert_allclose(raw, network.predict(stripes.test.images, verbose=0), atol=1e-5)


def test_batches_of_every_size_give_the_same_answer(exported, stripes):
    whole = exported.probabilities(np.concatenate([stripes.test.images] * 4))  # more than one batch inside
    single = np.concatenate([exported.probabilities(image[None]) for image in stripes.test.images])
    np.testing.assert_allclose(whole[: len(single)], single, atol=1e-6)
    assert exported.probabilities(stripes.test.images[:0]).shape == (0, 2)


def test_many_threads_get_their_own_answers(exported, stripes):
    expected = exported.probabilities(stripes.test.images)
    wrong = []

    def ask(number):
        for _ in range(50):
            count = number + 1  # different batch sizes, so that a shared interpreter would be resized under a call
            answer = exported.probabilities(stripes.test.images[:count])
            if not np.allclose(answer, expected[:count], atol=1e-6):
                wrong.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_no_two_threads_share_an_interpreter(exported, stripes, monkeypatch):
    real, collisions = litert._interpreter, []

    class Watched:
        """An interpreter that takes its time and notices when somebody else comes in between."""

        def __init__(self, *arguments):
            self.interpreter, self.taken = real(*arguments), threading.Lock()

        def __getattr__(self, name):
            return getattr(self.interpreter, name)

        def invoke(self):
            if not self.taken.acquire(blocking=False):
                collisions.append(threading.current_thread().name)
                return
            time.sleep(0.02)
            self.interpreter.invoke()
            self.taken.release()

    monkeypatch.setattr(litert, "_interpreter", Watched)
    classifier = Classifier.load("stripes")
    calls = [threading.Thread(target=classifier.probabilities, args=(stripes.test.images[:2],)) for _ in range(8)]
    for call in calls:
        call.start()
    for call in calls:
        call.join()
    assert collisions == []


def test_one_picture_gives_a_prediction_and_a_list_gives_a_list(exported, stripes, tmp_path):
    picture = Image.fromarray(stripes.test.images[0])
    picture.save(tmp_path / "stripes.png")
    one = exported.predict(tmp_path / "stripes.png", top=5)
    assert one.image.tolist() == stripes.test.images[0].tolist()  # a picture of the network's size passes untouched
    assert [guess.score for guess in one.top] == sorted((guess.score for guess in one.top), reverse=True)
    assert one.label == exported.class_names[one.index] == one.top[0].label
    assert len(one.top) == 2  # no more than there are classes
    many = exported.predict([tmp_path / "stripes.png", picture, stripes.test.images[0]])
    assert [p.score for p in many] == pytest.approx([one.score] * 3)
    assert exported.predict([]) == []
    assert len(exported.predict(stripes.test.images[:3])) == 3


def test_known_is_the_cards_threshold(exported, stripes):
    predictions = exported.predict(list(stripes.validation.images))
    for prediction in predictions:
        assert prediction.known == (prediction.score >= exported.card.known_threshold)
    assert np.mean([prediction.known for prediction in predictions]) >= 0.95


def test_temperature_is_division_of_the_logits():
    logits = np.random.default_rng(0).normal(size=(20, 5))
    softmax = lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)  # noqa: E731
    np.testing.assert_allclose(apply_temperature(softmax(logits), 2.5), softmax(logits / 2.5), rtol=1e-10)
    certain = apply_temperature(np.array([[1.0, 0.0]], np.float32), 3.0)
    assert np.isfinite(certain).all()


def test_the_card_says_what_it_is(exported, models_here):
    content = json.loads((models_here / "stripes" / "card.json").read_text())
    assert content["class_names"] == ["level", "upright"]
    assert content["input_size"] == 16
    assert set(content["files"]) == {"model.keras", "model.tflite"}
    assert [path.name for path in models_here.iterdir()] == ["stripes"]  # nothing half-made is left


def test_a_file_that_is_not_the_cards_is_refused(models_here, network, stripes):
    export_model(network, stripes, "tampered")
    path = models_here / "tampered" / "model.tflite"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="not the file its card states"):
        Classifier.load("tampered")
    path.unlink()
    with pytest.raises(ValueError, match="is missing"):
        Classifier.load("tampered")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"class_names": ["one"]}, "has no valid class_names"),
        ({"temperature": 0}, "has no temperature above 0"),
        ({"temperature": float("nan")}, "has no temperature above 0"),
        ({"known_threshold": 2}, "has no known_threshold"),
        ({"input_size": 100_000}, "has no input_size"),
        ({"files": ["model.tflite"]}, "states no files"),
        ({"name": None}, "has no name"),
    ],
)
def test_a_card_that_lacks_something_is_refused(exported, models_here, tmp_path, change, sentence):
    content = json.loads((models_here / "stripes" / "card.json").read_text()) | change
    (tmp_path / "card.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=sentence):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_a_card_that_is_no_card_is_refused(tmp_path, text):
    (tmp_path / "card.json").write_text(text)
    with pytest.raises(ValueError, match="model card"):
        Classifier.load(tmp_path)


def test_a_name_that_does_not_exist_lists_those_that_do(exported):
    with pytest.raises(ValueError, match=r"There is no classifier 'frogs'\. Available classifiers: .*stripes"):
        Classifier.load("frogs")


def test_a_name_cannot_leave_the_models_folder(network, stripes):
    for name in ("../escaped", "", ".hidden", "a/b", "x" * 65):
        with pytest.raises(ValueError, match="cannot be a classifier's name"):
            export_model(network, stripes, name)


def test_a_taken_name_is_kept_unless_told(exported, network, stripes):
    with pytest.raises(ValueError, match="already"):
        export_model(network, stripes, "stripes")
    assert export_model(network, stripes, "stripes", replace=True).predict(stripes.test.images[0]).label


def test_another_backend_is_told_how_to_export(network, stripes, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "torch")
    with pytest.raises(ValueError, match="export it with KERAS_BACKEND=tensorflow"):
        export_model(network, stripes, "elsewhere")


def test_pictures_of_another_size_are_sent_to_predict(exported):
    with pytest.raises(ValueError, match=r"takes images \(n, 16, 16, 3\)"):
        exported.probabilities(np.zeros((1, 32, 32, 3), np.uint8))
    with pytest.raises(ValueError, match="top must be at least 1"):
        exported.predict(np.zeros((16, 16, 3), np.uint8), top=0)


def test_a_run_is_exported_only_with_its_own_pictures(models_here, tmp_path, monkeypatch, stripes):
    from cifar_lab import training
    from tests.conftest import make_stripes

    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path)
    run = training.train(stripes, epochs=1, progress=False)
    with pytest.raises(ValueError, match="was not trained on this dataset"):
        export_run(run, make_stripes(seed=9), "other")
    classifier = export_run(run, stripes, "trained")
    assert classifier.card.content["trained"]["recipe"]["epochs"] == 1


def test_a_run_that_zoomed_has_its_temperature_fitted_on_moved_images(models_here, network, stripes):
    recipe = {"name": "any", "shift": 3, "zoom": 0.5}
    content = {"recipe": recipe, "dataset": {"fingerprint": stripes.fingerprint()}, "metrics": {}}
    made = export_run(SimpleNamespace(record=content, load_model=lambda: network), stripes, "zoomed")
    rng, moved = np.random.default_rng(0), []
    for _ in range(4):
        nearer = augmentation.zoom(stripes.validation.images, 0.5, rng, share=0.5)
        moved.append(augmentation.shift(nearer, 3, rng))
    raw = made.raw_probabilities(np.concatenate(moved))
    assert made.card.temperature == evaluation.fit_temperature(raw, np.tile(stripes.validation.labels, 4))
    assert export_model(network, stripes, "unmoved").card.temperature != made.card.temperature
    scores = made.probabilities(stripes.validation.images).max(axis=1)
    assert made.card.known_threshold == evaluation.known_threshold(scores, keep=0.95)  # of them as they are
    own = export_run(
        SimpleNamespace(record=content, load_model=lambda: network), stripes, "own", calibration=stripes.train
    )
    raw = own.raw_probabilities(stripes.train.images)
    assert own.card.temperature == evaluation.fit_temperature(raw, stripes.train.labels)  # ours gives way


def test_default_is_the_best_shipped_one_before_the_readers_own(tmp_path, monkeypatch):
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
    assert model_card.default_classifier() == "cifar10"  # loading it says that there is none
    for name, expected in (
        ("my-first", "my-first"),
        ("animals", "animals"),
        ("tutorial", "tutorial"),
        ("cifar10", "cifar10"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "card.json").write_text("{}")
        assert model_card.default_classifier() == expected


# --- several views of one picture ---


@pytest.fixture(scope="module")
def two_sided(models_here, network, stripes):
    return export_model(network, stripes, "two-sided", mirror=True, framings=("centre", "squash"))


def test_both_mirror_images_are_asked(two_sided, exported, stripes):
    inputs = stripes.test.images
    plain, mirrored = exported.raw_probabilities(inputs), exported.raw_probabilities(inputs[:, :, ::-1].copy())
    product = np.sqrt(plain * mirrored)  # the mean of the logits, as the geometric mean of the probabilities
    expected = product / product.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(two_sided.raw_probabilities(inputs), expected, rtol=1e-4)
    np.testing.assert_allclose(
        two_sided.raw_probabilities(inputs[:, :, ::-1].copy()), expected, rtol=1e-4
    )  # whichever way round it comes


def test_all_framings_are_asked_in_one_batch(two_sided, exported, monkeypatch):
    wide = Image.fromarray(np.random.default_rng(1).integers(0, 256, (30, 90, 3), dtype=np.uint8))
    square = wide.crop((0, 0, 30, 30))
    batches = []
    real = LiteRT.__call__
    monkeypatch.setattr(LiteRT, "__call__", lambda self, batch: batches.append(len(batch)) or real(self, batch))
    answers = two_sided.predict([wide, square])
    assert batches == [4]  # two framings of the wide one, both mirror images of the square one
    framed = np.stack([images.to_input(wide, 16, framing=framing) for framing in images.FRAMINGS])
    logits = np.log(exported.raw_probabilities(framed)).mean(axis=0) / two_sided.card.temperature
    expected = np.exp(logits) / np.exp(logits).sum()
    assert answers[0].score == pytest.approx(expected.max(), rel=1e-4)
    np.testing.assert_array_equal(answers[0].image, framed[0])
    assert two_sided.predict(square).score == pytest.approx(answers[1].score, rel=1e-5)
    both_sides = two_sided.probabilities(images.to_input(square, 16)[None])[0]
    assert answers[1].score == pytest.approx(both_sides.max(), rel=1e-4)


@pytest.mark.parametrize(("precision", "share", "apart"), [("float16", 0.55, 2e-3), ("int8", 0.35, 3e-2)])
def test_smaller_files_give_nearly_the_same_answers(models_here, network, exported, stripes, precision, share, apart):
    small = export_model(network, stripes, precision, precision=precision)
    sizes = [it.card.content["files"]["model.tflite"]["bytes"] for it in (small, exported)]
    assert sizes[0] < share * sizes[1]
    inputs = stripes.test.images
    np.testing.assert_allclose(small.raw_probabilities(inputs), exported.raw_probabilities(inputs), atol=apart)
    with pytest.raises(ValueError, match="precision must be one of float32, float16, int8"):
        export_model(network, stripes, "tiny", precision="int1")


def test_the_card_says_how_well_other_things_are_told_apart(models_here, network, stripes):
    others = np.random.default_rng(0).integers(0, 256, (30, 16, 16, 3), dtype=np.uint8)
    made = export_model(network, stripes, "with-others", others=others, facts={"metrics": {"minutes": 1}})
    known, unknown = (made.probabilities(images).max(axis=1) for images in (stripes.validation.images, others))
    found = made.card.content["metrics"]["none_of_these"]
    assert found["auroc"] == pytest.approx(roc_auc_score([1] * 60 + [0] * 30, [*known, *unknown]))
    assert found["others_refused"] == pytest.approx(np.mean(unknown < made.card.known_threshold))
    assert (found["known"], found["others"]) == (60, 30)
    assert made.card.content["metrics"]["minutes"] == 1


# --- measured without its dataset ---


def test_kept_predictions_give_the_same_metrics(models_here, network, stripes):
    made = export_model(network, stripes, "kept")
    assert evaluate.evaluate_saved("kept") is None
    measured = evaluate.evaluate_classifier(made, stripes, keep=True)
    again, about = evaluate.evaluate_saved("kept")
    assert again.to_dict() == measured.to_dict()
    assert "40 test images: Made by the tests" in about
    content = json.loads((models_here / "kept" / "card.json").read_text())
    assert content["metrics"]["test"]["accuracy"] == measured.accuracy
    path = models_here / "kept" / "test_predictions.npz"
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(ValueError, match="not the file its card states"):
        evaluate.evaluate_saved("kept")
