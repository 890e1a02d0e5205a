"""MobileNetV2, from a weight file in the Keras cache to a prediction, with random weights in a file of that format.

The tests do not need ImageNet's weights. The reference is Keras's own network with the same random weights, on pixels
scaled to -1..1 as in its documentation.
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

KERAS_ADDRESS = imagenet_weights.ADDRESS
SIDE = 96  # pixels: a fifth of the work of 224


def write_official(path, model, *, without_last: int = 0) -> None:
    """Write weights in the format of `keras.applications`: one group per layer, the order in the attributes."""
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
    """Four noise images of different brightness, `(4, 96, 96, 3)` uint8."""
    rng = np.random.default_rng(1)
    return np.stack([rng.integers(0, top, (SIDE, SIDE, 3), dtype=np.uint8) for top in (40, 120, 200, 256)])


@pytest.fixture(scope="module", autouse=True)
def shallow():
    """Leave out 14 of the 17 blocks, in Keras's network and ours: TensorFlow takes 20 seconds to convert all of them.

    The rest covers each kind of block: with and without stride, and with a residual connection.
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
    """Keras's own network, with weights for which layers and predictions differ."""
    keras.utils.set_random_seed(0)
    model = keras.applications.MobileNetV2((SIDE, SIDE, 3), weights=None)
    rng = np.random.default_rng(0)
    normalizing = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in normalizing:
        layer.gamma.assign(rng.uniform(0.8, 1.2, layer.gamma.shape))
        layer.beta.assign(rng.uniform(-0.2, 0.2, layer.beta.shape))
        layer.momentum = 0.0  # one forward pass then sets mean and variance to those of the images
    model(images / 127.5 - 1, training=True)
    *_, pooling, last = model.layers
    features = keras.ops.convert_to_numpy(keras.Model(model.inputs[0], pooling.output)(images / 127.5 - 1))
    kernel = rng.normal(size=last.kernel.shape)
    kernel *= 2 / ((features - features.mean(axis=0)) @ kernel).std()
    last.set_weights([kernel, -features.mean(axis=0) @ kernel])
    return model


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory, official):
    """Set up a Keras cache with the weight file, and a models folder; yield the path of the file."""
    home = tmp_path_factory.mktemp("keras")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_HOME", str(home))
        patch.setenv("CIFAR_LAB_MODELS", str(home / "classifiers"))
        path = home / "models" / "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5"
        path.parent.mkdir()
        write_official(path, official)
        patch.setattr(imagenet_weights, "SIZES", {1.0: path.stat().st_size})
        patch.setattr(imagenet_weights, "ADDRESS", "http://127.0.0.1:9/")  # no downloads in tests
        yield path


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """Our network, with the weights of the file in the cache."""
    return mobilenet.build_mobilenet(input_size=SIDE)


@pytest.fixture(scope="module")
def expected(official, images) -> np.ndarray:
    """The predictions of Keras's own network for the images."""
    return keras.ops.convert_to_numpy(official(images / 127.5 - 1, training=False))


@pytest.fixture(scope="module")
def classifier(cache) -> Classifier:
    return mobilenet_export.export_mobilenet(input_size=SIDE)


# --- labels ---


def test_labels_have_imagenets_order():
    labels = imagenet_labels()
    known = {0: "tench", 1: "goldfish", 151: "Chihuahua", 207: "golden retriever", 281: "tabby", 285: "Egyptian cat"}
    known |= {340: "zebra", 386: "African elephant", 404: "airliner", 504: "coffee mug", 779: "school bus"}
    known |= {817: "sports car", 948: "Granny Smith", 954: "banana", 999: "toilet tissue"}
    assert {index: labels[index] for index in known} == known
    assert len(labels) == len(set(labels)) == 1000


# --- the weight file ---


def test_weight_file_name_and_address_are_those_of_keras(shallow, monkeypatch):
    source, _ = shallow
    requests = []
    monkeypatch.setattr(source.file_utils, "get_file", lambda name, address, **_: requests.append((name, address)))
    monkeypatch.setattr(source.Functional, "load_weights", lambda *_: None)
    source.MobileNetV2(weights="imagenet")
    name = imagenet_weights.weights_path().name
    assert requests == [(name, KERAS_ADDRESS + name)]


def test_parameter_count_is_the_published_one(shallow, monkeypatch):
    source, block = shallow
    monkeypatch.setattr(source, "_inverted_res_block", block)
    model = mobilenet.build_mobilenet(weights=None)
    assert model.count_params() == 3_538_984  # 3.5 million in Keras's documentation
    assert model.input_shape == (None, 224, 224, 3) and model.output_shape == (None, 1000)


def test_a_small_alpha_gives_fewer_filters():
    narrow = mobilenet.build_mobilenet_for_classes(10, 32, alpha=0.35)
    # 0.35 * 32, rounded to a multiple of 8
    assert [narrow.get_layer(name).filters for name in ("Conv1", "Conv_1")] == [16, 1280]


def test_predictions_match_keras_own_network(model, images, expected):
    probabilities = keras.ops.convert_to_numpy(model(images, training=False))
    assert len(set(expected.argmax(axis=1))) > 2 and expected.max() < 0.9  # the comparison can fail
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert imagenet_weights.weights_available() and "weights are in" in mobilenet_finding()
    assert model.input_shape == (None, SIDE, SIDE, 3)
    assert model.inputs[0].dtype == "uint8"


def test_offline_error_says_which_file_to_put_where(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    assert not imagenet_weights.weights_available()
    with pytest.raises(DownloadError) as caught:
        mobilenet.build_mobilenet(input_size=SIDE)
    path = imagenet_weights.weights_path()
    assert path.parent == tmp_path / "models"
    for fact in (str(path.parent), path.name, f"{imagenet_weights.SIZES[1.0]:,} bytes", "cannot be reached"):
        assert fact in str(caught.value)
    assert not path.exists()
    assert "cifar-lab mobilenet fetches 14.5 MB" in mobilenet_finding()


def mobilenet_finding() -> str:
    """Return what `cifar-lab check` reports about the weights."""
    (text,) = (finding.text for finding in environment.run() if finding.text.startswith("mobilenet:"))
    return text


class _Host(http.server.SimpleHTTPRequestHandler):
    """Serve the weight file, with support for range requests."""

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


def test_a_download_resumes_and_is_cached(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    content = cache.read_bytes()
    path = imagenet_weights.weights_path()
    path.parent.mkdir()
    path.with_name(path.name + ".part").write_bytes(content[:1_000_000])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Host) as server:
        server.content, server.sent = content, []
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(imagenet_weights, "ADDRESS", f"http://127.0.0.1:{server.server_port}/")
        for _ in range(2):
            assert imagenet_weights.fetch_weights(progress=False) == path
        server.shutdown()
    assert path.read_bytes() == content and server.sent == [len(content) - 1_000_000]


def test_an_incomplete_file_in_the_cache_is_reported(monkeypatch, tmp_path, cache):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    path = imagenet_weights.weights_path()
    path.parent.mkdir()
    path.write_bytes(cache.read_bytes()[:-1000])
    assert not imagenet_weights.weights_available() and "is incomplete" in mobilenet_finding()
    with pytest.raises(WeightsError, match=r"has [\d,]+ bytes instead of [\d,]+.*Delete it"):
        mobilenet.build_mobilenet(input_size=SIDE)


def tiny(units: int = 3) -> keras.Model:
    """Return a small network; the checks of a weight file work for any."""
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, name="a"), keras.layers.Dense(2, name="b")])


def _external_link(path, outside):
    with h5py.File(path, "a") as file:
        del file["b/b/kernel:0"]
        file["b/b/kernel:0"] = h5py.ExternalLink(str(outside), "b/b/kernel:0")


def _decompression_bomb(path, _):
    with h5py.File(path, "a") as file:
        del file["b/b/kernel:0"]
        file.create_dataset("b/b/kernel:0", (100_000, 1000), "f4", chunks=True, compression="gzip")


def _nan_weight(path, _):
    with h5py.File(path, "a") as file:
        file["b/b/bias:0"][0] = np.nan


def _random_bytes(path, _):
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def _truncated(path, _):
    path.write_bytes(path.read_bytes()[:-500])


def _of_another_network(path, _):
    write_official(path, tiny(units=5))


def _without_a_layer(path, _):
    write_official(path, tiny(), without_last=1)


DAMAGES = (
    _external_link,
    _decompression_bomb,
    _nan_weight,
    _random_bytes,
    _truncated,
    _of_another_network,
    _without_a_layer,
)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_or_wrong_weight_file_is_refused(tmp_path, damage):
    path, outside = tmp_path / "weights.h5", tmp_path / "outside.h5"
    for whole in (path, outside):
        write_official(whole, tiny())
    imagenet_weights.load_weights(tiny(), path)  # the undamaged file loads
    damage(path, outside)
    messages = {_nan_weight: "is damaged: .*not finite", _decompression_bomb: "does not hold .*it holds 400,000,"}
    with pytest.raises(WeightsError, match=rf"weights\.h5 {messages.get(damage, 'does not hold the weights')}"):
        imagenet_weights.load_weights(tiny(), path)


def test_invalid_arguments_are_refused(tmp_path):
    with pytest.raises(WeightsError, match=r"There is no weight file '.*\.keras'"):
        imagenet_weights.load_weights(tiny(), tmp_path / "none.keras")
    with pytest.raises(WeightsError, match=r"alpha 1\.0, not 0\.5"):
        mobilenet.build_mobilenet(alpha=0.5)
    with pytest.raises(ValueError, match="1000 classes, not for 10"):
        mobilenet.build_mobilenet(10)
    with pytest.raises(ValueError, match="at least 32 x 32 pixels, got 16 x 16"):
        mobilenet.build_mobilenet(10, weights=None, input_size=16)
    with pytest.raises(ValueError, match=r"starts from 'imagenet', not from 'cifar10'.*recipe transfer"):
        models.build("mobilenet", start="cifar10")


# --- other classes ---


def test_a_new_head_keeps_the_pretrained_features_and_batch_norm_statistics(model, images):
    other = mobilenet.build_mobilenet_for_classes(3, 32, start="imagenet")
    small = images[:, ::3, ::3]  # (4, 32, 32, 3)
    large = keras.ops.convert_to_numpy(keras.ops.image.resize(small.astype("float32"), (SIDE, SIDE)))
    ours, theirs = (keras.Model(one.inputs[0], one.get_layer("features").output) for one in (other, model))
    # The reference takes uint8 only, so the enlarged image is rounded by up to 0.5.
    features = keras.ops.convert_to_numpy(ours(small, training=False))
    np.testing.assert_allclose(features, keras.ops.convert_to_numpy(theirs(np.rint(large).astype(np.uint8))), atol=0.05)
    assert features.std(axis=0).max() > 0.2 and other.output_shape == (None, 3)
    before = [weight.copy() for weight in other.get_weights()]
    other(small, training=True)  # must not update the moving statistics
    assert all(map(np.array_equal, before, other.get_weights()))
    frozen = {type(layer).__name__ for layer in other.layers if not layer.trainable}
    assert frozen == {"BatchNormalization"}


@pytest.fixture
def runs_here(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")


def test_the_recipe_trains_the_head_and_then_all_layers(runs_here, stripes, model, cache):
    few = stripes.subset(train=64, validation=32, test=32)
    run = training.train(few, "mobilenet", epochs=5, frozen_epochs=4, keep="last", progress=False)
    trained = run.load_model()
    for name in ("Conv1", "Conv_1"):
        before, after = (keras.ops.convert_to_numpy(one.get_layer(name).kernel) for one in (model, trained))
        assert 0 < np.abs(after - before).max() < 0.001  # two steps with a small learning rate
    for name in ("bn_Conv1", "Conv_1_bn"):
        before, after = (one.get_layer(name) for one in (model, trained))
        assert np.array_equal(before.moving_mean, after.moving_mean)
        assert np.array_equal(before.moving_variance, after.moving_variance)
    assert run.history[3]["validation_accuracy"] > 0.9
    assert run.record["start"]["sha256"] == files.sha256(cache)
    assert evaluate.evaluate_run(run, few).accuracy > 0.9


# --- the classifier ---


def test_the_card_states_the_weights_and_that_it_is_not_calibrated(classifier, cache):
    card = classifier.card
    assert card.class_names == imagenet_labels() and card.input_size == SIDE
    assert (card.temperature, card.known_threshold, card.calibrated) == (1, 0, False)
    assert card.content["weights"]["file"] == cache.name and card.content["weights"]["bytes"] == cache.stat().st_size
    assert card.content["network"] == "MobileNetV2, alpha 1.0"
    assert card.content["files"]["model.tflite"]["bytes"] < 0.55 * card.content["files"]["model.keras"]["bytes"]


def test_the_tflite_model_predicts_like_keras(classifier, images, expected):
    np.testing.assert_allclose(Classifier.load("mobilenet").probabilities(images), expected, atol=5e-3)
    assert classifier.predict(images[0]).index == expected[0].argmax()


@pytest.fixture(scope="module")
def photo(images) -> bytes:
    """A wide picture as a PNG file, in bytes."""
    Image.fromarray(np.tile(images[3], (1, 2, 1))).save(stream := io.BytesIO(), "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("framings", [["centre"], ["squash"], ["centre", "squash"]], ids="-".join)
def test_every_framing_predicts(classifier, photo, framings):
    card = classifier.card.folder / "card.json"
    before = card.read_text(encoding="utf-8")
    try:
        card.write_text(json.dumps(json.loads(before) | {"framings": framings}), encoding="utf-8")
        prediction = Classifier.load("mobilenet").predict(photo)
    finally:
        card.write_text(before, encoding="utf-8")
    assert prediction.image.shape == (SIDE, SIDE, 3) and prediction.known and len(prediction.top) == 3


def test_page_widget_and_command_line_offer_it(classifier, photo, tmp_path):
    from app import create_app
    from cifar_lab.lessons.widgets import prediction_view

    expected = classifier.predict(photo)
    client = create_app().test_client()
    (listed,) = client.get("/api/models").json["models"]
    assert (listed["name"], listed["input_size"], listed["calibrated"]) == ("mobilenet", SIDE, False)
    assert "1,000 things" in (page := client.get("/").text) and "and 988 more" in page and len(page) < 20_000
    request = {"data": {"file": (io.BytesIO(photo), "wide.png"), "model": "mobilenet"}}
    (found,) = client.post("/api/predict", **request).json["predictions"]
    assert (found["label"], found["index"], found["score"]) == (expected.label, expected.index, expected.score)
    assert found["input"] == {"format": "PNG", "width": 2 * SIDE, "height": SIDE} and found["known"]
    request["data"]["file"] = (io.BytesIO(photo), "wide.png")
    result = client.post("/result", **request).text
    assert f"{SIDE} × {SIDE} pixels" in result and "not calibrated" in result

    heat = explain.grad_cam(models.load_network("mobilenet"), expected.image)
    assert heat.shape == (SIDE, SIDE) and heat.max() == 1
    prediction = prediction_view.predict_picture("wide.png", photo, {"mobilenet": classifier})
    assert f"what it saw: {SIDE} × {SIDE}" in prediction_view.card(prediction, "mobilenet")

    (tmp_path / "wide.png").write_bytes(photo)
    printed = CliRunner().invoke(main, ["predict", str(tmp_path / "wide.png"), "--model", "mobilenet", "--json"])
    assert json.loads(printed.output)["top"] == found["top"]


def test_evaluating_it_on_other_classes_is_refused(classifier, images):
    three = Split(images, np.arange(4) % 3)
    with pytest.raises(ValueError, match=r"It knows the classes tench, .* and 988 more; the dataset three has a, b, c"):
        evaluate.evaluate_classifier(classifier, Dataset("three", ("a", "b", "c"), three, three, three, "Noise."))


# --- the command ---


def test_the_command_downloads_and_exports(monkeypatch, tmp_path, classifier):
    def call(*arguments):
        return CliRunner().invoke(main, ["mobilenet", *arguments])

    taken = call()
    assert taken.exit_code == 1 and "There is a classifier 'mobilenet' already." in taken.output
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    offline = call("--name", "another")
    assert offline.exit_code == 1 and f"put it into {tmp_path / 'models'}" in offline.output
    arguments = {}
    monkeypatch.setattr(
        mobilenet_export, "export_mobilenet", lambda name, **options: arguments.update(options, name=name) or classifier
    )
    done = call("--name", "another", "--framing", "squash")
    assert done.exit_code == 0 and "1,000 classes" in done.output
    assert (arguments["name"], arguments["weights"], arguments["framings"]) == ("another", "imagenet", ("squash",))
