"""MobileNetV2: the way from a weight file in Keras's cache to an answer, with random weights in a file of that form.

Nobody has seen ImageNet's own weights here. The truth is Keras's own network, with the same random weights: it sees
pixels that are scaled to -1..1 by the formula of its documentation.
"""

import http.server
import io
import json
import sys
import threading

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from cifar_lab import explain, models, training
from cifar_lab.cli import environment, main
from cifar_lab.core import files
from cifar_lab.core.keras_backend import keras
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.data.download import DownloadError
from cifar_lab.experiments import evaluate
from cifar_lab.inference.classifier import Classifier
from cifar_lab.models import imagenet_weights, mobilenet
from cifar_lab.models.imagenet_labels import imagenet_labels
from cifar_lab.models.imagenet_weights import WeightsError
from cifar_lab.training import mobilenet_export

OFFICIAL_ADDRESS = imagenet_weights.ADDRESS
SIDE = 96  # pixels: a fifth of the work of 224


def write_official(path, model, *, without_last: int = 0) -> None:
    """Write weights as Keras's files for its networks hold them: a group a layer, the order in its attributes."""
    layers = model.layers[: len(model.layers) - without_last]
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in layers]
        for layer in layers:
            group, values = file.create_group(layer.name), layer.get_weights()
            names = [f"{layer.name}/{weight.name}:0" for weight in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, values, strict=True):
                group[name] = value


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Four images of noise, of different darkness, as `(4, 96, 96, 3)` uint8."""
    rng = np.random.default_rng(1)
    return np.stack([rng.integers(0, top, (SIDE, SIDE, 3), dtype=np.uint8) for top in (40, 120, 200, 256)])


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Leave out 14 of the 17 blocks, in Keras's network and ours: TensorFlow takes 20 seconds to convert all of them.

    Left are each kind of block: without and with a step down, and with a way around.
    """
    source = sys.modules[keras.applications.MobileNetV2.__module__]
    block = source._inverted_res_block

    def first_blocks(inputs, **options):
        return block(inputs, **options) if options["block_id"] < 3 else inputs

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "_inverted_res_block", first_blocks)
        yield source, block


@pytest.fixture(scope="module")
def official(shallow, images) -> keras.Model:
    """Keras's own network, with weights that make its layers differ, and what it says of the images too."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((SIDE, SIDE, 3), weights=None)
    rng = np.random.default_rng(0)
    normalizing = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizing:
        layer.gamma.assign(rng.uniform(0.8, 1.2, layer.gamma.shape))
        layer.beta.assign(rng.uniform(-0.2, 0.2, layer.beta.shape))
        layer.momentum = 0.0  # so that a look at the images sets its mean and variance to theirs
    model(images / 127.5 - 1, training=True)
    *_, pooling, last = model.layers
    features = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], pooling.output)(images / 127.5 - 1))
    kernel = rng.normal(size=last.kernel.shape)
    kernel *= 2 / ((features - features.mean(axis=0)) @ kernel).std()
    last.set_weights([kernel, -features.mean(axis=0) @ kernel])
    return model


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory, official):
    """A Keras cache with the weight file, and a models folder; gives the path of the file."""
    home = tmp_path_factory.mktemp("keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(home))
        patch.setenv("CIFAR_LAB_MODELS", str(home / "classifiers"))
        path = home / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
        path.parent.mkdir()
        write_official(path, official)
        patch.setattr(imagenet_weights, "SIZES", {1.0: path.stat().st_size})
        patch.setattr(imagenet_weights, "ADDRESS", "http://127.0.0.1:9/")  # nothing is ever fetched from outside
        yield path


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Ours, with the weights of the file in the cache."""
    return mobilenet.build_mobilenet(input_size=SIDE)


@pytest.fixture(scope="module")
def expected(official, images) -> np.ndarray:
    """What Keras's own network says of them."""
    return keras.ops.convert_to_numpy(official(images / 127.5 - 1, training=False))


@pytest.fixture(scope="module")
def classifier(cache) -> Classifier:
    return mobilenet_export.export_mobilenet(input_size=SIDE)


# --- labels ---


def test_the_labels_stand_where_imagenet_has_them():
    labels = imagenet_labels()
    known = {0: "tench", 1: "goldfish", 151: "Chihuahua", 207: "golden retriever", 281: "tabby", 285: "Egyptian cat"}
    known |= {340: "zebra", 386: "African elephant", 404: "airliner", 504: "coffee mug", 779: "school bus"}
    known |= {817: "sports car", 948: "Granny Smith", 954: "banana", 999: "toilet tissue"}
    assert {index: labels[index] for index in known} == known
    assert len(labels) == len(set(labels)) == 1000


# --- the weight file ---


def test_the_files_name_and_address_are_those_of_keras(shallow, monkeypatch):
    source, _ = shallow
    asked = []
    monkeypatch.setattr(source.file_utils, "get_file", lambda name, address, **_: asked.append((name, address)))
    monkeypatch.setattr(source.Functional, "load_weights", lambda *_: None)
    source.MobileNetV2(weights="imagenet")
    name = imagenet_weights.weights_path().name
    assert asked == [(name, OFFICIAL_ADDRESS + name)]


def test_the_whole_network_has_the_published_size(shallow, monkeypatch):
    source, block = shallow
    monkeypatch.setattr(source, "_inverted_res_block", block)
    model = mobilenet.build_mobilenet(weights=None)
    assert model.count_params() == 3_538_984  # as Keras's documentation says: 3.5 million
    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 1000)


def test_a_narrow_one_has_fewer_filters():
    narrow = mobilenet.build_mobilenet_for_classes(10, 32, alpha=0.35)
    assert [narrow.get_layer(name).filters for name in ("Conv1", "Conv_1")] == [16, 1280]  # 0.35 * 32, to eights


def test_it_answers_as_keras_own_network_does(model, images, expected):
    said = keras.ops.convert_to_numpy(model(images, training=False))
    assert len(set(expected.argmax(axis=1))) > 2 and expected.max() < 0.9  # so that a mistake would show
    np.testing.assert_allclose(said, expected, atol=1e-5)
    assert imagenet_weights.weights_available() and "weights are in" in check_says()
    assert model.input_shape == (None, SIDE, SIDE, 3)
    assert model.inputs[0].dtype == "uint8"


def test_offline_it_says_which_file_to_put_where(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert not imagenet_weights.weights_available()
    with pytest.raises(DownloadError) as caught:
        mobilenet.build_mobilenet(input_size=SIDE)
    place = imagenet_weights.weights_path()
    assert place.parent == tmp_path / "models"
    for said in (str(place.parent), place.name, f"{imagenet_weights.SIZES[1.0]:,} bytes", "cannot be reached"):
        assert said in str(caught.value)
    assert not place.exists()
    assert "cifar-lab mobilenet fetches 14.5 MB" in check_says()


def check_says() -> str:
    """What `cifar-lab check` has to say of the weights."""
    (found,) = (finding.text for finding in environment.run() if finding.text.startswith("mobilenet:"))
    return found


class _Host(http.server.SimpleHTTPRequestHandler):
    """Serves the weight file, or the rest of it."""

    def do_GET(self):
        content = self.server.content[int(self.headers.get("Range", "bytes=0-")[6:-1]) :]
        self.server.sent.append(len(content))
        part = len(content) < len(self.server.content)
        self.send_response(206 if part else 200)
        if part:
            whole = len(self.server.content)
            self.send_header("Content-Range", f"bytes {whole - len(content)}-{whole - 1}/{whole}")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def test_a_download_goes_on_where_it_was_and_is_done_once(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    content = cache.read_bytes()
    place = imagenet_weights.weights_path()
    place.parent.mkdir()
    place.with_name(place.name + ".part").write_bytes(content[:1_000_000])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Host) as server:
        server.content, server.sent = content, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(imagenet_weights, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        for _ in range(2):
            assert imagenet_weights.fetch_weights(progress=False) == place
        server.shutdown()
    assert place.read_bytes() == content and server.sent == [len(content) - 1_000_000]


def test_half_a_file_in_the_cache_is_named(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    place = imagenet_weights.weights_path()
    place.parent.mkdir()
    place.write_bytes(cache.read_bytes()[:-1000])
    assert not imagenet_weights.weights_available() and "is not all there" in check_says()
    with pytest.raises(WeightsError, match=r"has [\d,]+ bytes, and MobileNetV2's weights have [\d,]+.*Delete it"):
        mobilenet.build_mobilenet(input_size=SIDE)


def tiny(units: int = 3) -> keras.Model:
    """A network that stands for any: the checks of a file don't know which it is of."""
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, name="a"), keras.layers.Dense(2, name="b")])


def _linked(path, outside):
    with h5py.File(path, "a") as file:
        del file["b/b/kernel:0"]
        file["b/b/kernel:0"] = h5py.ExternalLink(str(outside), "b/b/kernel:0")


def _unfolding(path, _):
    with h5py.File(path, "a") as file:
        del file["b/b/kernel:0"]
        file.create_dataset("b/b/kernel:0", (100_000, 1000), "f4", chunks=True, compression="gzip")


def _no_number(path, _):
    with h5py.File(path, "a") as file:
        file["b/b/bias:0"][0] = np.nan


def _noise(path, _):
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def _cut(path, _):
    path.write_bytes(path.read_bytes()[:-500])


def _of_another_network(path, _):
    write_official(path, tiny(units=5))


def _without_a_layer(path, _):
    write_official(path, tiny(), without_last=1)


SPOILERS = (_linked, _unfolding, _no_number, _noise, _cut, _of_another_network, _without_a_layer)


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda spoil: spoil.__name__)
def test_a_file_that_is_not_right_ends_in_a_sentence(tmp_path, spoil):
    path, outside = tmp_path / "weights.h5", tmp_path / "outside.h5"
    for whole in (path, outside):
        write_official(whole, tiny())
    imagenet_weights.load_weights(tiny(), path)  # as it should be
    spoil(path, outside)
    said = {_no_number: "holds weights that are no numbers", _unfolding: "does not hold .*it holds 400,000,"}
    with pytest.raises(WeightsError, match=rf"weights\.h5 {said.get(spoil, 'does not hold the weights')}"):
        imagenet_weights.load_weights(tiny(), path)


def test_arguments_that_cannot_be_end_in_a_sentence(tmp_path):
    with pytest.raises(WeightsError, match=r"There is no weight file '.*\.keras'"):
        imagenet_weights.load_weights(tiny(), tmp_path / "none.keras")
    with pytest.raises(WeightsError, match=r"known here for alpha 1\.0, .*not 0\.5"):
        mobilenet.build_mobilenet(alpha=0.5)
    with pytest.raises(ValueError, match="for its 1000 classes, not for 10"):
        mobilenet.build_mobilenet(10)
    with pytest.raises(ValueError, match="at least 32 pixels, not 16"):
        mobilenet.build_mobilenet(10, weights=None, input_size=16)
    with pytest.raises(ValueError, match=r"starts from 'imagenet', not from 'cifar10'.*the recipe transfer"):
        models.build("mobilenet", start="cifar10")


# --- other classes ---


def test_for_other_classes_it_starts_from_the_file_and_keeps_its_statistics(model, images):
    other = mobilenet.build_mobilenet_for_classes(3, 32, start="imagenet")
    small = images[:, ::3, ::3]  # (4, 32, 32, 3)
    large = keras.ops.convert_to_numpy(keras.ops.image.resize(small.astype("float32"), (SIDE, SIDE)))
    ours, theirs = (keras.Model(one.inputs[0], one.get_layer("features").output) for one in (other, model))
    # Theirs takes whole numbers only, which rounds what was blown up by up to half a step.
    given = keras.ops.convert_to_numpy(ours(small, training=False))
    np.testing.assert_allclose(given, keras.ops.convert_to_numpy(theirs(np.rint(large).astype(np.uint8))), atol=0.05)
    assert given.std(axis=0).max() > 0.2 and other.output_shape == (None, 3)
    before = [weight.copy() for weight in other.get_weights()]
    other(small, training=True)  # what training shows it changes none of its means and variances
    assert all(map(np.array_equal, before, other.get_weights()))
    frozen = {type(layer).__name__ for layer in other.layers if not layer.trainable}
    assert frozen == {"BatchNormalization"}


@pytest.fixture
def runs_here(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")


def test_the_recipe_trains_a_last_layer_and_then_all(runs_here, stripes, model, cache):
    few = stripes.subset(train=64, validation=32, test=32)
    run = training.train(few, "mobilenet", epochs=5, frozen_epochs=4, keep="last", progress=False)
    trained = run.load_model()
    for name in ("Conv1", "Conv_1"):
        before, after = (keras.ops.convert_to_numpy(one.get_layer(name).kernel) for one in (model, trained))
        assert 0 < np.abs(after - before).max() < 0.001  # two small steps
    for name in ("bn_Conv1", "Conv_1_bn"):
        before, after = (one.get_layer(name) for one in (model, trained))
        assert np.array_equal(before.moving_mean, after.moving_mean)
        assert np.array_equal(before.moving_variance, after.moving_variance)
    assert run.history[3]["validation_accuracy"] > 0.9
    assert run.record["start"]["sha256"] == files.sha256(cache)
    assert evaluate.evaluate_run(run, few).accuracy > 0.9


# --- the classifier ---


def test_the_card_says_what_it_is_and_that_nothing_was_calibrated(classifier, cache):
    card = classifier.card
    assert card.class_names == imagenet_labels() and card.input_size == SIDE
    assert (card.temperature, card.known_threshold, card.calibrated) == (1, 0, False)
    assert card.content["weights"]["file"] == cache.name and card.content["weights"]["bytes"] == cache.stat().st_size
    assert card.content["network"] == "MobileNetV2, alpha 1.0"
    assert card.content["files"]["model.tflite"]["bytes"] < 0.55 * card.content["files"]["model.keras"]["bytes"]


def test_the_small_file_answers_as_keras_does(classifier, images, expected):
    np.testing.assert_allclose(Classifier.load("mobilenet").probabilities(images), expected, atol=5e-3)
    assert classifier.predict(images[0]).index == expected[0].argmax()


@pytest.fixture(scope="module")
def photo(images) -> bytes:
    """A wide picture, as the bytes of a PNG file."""
    Image.fromarray(np.tile(images[3], (1, 2, 1))).save(stream := io.BytesIO(), "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("framings", [["centre"], ["squash"], ["centre", "squash"]], ids="-".join)
def test_each_framing_answers(classifier, photo, framings):
    card = classifier.card.folder / "card.json"
    before = card.read_text(encoding="utf-8")
    try:
        card.write_text(json.dumps(json.loads(before) | {"framings": framings}), encoding="utf-8")
        prediction = Classifier.load("mobilenet").predict(photo)
    finally:
        card.write_text(before, encoding="utf-8")
    assert prediction.image.shape == (SIDE, SIDE, 3) and prediction.known and len(prediction.top) == 3


def test_page_widget_and_command_line_have_it_in_their_choice(classifier, photo, tmp_path):
    from app import create_app
    from cifar_lab.lessons.widgets import prediction_view

    wanted = classifier.predict(photo)
    client = create_app().test_client()
    (about,) = client.get("/api/models").json["models"]
    assert (about["name"], about["input_size"], about["calibrated"]) == ("mobilenet", SIDE, False)
    assert "1,000 things" in (page := client.get("/").text) and "and 988 more" in page and len(page) < 20_000
    sent = {"data": {"file": (io.BytesIO(photo), "wide.png"), "model": "mobilenet"}}
    (said,) = client.post("/api/predict", **sent).json["predictions"]
    assert (said["label"], said["index"], said["score"]) == (wanted.label, wanted.index, wanted.score)
    assert said["input"] == {"format": "PNG", "width": 2 * SIDE, "height": SIDE} and said["known"]
    sent["data"]["file"] = (io.BytesIO(photo), "wide.png")
    result = client.post("/result", **sent).text
    assert f"{SIDE} × {SIDE} pixels" in result and "nobody measured how often they are right" in result

    heat = explain.grad_cam(models.load_network("mobilenet"), wanted.image)
    assert heat.shape == (SIDE, SIDE) and heat.max() == 1
    answer = prediction_view.predict_picture("wide.png", photo, {"mobilenet": classifier})
    assert f"what it saw: {SIDE} × {SIDE}" in prediction_view.card(answer, "mobilenet")

    (tmp_path / "wide.png").write_bytes(photo)
    printed = CliRunner().invoke(main, ["predict", str(tmp_path / "wide.png"), "--model", "mobilenet", "--json"])
    assert json.loads(printed.output)["top"] == said["top"]


def test_it_is_not_measured_on_other_classes(classifier, images):
    three = Split(images, np.arange(4) % 3)
    with pytest.raises(ValueError, match=r"It knows the classes tench, .* and 988 more; the dataset three has a, b, c"):
        evaluate.evaluate_classifier(classifier, Dataset("three", ("a", "b", "c"), three, three, three, "Noise."))


# --- the command ---


def test_the_command_fetches_and_exports(monkeypatch, tmp_path, classifier):
    def call(*arguments):
        return CliRunner().invoke(main, ["mobilenet", *arguments])

    taken = call()
    assert taken.exit_code == 1 and "There is a classifier 'mobilenet' already." in taken.output
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    offline = call("--name", "another")
    assert offline.exit_code == 1 and f"put it into {tmp_path / 'models'}" in offline.output
    monkeypatch.setattr(
        mobilenet_export, "export_mobilenet", lambda name, **options: asked.update(options, name=name) or classifier
    )
    asked = {}
    done = call("--name", "another", "--framing", "squash")
    assert done.exit_code == 0 and "1,000 classes" in done.output
    assert (asked["name"], asked["weights"], asked["framings"]) == ("another", "imagenet", ("squash",))
