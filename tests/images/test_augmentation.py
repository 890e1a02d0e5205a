"""Test each transform against a result worked out by hand, by Pillow or by another NumPy formula."""

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


class FixedRng:
    """Stand-in for a generator whose methods return fixed values."""

    def __init__(self, **values):
        self._values = values

    def __getattr__(self, name):
        return lambda *_, **__: self._values[name]


def random_images(count: int = 6, size: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def grey(rows) -> np.ndarray:
    """Return one image of three equal channels, `(1, height, width, 3)` uint8."""
    return np.repeat(np.array(rows, np.uint8)[None, :, :, None], 3, axis=3)


# --- all transforms ---


@every_transform
@settings(max_examples=20, deadline=None)
@given(
    images=arrays(np.uint8, st.tuples(st.integers(0, 5), st.integers(4, 9)).map(lambda s: (s[0], s[1], s[1], 3))),
    seed=st.integers(0, 2**32),
)
def test_transforms_keep_shape_dtype_and_input_and_are_reproducible(name, images, seed):
    before = images.copy()
    result = TRANSFORMS[name](images, np.random.default_rng(seed))
    assert result.shape == images.shape and result.dtype == np.uint8
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(result, TRANSFORMS[name](images, np.random.default_rng(seed)))


@every_transform
def test_transforms_change_each_image_differently(name):
    images = np.repeat(random_images(1), 40, axis=0)  # forty copies
    images = images if name != "mixup" else random_images(40)
    result = TRANSFORMS[name](images, np.random.default_rng(1))
    different = {image.tobytes() for image in result}
    assert len(different) == 2 if name in FLIPS else len(different) > 10


@pytest.mark.parametrize("name", ["shift", "cutout", "zoom", "rotate", "shear", "noise"])
def test_strength_zero_changes_nothing(name):
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
def test_invalid_strength_is_rejected(name, strength, message):
    with pytest.raises(ValueError, match=message):
        getattr(augmentation, name)(random_images(), strength, np.random.default_rng(0))


# --- one by one ---


@pytest.mark.parametrize(
    ("name", "expected"), [("mirror", [[3, 2, 1], [6, 5, 4]]), ("flip_vertical", [[4, 5, 6], [1, 2, 3]])]
)
def test_flips_change_the_chosen_images(name, expected):
    images = np.concatenate([grey([[1, 2, 3], [4, 5, 6]])] * 2)
    result = FLIPS[name](images, np.array([True, False]))
    np.testing.assert_array_equal(result, np.concatenate([grey(expected), images[1:]]))


def test_shrink_to_half_averages_blocks_of_four():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    blocks = images.reshape(5, 16, 2, 16, 2, 3).mean(axis=(2, 4))
    assert np.abs(augmentation.shrink(images, 16) - blocks).max() <= 1  # rounded twice


@pytest.mark.parametrize("size", [12, 20, 24, 28])
def test_shrink_does_not_mix_images(size):
    black, white = np.zeros((1, 32, 32, 3), np.uint8), np.full((1, 32, 32, 3), 255, np.uint8)
    result = augmentation.shrink(np.concatenate([black, white, black]), size)
    expected = np.zeros((3, size, size, 3), np.uint8)
    expected[1] = 255
    np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize(
    ("down", "right", "expected"),
    [
        (1, 1, [[1, 2, 3], [4, 5, 6], [7, 8, 9]]),  # the middle window: not shifted
        (1, 2, [[2, 3, 2], [5, 6, 5], [8, 9, 8]]),  # one to the right: the last column but one is reflected
        (0, 0, [[5, 4, 5], [2, 1, 2], [5, 4, 5]]),
    ],
)
def test_shift_matches_hand_calculation(down, right, expected):
    image = grey([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    result = augmentation.shift(image, 1, FixedRng(integers=np.array([[down], [right]])))
    np.testing.assert_array_equal(result, grey(expected))


def test_all_shifts_are_equally_likely():
    images = np.repeat(random_images(1), 2500, axis=0)
    result = augmentation.shift(images, 2, np.random.default_rng(0))
    # Without its outer two pixels, a shifted image is one of 5 x 5 windows of the original.
    parts = [images[0, y : y + 8, x : x + 8].tobytes() for y in range(5) for x in range(5)]
    counts = np.bincount([parts.index(image[2:-2, 2:-2].tobytes()) for image in result], minlength=25)
    assert counts.min() > 60 and counts.max() < 150  # 100 expected, standard deviation 10


@pytest.mark.parametrize(
    ("centre", "expected"),
    [
        ((0.5, 0.5), [[9, 9, 9, 9], [9, 128, 128, 9], [9, 128, 128, 9], [9, 9, 9, 9]]),
        ((0.0, 1.0), [[9, 9, 9, 128], [9, 9, 9, 9], [9, 9, 9, 9], [9, 9, 9, 9]]),  # three quarters are outside
    ],
)
def test_cutout_matches_hand_calculation(centre, expected):
    centres = np.array(centre)[:, None, None]
    result = augmentation.cutout(grey([[9] * 4] * 4), 2, FixedRng(random=centres))
    np.testing.assert_array_equal(result, grey(expected))


class FixedZoom(FixedRng):
    """Zoom all images, with the window in the middle."""

    def __init__(self, exponent: float):
        super().__init__(uniform=exponent)

    def random(self, size):
        return np.zeros(size) if size != 2 else np.full(2, 0.5)


@pytest.mark.parametrize(("exponent", "box"), [(-1, (19, 19, 27, 27)), (1, (7, 7, 39, 39))])  # half and twice the size
def test_zoom_matches_pillow_with_a_reflected_border(exponent, box):
    image = random_images(1, 16)
    result = augmentation.zoom(image, 1.0, FixedZoom(exponent))
    indices = [abs(i) if i < 16 else 30 - i for i in range(-15, 31)]  # reflected at the border pixel
    wide = Image.fromarray(image[0][indices][:, indices])
    np.testing.assert_array_equal(result[0], wide.resize((16, 16), Image.Resampling.BICUBIC, box=box))


def test_zoom_in_and_out_are_equally_likely():
    square = np.zeros((1, 40, 40, 3), np.uint8)
    square[:, 15:25, 15:25] = 255
    result = augmentation.zoom(np.repeat(square, 100, axis=0), 0.25, np.random.default_rng(0))
    sides = np.sqrt(np.sum(result[..., 0] > 127, axis=(1, 2)))
    assert 30 < np.sum(sides > 10.3) < 60 and 30 < np.sum(sides < 9.7) < 60
    assert 7.5 < sides.min() < 8.5 and 12 < sides.max() < 13  # 10 / 1.25 and 10 * 1.25


def test_zoom_changes_the_given_share():
    images = random_images(400, 8)
    result = augmentation.zoom(images, 0.5, np.random.default_rng(0), share=0.25)
    changed = np.sum(np.any(result != images, axis=(1, 2, 3)))
    assert 70 <= changed <= 130  # 100 expected, standard deviation 8.7


@pytest.mark.parametrize(("angle", "quarters"), [(90, 1), (180, 2), (-90, -1)])
def test_quarter_turn_matches_numpy(angle, quarters):
    image = random_images(1)
    result = augmentation.rotate(image, 180, FixedRng(uniform=np.array([angle])))
    np.testing.assert_allclose(result[0].astype(int), np.rot90(image[0], quarters), atol=1)  # Pillow truncates 187.99


def test_rotate_stays_within_the_angle():
    bar = np.zeros((1, 41, 41, 3), np.uint8)
    bar[:, 20, 20:] = 255  # a ray to the right
    result = augmentation.rotate(np.repeat(bar, 50, axis=0), 20, np.random.default_rng(0))[..., 0] > 100
    rows, columns = np.nonzero(result.any(axis=0))
    far = columns > 28
    angles = np.degrees(np.arctan2(20 - rows[far], columns[far] - 20))
    assert -24 < angles.min() < -15 and 15 < angles.max() < 24


def test_shear_matches_hand_calculation():
    image = grey([[1, 2, 3, 4, 5]] * 5)
    result = augmentation.shear(image, 1, FixedRng(uniform=np.array([1.0])))
    # The rows are taken from -2, -1, 0, 1 and 2 pixels to the right; beyond the border they are reflected.
    expected = [[3, 2, 1, 2, 3], [2, 1, 2, 3, 4], [1, 2, 3, 4, 5], [2, 3, 4, 5, 4], [3, 4, 5, 4, 3]]
    np.testing.assert_array_equal(result, grey(expected))


def test_noise_has_the_given_deviation_and_mean_zero():
    images = np.full((4, 64, 64, 3), 128, np.uint8)
    difference = augmentation.noise(images, 20, np.random.default_rng(0)).astype(float) - 128
    assert abs(difference.mean()) < 0.4  # standard error 0.09
    assert abs(difference.std() - 20) < 0.4
    assert augmentation.noise(np.full_like(images, 255), 20, np.random.default_rng(0)).min() > 120  # no wrapping around


def test_mixup_weights_match_the_blends():
    labels = np.array([0, 1, 2, 0, 1, 2])
    # Uniform images whose brightness encodes the label, so that the brightness of a blend reveals its weights.
    images = np.broadcast_to(np.array([0, 100, 200], np.uint8)[labels][:, None, None, None], (6, 4, 4, 3))
    blends, weights = augmentation.mixup(images, labels, 3, np.random.default_rng(3), alpha=1.0)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(blends[:, 0, 0, 0], weights @ [0, 100, 200], atol=0.51)
    assert weights.dtype == np.float32 and weights.min() >= 0
    assert np.any((weights > 0.05) & (weights < 0.95))


@pytest.mark.parametrize(("labels", "alpha"), [([0, 1, 2, 3], 0.2), ([0, 1], 0.2), ([0, -1, 1], 0.2), ([0, 1, 2], 0)])
def test_mixup_rejects_invalid_labels_and_alpha(labels, alpha):
    with pytest.raises(ValueError, match=r"mixup needs one label from 0 to 2 for each of the 3|alpha must be above 0"):
        augmentation.mixup(random_images(3), np.array(labels), 3, np.random.default_rng(0), alpha=alpha)


# --- the pipeline of a training run ---


def flipped(flip: str, epoch: int, images: np.ndarray) -> np.ndarray:
    pipeline = Augmentation(flip=flip)
    mirrored = pipeline.mirrored(len(images), seed=7, epoch=epoch)
    return pipeline(images, mirrored, np.random.default_rng(0))


def both_ways(first: np.ndarray, second: np.ndarray, images: np.ndarray) -> np.ndarray:
    """Return which images were shown both plain and mirrored in two epochs, `(n,)` bool."""
    same = lambda a, b: np.all(a == b, axis=(1, 2, 3))  # noqa: E731
    mirrors = images[:, :, ::-1]
    return same(first, images) & same(second, mirrors) | same(first, mirrors) & same(second, images)


@pytest.mark.parametrize("epoch", range(6))
def test_alternating_flip_shows_every_image_both_ways_in_two_epochs(epoch):
    images = random_images(300, 4)
    first, second = flipped("alternating", epoch, images), flipped("alternating", epoch + 1, images)
    assert both_ways(first, second, images).all()
    assert 110 < np.sum(np.any(first != images, axis=(1, 2, 3))) < 190  # about half of them


def test_random_flip_shows_half_of_the_images_one_way_only():
    images = random_images(300, 4)
    both = both_ways(flipped("random", 0, images), flipped("random", 1, images), images)
    assert 110 < both.sum() < 190


def test_pipeline_applies_its_transforms():
    images = np.full((4, 16, 16, 3), 20, np.uint8)
    result = Augmentation(cutout=4)(images, np.zeros(4, bool), np.random.default_rng(0))
    assert set(np.unique(result)) == {20, 128}
    shifted = Augmentation(shift=3)(random_images(50), np.zeros(50, bool), np.random.default_rng(0))
    assert np.sum(np.any(shifted != random_images(50), axis=(1, 2, 3))) > 40  # 1 in 49 is not shifted
    zoomed = Augmentation(zoom=0.5, zoom_share=1)(random_images(), np.zeros(6, bool), np.random.default_rng(0))
    assert np.all(np.any(zoomed != random_images(), axis=(1, 2, 3)))


@pytest.mark.parametrize(
    ("field", "value"), [("flip", "sometimes"), ("zoom", 2), ("zoom_share", -0.1), ("shift", -1), ("cutout", -4)]
)
def test_pipeline_rejects_invalid_values(field, value):
    with pytest.raises(ValueError, match=f"{field}.* must be"):
        Augmentation(**{field: value})
