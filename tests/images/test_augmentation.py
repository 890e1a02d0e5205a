"""Augmentation, each transform against what was worked out by hand, by Pillow, or by another rule of numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from cifar_lab.images import augmentation
from cifar_lab.images.augmentation import Augmentation

FLIPS = {"mirror": augmentation.mirror, "flip_vertical": augmentation.flip_vertical}
TRANSFORMS = {
    "shift": lambda images, rng: augmentation.shift(images, 2, rng),
    "cutout": lambda images, rng: augmentation.cutout(images, 3, rng),
    "zoom": lambda images, rng: augmentation.zoom(images, 0.5, rng),
    "rotate": lambda images, rng: augmentation.rotate(images, 40, rng),
    "shear": lambda images, rng: augmentation.shear(images, 0.5, rng),
    "noise": lambda images, rng: augmentation.noise(images, 30, rng),
    "mixup": lambda images, rng: augmentation.mixup(images, np.arange(len(images)) % 3, 3, rng)[0],
    "mirror": lambda images, rng: augmentation.mirror(images, rng.random(len(images)) < 0.5),
    "flip_vertical": lambda images, rng: augmentation.flip_vertical(images, rng.random(len(images)) < 0.5),
}
every_transform = pytest.mark.parametrize("name", TRANSFORMS)


class Chances:
    """Stands in for a generator: what it is asked for has been decided beforehand."""

    def __init__(self, **decided):
        self._decided = decided

    def __getattr__(self, name):
        return lambda *_, **__: self._decided[name]


def random_images(count: int = 6, size: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def grey(rows) -> np.ndarray:
    """One image of three equal channels, `(1, height, width, 3)` uint8."""
    return np.repeat(np.array(rows, np.uint8)[None, :, :, None], 3, axis=3)


# --- what holds for all of them ---


@every_transform
@settings(max_examples=20, deadline=None)
@given(
    images=arrays(np.uint8, st.tuples(st.integers(0, 5), st.integers(4, 9)).map(lambda s: (s[0], s[1], s[1], 3))),
    seed=st.integers(0, 2**32),
)
def test_a_transform_keeps_shape_dtype_and_its_input_and_repeats_itself(name, images, seed):
    before = images.copy()
    result = TRANSFORMS[name](images, np.random.default_rng(seed))
    assert result.shape == images.shape and result.dtype == np.uint8
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(result, TRANSFORMS[name](images, np.random.default_rng(seed)))


@every_transform
def test_a_transform_changes_images_each_in_its_own_way(name):
    images = np.repeat(random_images(1), 40, axis=0)  # the same one, forty times
    images = images if name != "mixup" else random_images(40)
    result = TRANSFORMS[name](images, np.random.default_rng(1))
    different = {image.tobytes() for image in result}
    assert len(different) == 2 if name in FLIPS else len(different) > 10


@pytest.mark.parametrize("name", ["zoom", "rotate", "shear"])
def test_what_is_resampled_keeps_an_even_colour(name):
    images = np.full((5, 9, 9, 3), (10, 200, 90), np.uint8)
    np.testing.assert_array_equal(TRANSFORMS[name](images, np.random.default_rng(0)), images)


@pytest.mark.parametrize("name", ["shift", "cutout", "zoom", "rotate", "shear", "noise"])
def test_no_strength_changes_nothing(name):
    images = random_images()
    np.testing.assert_array_equal(getattr(augmentation, name)(images, 0, np.random.default_rng(0)), images)


@pytest.mark.parametrize(
    ("name", "strength", "message"),
    [
        ("shift", 12, "pixels must be from 0 to 11, but it is 12"),
        ("shift", -1, "pixels must be from 0"),
        ("rotate", 181, "degrees must be from 0 to 180, but it is 181"),
        ("rotate", float("nan"), "degrees"),
        ("shear", 1.5, "slope must be from 0 to 1, but it is 1.5"),
        ("noise", -3, "deviation must be from 0 to 255, but it is -3"),
    ],
)
def test_a_strength_that_makes_no_sense_is_refused(name, strength, message):
    with pytest.raises(ValueError, match=message):
        getattr(augmentation, name)(random_images(), strength, np.random.default_rng(0))


# --- one by one ---


def test_mirror_swaps_left_and_right_of_the_chosen():
    images = np.concatenate([grey([[1, 2, 3], [4, 5, 6]])] * 2)
    result = augmentation.mirror(images, np.array([True, False]))
    np.testing.assert_array_equal(result, np.concatenate([grey([[3, 2, 1], [6, 5, 4]]), images[1:]]))


def test_shrink_to_half_averages_blocks_of_four():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    blocks = images.reshape(5, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(augmentation.shrink(images, 16) - blocks).max() <= 1  # rounded twice


@pytest.mark.parametrize("size", [12, 20, 24, 28])
def test_shrink_keeps_images_apart(size):
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    result = augmentation.shrink(np.concatenate([black, white, black]), size)
    expected = np.zeros((3, size, size, 3), np.uint8)
    expected[1] = 255
    np.testing.assert_array_equal(result, expected)


def test_shrink_to_the_same_size_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3), dtype=np.uint8)
    np.testing.assert_array_equal(augmentation.shrink(images, 32), images)


def test_flip_vertical_swaps_top_and_bottom_of_the_chosen():
    images = np.concatenate([grey([[1, 2, 3], [4, 5, 6]])] * 2)
    result = augmentation.flip_vertical(images, np.array([False, True]))
    np.testing.assert_array_equal(result, np.concatenate([images[:1], grey([[4, 5, 6], [1, 2, 3]])]))


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (1, 1, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),  # the window in the middle: not moved
        (1, 2, [[2, 3, 2], [5, 6, 5], [8, 9, 8]]),  # one to the right: the last column but one is mirrored in
        (0, 0, [[5, 4, 5], [2, 1, 2], [5, 4, 5]]),
    ],
)
def test_shift_by_hand(down, right, expected):
    image = grey([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    result = augmentation.shift(image, 1, Chances(integers=np.array([[down], [right]])))
    np.testing.assert_array_equal(result, grey(expected))


def test_shift_moves_to_every_place_about_equally_often():
    images = np.repeat(random_images(1), 2500, axis=0)
    result = augmentation.shift(images, 2, np.random.default_rng(0))
    # Seen without its outer two pixels, a shifted image is a part of the original: 5 x 5 places.
    parts = [images[0, y : y + 8, x : x + 8].tobytes() for y in range(5) for x in range(5)]
    counts = np.bincount([parts.index(image[2:-2, 2:-2].tobytes()) for image in result], minlength=25)
    assert counts.min() > 60 and counts.max() < 150  # 100 expected, standard deviation 10


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((0.5, 0.5), [[9, 9, 9, 9], [9, 128, 128, 9], [9, 128, 128, 9], [9, 9, 9, 9]]),
        ((0.0, 1.0), [[9, 9, 9, 128], [9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 9, 9]]),  # three quarters lie outside
    ],
)
def test_cutout_by_hand(centre, expected):
    place = np.array(centre)[:, None, None]
    result = augmentation.cutout(grey([[9] * 4] * 4), 2, Chances(random=place))
    np.testing.assert_array_equal(result, grey(expected))


class ZoomChances(Chances):
    """All images are chosen, and the window lies in the middle."""

    def __init__(self, exponent: float):
        super().__init__(uniform=exponent)

    def random(self, size):
        return np.zeros(size) if size != 2 else np.full(2, 0.5)


def test_zooming_in_is_pillows_enlargement_of_the_middle():
    image = random_images(1, 16)
    result = augmentation.zoom(image, 1.0, ZoomChances(-1))  # half the size: the window from 4 to 12
    expected = Image.fromarray(image[0]).resize((16, 16), Image.Resampling.BICUBIC, box=(4, 4, 12, 12))
    np.testing.assert_array_equal(result[0], np.asarray(expected))


def test_zooming_out_is_pillows_reduction_of_the_mirrored_surroundings():
    image = random_images(1, 16)
    result = augmentation.zoom(image, 1.0, ZoomChances(1))  # twice the size: from -8 to 24
    places = [abs(i) if i < 16 else 30 - i for i in range(-15, 31)]  # mirrored at the border pixel
    wide = Image.fromarray(image[0][places][:, places])
    expected = wide.resize((16, 16), Image.Resampling.BICUBIC, box=(7, 7, 39, 39))
    np.testing.assert_array_equal(result[0], np.asarray(expected))


def test_zoom_goes_nearer_and_farther_about_equally_often():
    square = np.zeros((1, 40, 40, 3), np.uint8)
    square[:, 15:25, 15:25] = 255
    result = augmentation.zoom(np.repeat(square, 100, axis=0), 0.25, np.random.default_rng(0))
    sides = np.sqrt(np.sum(result[..., 0] > 127, axis=(1, 2)))
    assert 30 < np.sum(sides > 10.3) < 60 and 30 < np.sum(sides < 9.7) < 60
    assert 7.5 < sides.min() < 8.5 and 12 < sides.max() < 13  # 10 / 1.25 and 10 * 1.25


def test_zoom_changes_the_share_it_is_told():
    images = random_images(400, 8)
    result = augmentation.zoom(images, 0.5, np.random.default_rng(0), share=0.25)
    changed = np.sum(np.any(result != images, axis=(1, 2, 3)))
    assert 70 <= changed <= 130  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize(("angle", "quarters"), [(90, 1), (180, 2), (-90, -1)])
def test_a_quarter_turn_is_numpys(angle, quarters):
    image = random_images(1)
    result = augmentation.rotate(image, 180, Chances(uniform=np.array([angle])))
    np.testing.assert_allclose(result[0].astype(int), np.rot90(image[0], quarters), atol=1)  # Pillow cuts 187.99 off


def test_rotate_is_pillows_rotation_where_no_border_is_mirrored_in():
    image = random_images(1, 32)
    result = augmentation.rotate(image, 45, Chances(uniform=np.array([30.0])))
    expected = np.asarray(Image.fromarray(image[0]).rotate(30, Image.Resampling.BICUBIC))
    y, x = np.mgrid[:32, :32] - 15.5
    inside = np.hypot(y, x) < 13  # Pillow's filter reaches two pixels on
    difference = np.abs(result[0].astype(int) - expected)
    assert difference[inside].max() <= 1 and not np.array_equal(result[0], expected)


def test_rotate_stays_within_the_angle():
    bar = np.zeros((1, 41, 41, 3), np.uint8)
    bar[:, 20, 20:] = 255  # a ray to the right
    result = augmentation.rotate(np.repeat(bar, 50, axis=0), 20, np.random.default_rng(0))[..., 0] > 100
    rows, columns = np.nonzero(result.any(axis=0))
    far = columns > 28
    angles = np.degrees(np.arctan2(20 - rows[far], columns[far] - 20))
    assert -24 < angles.min() < -15 and 15 < angles.max() < 24


def test_shear_by_hand():
    image = grey([[1, 2, 3, 4, 5]] * 5)
    result = augmentation.shear(image, 1, Chances(uniform=np.array([1.0])))
    # Row by row two to the left, one, none, one and two to the right of what was there; beyond the border, mirrored.
    expected = [[3, 2, 1, 2, 3], [2, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 4], [3, 4, 5, 4, 3]]
    np.testing.assert_array_equal(result, grey(expected))


def test_shear_slants_either_way_and_no_farther_than_told():
    upright = np.zeros((1, 21, 21, 3), np.uint8)
    upright[:, :, 10] = 255  # a line down the middle
    result = augmentation.shear(np.repeat(upright, 50, axis=0), 0.5, np.random.default_rng(0))
    top = result[:, 0, :, 0].argmax(axis=1) - 10  # ten rows above the middle: five pixels at most
    assert set(top) == set(range(-5, 6))


def test_noise_has_the_deviation_it_is_told_and_leaves_the_mean():
    images = np.full((4, 64, 64, 3), 128, np.uint8)
    difference = augmentation.noise(images, 20, np.random.default_rng(0)).astype(float) - 128
    assert abs(difference.mean()) < 0.4  # standard error 0.09
    assert abs(difference.std() - 20) < 0.4


def test_noise_never_wraps_around():
    white, black = np.full((1, 32, 32, 3), 255, np.uint8), np.zeros((1, 32, 32, 3), np.uint8)
    assert augmentation.noise(white, 20, np.random.default_rng(0)).min() > 120
    assert augmentation.noise(black, 20, np.random.default_rng(0)).max() < 135


def test_mixup_weights_are_what_was_blended():
    labels = np.array([0, 1, 2, 0, 1, 2])
    # An even image whose brightness is its label: the blend's brightness gives its weights away.
    images = np.broadcast_to(np.array([0, 100, 200], np.uint8)[labels][:, None, None, None], (6, 4, 4, 3))
    blends, weights = augmentation.mixup(images, labels, 3, np.random.default_rng(3), alpha=1.0)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(blends[:, 0, 0, 0], weights @ [0, 100, 200], atol=0.51)
    assert weights.dtype == np.float32 and weights.min() >= 0
    assert np.any((weights > 0.05) & (weights < 0.95))


def test_a_small_alpha_lets_one_image_prevail():
    images, labels = random_images(200, 4), np.arange(200) % 10
    larger = {
        alpha: augmentation.mixup(images, labels, 10, np.random.default_rng(0), alpha=alpha)[1].max(axis=1).mean()
        for alpha in (0.05, 1.0)
    }
    assert larger[0.05] > 0.92
    assert 0.7 < larger[1.0] < 0.85  # the larger of x and 1 - x is 0.75 on average; a tenth meets its own class: 0.775


@pytest.mark.parametrize(("labels", "alpha"), [([0, 1, 2, 3], 0.2), ([0, 1], 0.2), ([0, -1, 1], 0.2), ([0, 1, 2], 0)])
def test_mixup_refuses_what_does_not_fit(labels, alpha):
    with pytest.raises(ValueError, match=r"mixup needs one label from 0 to 2 for each of the 3|alpha must be above 0"):
        augmentation.mixup(random_images(3), np.array(labels), 3, np.random.default_rng(0), alpha=alpha)


# --- the pipeline of a training run ---


def shown(flip: str, epoch: int, images: np.ndarray) -> np.ndarray:
    pipeline = Augmentation(flip=flip)
    mirrored = pipeline.mirrored(len(images), seed=7, epoch=epoch)
    return pipeline(images, mirrored, np.random.default_rng(0))


def both_ways(first: np.ndarray, second: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Of which images the two epochs showed the one and the other: `(n,)` bool."""
    same = lambda a, b: np.all(a == b, axis=(1, 2, 3))  # noqa: E731
    mirrors = images[:, :, ::-1]
    return same(first, images) & same(second, mirrors) | same(first, mirrors) & same(second, images)


@pytest.mark.parametrize("epoch", range(6))
def test_the_alternating_flip_shows_both_mirror_images_in_any_two_epochs(epoch):
    images = random_images(300, 4)
    first, second = shown("alternating", epoch, images), shown("alternating", epoch + 1, images)
    assert both_ways(first, second, images).all()
    assert 110 < np.sum(np.any(first != images, axis=(1, 2, 3))) < 190  # a half of each


def test_the_random_flip_shows_half_of_them_one_way_only():
    images = random_images(300, 4)
    shared = both_ways(shown("random", 0, images), shown("random", 1, images), images)
    assert 110 < shared.sum() < 190


def test_the_pipeline_without_anything_hands_the_images_through():
    images = random_images()
    np.testing.assert_array_equal(shown("none", 1, images), images)


def test_the_pipeline_does_what_it_is_told():
    images = np.full((4, 16, 16, 3), 20, np.uint8)
    result = Augmentation(cutout=4)(images, np.zeros(4, bool), np.random.default_rng(0))
    assert set(np.unique(result)) == {20, 128}
    moved = Augmentation(shift=3)(random_images(50), np.zeros(50, bool), np.random.default_rng(0))
    assert np.sum(np.any(moved != random_images(50), axis=(1, 2, 3))) > 40  # 1 in 49 stays where it is
    near = Augmentation(zoom=0.5, zoom_share=1)(random_images(), np.zeros(6, bool), np.random.default_rng(0))
    assert np.all(np.any(near != random_images(), axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("field", "value"), [("flip", "sometimes"), ("zoom", 2), ("zoom_share", -0.1), ("shift", -1), ("cutout", -4)]
)
def test_the_pipeline_refuses_what_makes_no_sense(field, value):
    with pytest.raises(ValueError, match=f"{field}.* must be|{field} and .* are pixels|shift and cutout"):
        Augmentation(**{field: value})
