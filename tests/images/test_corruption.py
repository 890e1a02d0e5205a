"""Test each corruption against an independent implementation, and the severities against the published ones."""

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
    """Eight images of smooth noise."""
    rough = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2))) for image in rough])


@every
def test_noise_has_the_published_strength(severity):
    grey = np.full((20, 32, 32, 3), 128, np.uint8)
    added = corruption.corrupt(grey, "noise", severity) - 128.0
    assert added.std() / 255 == pytest.approx(PUBLISHED["noise"][severity - 1], rel=0.02)
    assert added.mean() == pytest.approx(-0.5, abs=0.3)  # truncated to whole numbers, as published


def test_noise_is_reproducible_and_clipped(images):
    first = corruption.corrupt(images, "noise", 5)
    assert np.array_equal(first, corruption.corrupt(images, "noise", 5))
    assert not np.array_equal(first, corruption.corrupt(images, "noise", 5, seed=1))
    white = corruption.corrupt(np.full_like(images, 255), "noise", 5)
    assert white.min() > 100  # no wrap-around


@every
def test_blur_matches_scipy(images, severity):
    sigma = PUBLISHED["blur"][severity - 1]
    expected = ndimage.gaussian_filter(images.astype(float), (0, sigma, sigma, 0), mode="nearest", truncate=4)
    np.testing.assert_allclose(corruption.corrupt(images, "blur", severity), np.floor(expected + 1e-9), atol=1)
    assert np.mean(corruption.corrupt(images, "blur", severity) != np.floor(expected + 1e-9)) < 1e-3


@every
def test_contrast_shrinks_the_distance_to_the_mean(images, severity):
    share = PUBLISHED["contrast"][severity - 1]
    result = corruption.corrupt(images, "contrast", severity)
    for before, after in zip(images[0].transpose(2, 0, 1), result[0].transpose(2, 0, 1), strict=True):
        expected = [[before.mean() + share * (float(value) - before.mean()) for value in row] for row in before]
        np.testing.assert_allclose(after, np.floor(expected), atol=1)


@every
def test_jpeg_matches_pillow(images, severity):
    for before, after in zip(images, corruption.corrupt(images, "jpeg", severity), strict=True):
        stream = io.BytesIO()
        Image.fromarray(before).save(stream, "JPEG", quality=PUBLISHED["jpeg"][severity - 1])
        np.testing.assert_array_equal(after, np.asarray(Image.open(stream)))


@pytest.mark.parametrize("kind", corruption.KINDS)
def test_damage_increases_with_severity(images, kind):
    before = images.copy()
    damage = [np.abs(corruption.corrupt(images, kind, s).astype(int) - images).mean() for s in (0, 1, 2, 3, 4, 5)]
    assert damage[0] == 0 and damage == sorted(set(damage))
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("kind", ["blur", "contrast"])
def test_uniform_area_is_unchanged(kind):
    uniform = np.full((2, 32, 32, 3), 100, np.uint8)
    np.testing.assert_array_equal(corruption.corrupt(uniform, kind, 5), uniform)


def test_invalid_arguments_are_rejected(images):
    with pytest.raises(ValueError, match="kind must be one of noise, blur, contrast, jpeg, but it is 'fog'"):
        corruption.corrupt(images, "fog", 1)
    for severity in (6, -1, 2.5, "3"):
        with pytest.raises(ValueError, match=r"whole number from 0 .* to 5, but it is"):
            corruption.corrupt(images, "noise", severity)
    for wrong in (images[0], images / 255):
        with pytest.raises(ValueError, match=r"images must be \(n, height, width, 3\) uint8, not"):
            corruption.corrupt(wrong, "noise", 1)
