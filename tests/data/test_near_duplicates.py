"""Test fingerprints against NumPy's correlation, and that changed copies are found."""

import numpy as np
import pytest

from cifar_lab.data.folder import fingerprints


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """40 random images: 4 x 4 random colours each, enlarged, slightly blurred, and with noise."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(40, 200, (40, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(float)
    blurred = sum(np.roll(coarse, (y, x), axis=(1, 2)) for y in (-2, 0, 2) for x in (-2, 0, 2)) / 9
    return np.clip(blurred + generator.normal(0, 3, blurred.shape), 0, 255).astype(np.uint8)


def test_similarity_is_the_correlation_of_the_shrunk_images(images):
    rows = fingerprints.fingerprints(images[:6])
    shrunk = [[image[y : y + 4, x : x + 4].mean(axis=(0, 1)) for y in range(0, 32, 4) for x in range(0, 32, 4)]
              for image in images[:6].astype(float)]  # fmt: skip
    np.testing.assert_allclose(rows @ rows.T, np.corrcoef(np.reshape(shrunk, (6, -1))), atol=1e-5)


CHANGES = {
    "brighter": lambda image: np.clip(image.astype(int) + 40, 0, 255).astype(np.uint8),
    "less contrast": lambda image: (image // 2 + 60).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "shifted by a pixel": lambda image: np.roll(image, 1, axis=1),
    "noisy": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copy_is_found(images, change):
    copies = np.stack([CHANGES[change](image) for image in images[[7, 31]]])
    assert np.mean(copies == images[[7, 31]]) < 0.5
    positions, likeness = fingerprints.most_similar(copies, images, progress=False)
    assert positions.tolist() == [7, 31]
    assert likeness.min() > 0.95
    assert fingerprints.most_similar(copies, np.delete(images, [7, 31], axis=0), progress=False)[1].max() < 0.8


def test_more_images_than_one_batch(images):
    many = np.concatenate([images] * 13)  # 520
    positions, likeness = fingerprints.most_similar(many, images, progress=False)
    np.testing.assert_array_equal(positions, np.tile(np.arange(40), 13))
    np.testing.assert_allclose(likeness, 1, atol=1e-5)


def test_uniform_grey_has_a_zero_fingerprint():
    grey = np.full((1, 32, 32, 3), 90, np.uint8)
    assert not fingerprints.fingerprints(grey).any()


def test_sizes_need_not_be_multiples_of_eight(images):
    assert fingerprints.fingerprints(images[:, :30, :29]).shape == (40, 192)


@pytest.mark.parametrize("shape", [(4, 32, 32), (4, 7, 32, 3), (4, 32, 32, 1)])
def test_wrong_shape_is_rejected(shape):
    with pytest.raises(ValueError, match="at least 8 pixels per side"):
        fingerprints.fingerprints(np.zeros(shape, np.uint8))


def test_empty_others_is_rejected(images):
    with pytest.raises(ValueError, match="others is empty"):
        fingerprints.most_similar(images, images[:0])
