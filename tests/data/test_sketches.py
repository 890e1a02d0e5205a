"""Test that the sketches are reproducible and balanced, and neither too easy nor too hard."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.path import Path as Outline
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from cifar_lab import images as pictures
from cifar_lab.data import cifar10, sketches
from cifar_lab.data.sketches.canvas import Canvas
from cifar_lab.data.sketches.rng import Rng
from cifar_lab.data.sketches.scenes import paint_scene

# Made on x86-64 with AVX2; equal without it, and on aarch64. If it changes, earlier results are no longer comparable.
CHECKSUM = "34c8bc86096f8735f614461ec581b3b4bcb096800d51a0ba019a410a82f898de"
SPLITS = ("train", "validation", "test")


def checksum(images: np.ndarray, labels: np.ndarray) -> str:
    return hashlib.sha256(images.tobytes() + labels.astype("<i8").tobytes()).hexdigest()


def blank_canvas(count: int = 20, size: int = 64) -> Canvas:
    return Canvas(Rng.for_series(5, count), np.zeros((3, count, size, size), np.float32))


# The random number generator


def test_rng_is_splitmix64():
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]  # seed 1234567
    rng = Rng(np.array([1234567], np.uint64))
    assert [int(rng.bits()[0]) for _ in published] == published


def test_draws_are_uniform_and_independent():
    rng = Rng.for_series(3, 20_000)
    first, second = rng.between(-1, 1), rng.between(-1, 1)
    for drawn in (first, second):
        assert drawn.dtype == np.float32 and drawn.min() >= -1 and drawn.max() < 1
        assert np.histogram(drawn, bins=10, range=(-1, 1))[0] == pytest.approx(np.full(10, 2000), abs=200)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:-1], first[1:])[0, 1]) < 0.03  # consecutive pictures
    assert rng.chance(0.3).mean() == pytest.approx(0.3, abs=0.02)
    assert set(rng.pick([2, 5, 7])) == {2, 5, 7}


# The canvas: which pixels a shape fills, against independent geometry


def check_filled(canvas: Canvas, inside: np.ndarray):
    """Assert that red is 1 where `inside` is true and 0 elsewhere, except for pixels near the edge."""
    red = canvas.picture[0]
    edge = abs(canvas.distance * canvas.scale) < 3  # in pixels
    assert inside[~edge].any() and not inside[~edge].all()
    np.testing.assert_array_equal(red[~edge], inside[~edge])
    assert np.mean(edge) < 0.3


def test_ellipse_fills_its_inside():
    canvas = blank_canvas()
    canvas.ellipse(0.1, -0.2, 1.2, 0.6, (1, 0, 0), slope=0.75)
    angle = -np.arctan(0.75)
    turned = (canvas.x - 0.1 + 1j * (canvas.y + 0.2)) * np.exp(1j * angle)
    check_filled(canvas, (turned.real / 0.6) ** 2 + (turned.imag / 0.3) ** 2 < 1)


@pytest.mark.parametrize("turn", [1, -1])
def test_polygon_fills_its_inside_in_either_direction(turn):
    corners = [(-0.7, -0.5), (0.4, -0.8), (0.8, 0.3), (-0.2, 0.7)][::turn]
    canvas = blank_canvas()
    canvas.polygon(corners, (1, 0, 0))
    points = np.stack([canvas.x.ravel(), canvas.y.ravel()], axis=1)
    check_filled(canvas, Outline([*corners, corners[0]]).contains_points(points).reshape(canvas.x.shape))


def test_limb_fills_the_discs_along_it():
    canvas = blank_canvas()
    canvas.limb(-0.6, -0.3, 0.5, 0.4, 0.5, 0.2, (1, 0, 0))
    inside = np.zeros(canvas.x.shape, bool)
    for part in np.linspace(0, 1, 400):
        x, y = -0.6 + 1.1 * part, -0.3 + 0.7 * part
        inside |= np.hypot(canvas.x - x, canvas.y - y) < (0.5 - 0.3 * part) / 2
    check_filled(canvas, inside)


def test_box_fills_its_inside():
    canvas = blank_canvas()
    canvas.box(-0.7, -0.2, 0.3, 0.6, (1, 0, 0))
    check_filled(canvas, (canvas.x > -0.7) & (canvas.x < 0.3) & (canvas.y > -0.2) & (canvas.y < 0.6))


def test_shapes_take_one_value_per_picture():
    canvas = blank_canvas(count=3)
    colours = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    canvas.ellipse(0, 0, np.array([0.5, 1.0, 1.0]), 0.5, colours, opacity=np.array([1, 1, 0]))
    filled = (canvas.picture > 0.99).sum(axis=(2, 3))  # (channel, picture)
    assert filled[0, 0] > 0 and filled[1, 1] > filled[0, 0]
    assert canvas.picture[:, 2].max() == 0  # not drawn at all


@pytest.mark.parametrize("view", [view for _, views in sketches.FIGURES.values() for view in views])
def test_every_figure_is_visible(view):
    rng = Rng.for_series(0, 60)
    canvas = Canvas(rng, paint_scene(rng, 32, "sand"))
    view(canvas, rng)
    covered = np.mean(canvas.distance < 0, axis=(1, 2))
    assert covered.min() > 0.05 and covered.max() < 0.65
    whole = np.mean(abs(canvas.x) < 1, axis=(1, 2)) * np.mean(abs(canvas.y) < 1, axis=(1, 2))
    assert whole.min() > 0.3


# draw()


def test_draw_returns_images_and_labels():
    images, labels = sketches.draw(37, seed=1)
    assert images.shape == (37, 32, 32, 3) and images.dtype == np.uint8
    assert labels.shape == (37,) and labels.dtype == np.int64
    assert images.min() < 30 and images.max() > 225
    assert [array.shape for array in sketches.draw(0)] == [(0, 32, 32, 3), (0,)]
    assert sketches.draw(2, size=48)[0].shape == (2, 48, 48, 3)


def test_images_match_the_checksum():
    assert checksum(*sketches.draw(200, seed=0)) == CHECKSUM


def test_images_do_not_depend_on_vector_instructions():
    code = (
        "import hashlib; from cifar_lab.data import sketches; images, labels = sketches.draw(200);"
        "print(hashlib.sha256(images.tobytes() + labels.astype('<i8').tobytes()).hexdigest())"
    )
    # The names of CPU features differ between NumPy versions; unknown ones cause a warning.
    environment = os.environ | {"NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX2 FMA3", "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-W", "ignore", "-c", code]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == checksum(*sketches.draw(200))


def test_images_do_not_depend_on_the_count():
    images, labels = sketches.draw(1234, seed=4)
    for count in (1, 10, 77):
        fewer, fewer_labels = sketches.draw(count, seed=4)
        np.testing.assert_array_equal(fewer, images[:count])
        np.testing.assert_array_equal(fewer_labels, labels[:count])


def test_every_ten_pictures_show_all_classes_in_varying_order():
    _, labels = sketches.draw(500)
    tens = labels.reshape(-1, 10)
    assert all(sorted(ten) == list(range(10)) for ten in tens)
    assert len({tuple(ten) for ten in tens}) == 50


@pytest.mark.parametrize("seed", [-1, 2**64, 10**30, np.int64(3)])
def test_any_whole_number_is_a_seed(seed):
    assert len(sketches.draw(1, seed)[0]) == 1


def test_different_seeds_draw_different_pictures():
    first, second = sketches.draw(20, 0)[0], sketches.draw(20, 1)[0]
    assert not any((first[i] == second[i]).all() for i in range(20))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"count": -1}, "count must be a whole number from 0, but it is -1."),
        ({"count": 2.5}, "count must be a whole number from 0, but it is 2.5."),
        ({"count": True}, "count must be a whole number from 0, but it is True."),
        ({"count": 3, "seed": "a"}, "seed must be a whole number, but it is 'a'."),
        ({"count": 3, "size": 4}, "size must be a whole number from 8 to 1024, but it is 4."),
        ({"count": 3, "size": 5000}, "size must be a whole number from 8 to 1024, but it is 5000."),
    ],
)
def test_invalid_arguments_are_rejected(arguments, sentence):
    with pytest.raises(ValueError) as caught:
        sketches.draw(**arguments)
    assert str(caught.value) == sentence


# load_sketches() and sample_pictures()


def test_dataset_has_three_balanced_splits():
    dataset = sketches.load_sketches()
    assert dataset.name == "sketches" and dataset.class_names == cifar10.CLASS_NAMES
    assert [len(getattr(dataset, name)) for name in SPLITS] == [5000, 500, 1000]
    for name in SPLITS:
        counts = np.bincount(getattr(dataset, name).labels)
        assert len(counts) == 10 and counts.min() == counts.max()


def test_all_images_are_different():
    dataset = sketches.load_sketches()
    everything = np.concatenate([getattr(dataset, name).images for name in SPLITS])
    assert len({image.tobytes() for image in everything}) == 6500


def test_dataset_is_cached_and_read_only():
    dataset = sketches.load_sketches()
    assert sketches.load_sketches() is dataset
    with pytest.raises(ValueError, match="read-only"):
        dataset.train.images[0] = 0
    assert dataset.subset(train=100).train.images.flags.writeable


def test_sample_pictures_are_larger_versions_of_the_same_drawings():
    samples = sketches.sample_pictures(size=160)
    assert tuple(samples) == sketches.CLASS_NAMES
    assert {(picture.mode, picture.size) for picture in samples.values()} == {("RGB", (160, 160))}
    images, labels = sketches.draw(10, seed=sketches._SAMPLE_SEED)
    small = images[np.argsort(labels)].astype(float)
    for label, picture in enumerate(samples.values()):
        difference = abs(small - pictures.to_input(picture)).mean(axis=(1, 2, 3))  # to each of the ten
        assert difference.argmin() == label and difference[label] < 12


# Difficulty


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1).astype(np.float32) / 255


def edges(images: np.ndarray) -> np.ndarray:
    """Return the mean brightness gradient in each 4 x 4 block, `(n, 64)`."""
    grey = images.mean(axis=-1)
    change = abs(np.diff(grey, axis=1))[:, :, :-1] + abs(np.diff(grey, axis=2))[:, :-1]
    return np.pad(change, ((0, 0), (0, 1), (0, 1))).reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4)).reshape(-1, 64)


def test_linear_model_reaches_40_to_60_percent():
    dataset = sketches.load_sketches()
    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1e4))
    model.fit(flat(dataset.train.images), dataset.train.labels)
    assert 0.40 < model.score(flat(dataset.test.images), dataset.test.labels) < 0.60


def test_edges_separate_classes_better_than_colours():
    dataset = sketches.load_sketches()
    scores = {}
    for name, features in (("edges", edges), ("colour", lambda images: images.mean(axis=(1, 2)))):
        neighbours = KNeighborsClassifier(9).fit(features(dataset.train.images), dataset.train.labels)
        scores[name] = neighbours.score(features(dataset.test.images), dataset.test.labels)
    assert scores["edges"] > 0.25
    assert scores["colour"] < 0.20  # the average colour reveals next to nothing: chance is 0.10
