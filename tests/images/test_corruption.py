"""Corruption: each kind against another way of doing it, and the degrees against those that were published."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter
from scipy import ndimage

from cifar_lab.images import corruption

# From make_cifar_c.py of github.com/hendrycks/robustness.
PUBLISHED = {
    "noise": (0.04, 0.06, 0.08, 0.09, 0.10),
    "blur": (0.4, 0.6, 0.7, 0.8, 1),
    "contrast": (0.75, 0.5, 0.4, 0.3, 0.15),
    "jpeg": (80, 65, 58, 50, 40),
}
every = pytest.mark.parametrize("severity", corruption.SEVERITIES)


@pytest.fixture(scope="module")
def images():
    """Eight pictures with something in them: smooth noise."""
    rough = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2))) for image in rough])


@every
def test_noise_has_the_published_strength(severity):
    grey = np.full((20, 32, 32, 3), 128, np.uint8)
    added = corruption.corrupt(grey, "noise", severity) - 128.0
    assert added.std() / 255 == pytest.approx(PUBLISHED["noise"][severity - 1], rel=0.02)
    assert added.mean() == pytest.approx(-0.5, abs=0.3)  # cut off to whole numbers, as published


def test_noise_is_the_same_for_the_same_seed_and_stays_in_range(images):
    first = corruption.corrupt(images, "noise", 5)
    assert np.array_equal(first, corruption.corrupt(images, "noise", 5))
    assert not np.array_equal(first, corruption.corrupt(images, "noise", 5, seed=1))
    white = corruption.corrupt(np.full_like(images, 255), "noise", 5)
    assert white.min() > 100  # it does not start again at 0 above 255


@every
def test_blur_is_scipys(images, severity):
    sigma = PUBLISHED["blur"][severity - 1]
    by_scipy = ndimage.gaussian_filter(images.astype(float), (0, sigma, sigma, 0), mode="nearest", truncate=4)
    np.testing.assert_allclose(corruption.corrupt(images, "blur", severity), np.floor(by_scipy + 1e-9), atol=1)
    assert np.mean(corruption.corrupt(images, "blur", severity) != np.floor(by_scipy + 1e-9)) < 1e-3


@every
def test_contrast_keeps_the_mean_and_a_share_of_the_spread(images, severity):
    share = PUBLISHED["contrast"][severity - 1]
    flat = corruption.corrupt(images, "contrast", severity)
    for before, after in zip(images[0].transpose(2, 0, 1), flat[0].transpose(2, 0, 1), strict=True):
        by_hand = [[before.mean() + share * (float(number) - before.mean()) for number in row] for row in before]
        np.testing.assert_allclose(after, np.floor(by_hand), atol=1)


@every
def test_jpeg_is_pillows(images, severity):
    for before, after in zip(images, corruption.corrupt(images, "jpeg", severity), strict=True):
        stream = io.BytesIO()
        Image.fromarray(before).save(stream, "JPEG", quality=PUBLISHED["jpeg"][severity - 1])
        np.testing.assert_array_equal(after, np.asarray(Image.open(stream)))


@pytest.mark.parametrize("kind", corruption.KINDS)
def test_every_kind_gets_worse_with_every_degree(images, kind):
    before = images.copy()
    damage = [np.abs(corruption.corrupt(images, kind, s).astype(int) - images).mean() for s in (0, 1, 2, 3, 4, 5)]
    assert damage[0] == 0 and damage == sorted(set(damage))
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("kind", ["blur", "contrast"])
def test_an_even_area_stays_even(kind):
    even = np.full((2, 32, 32, 3), 100, np.uint8)
    np.testing.assert_array_equal(corruption.corrupt(even, kind, 5), even)


def test_errors_say_what_was_expected(images):
    with pytest.raises(ValueError, match="kind must be one of noise, blur, contrast, jpeg, but it is 'fog'"):
        corruption.corrupt(images, "fog", 1)
    for severity in (6, -1, 2.5, "3"):
        with pytest.raises(ValueError, match=r"whole number from 0 \(as it is\) to 5, but it is"):
            corruption.corrupt(images, "noise", severity)
    for wrong in (images[0], images / 255):
        with pytest.raises(ValueError, match=r"images must be \(n, height, width, 3\) uint8, not"):
            corruption.corrupt(wrong, "noise", 1)
