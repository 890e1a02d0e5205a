"""Near-duplicates: likeness is NumPy's correlation, and changed copies are found where equal numbers are not."""

import numpy as np
import pytest

from cifar_lab.data.folder import fingerprints


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """40 random pictures: 4 x 4 random colours each, enlarged, blurred a little, and with some grain."""
    generator = np.random.default_rng(0)
    coarse = generator.integers(40, 200, (40, 4, 4, 3)).repeat(8, axis=1).repeat(8, axis=2).astype(float)
    blurred = sum(np.roll(coarse, (y, x), axis=(1, 2)) for y in (-2, 0, 2) for x in (-2, 0, 2)) / 9
    return np.clip(blurred + generator.normal(0, 3, blurred.shape), 0, 255).astype(np.uint8)


def test_likeness_is_the_correlation_of_the_shrunk_pictures(images):
    rows = fingerprints.fingerprints(images[:6])
    shrunk = [[image[y : y + 4, x : x + 4].mean(axis=(0, 1)) for y in range(0, 32, 4) for x in range(0, 32, 4)]
              for image in images[:6].astype(float)]  # fmt: skip
    np.testing.assert_allclose(rows @ rows.T, np.corrcoef(np.reshape(shrunk, (6, -1))), atol=1e-5)


CHANGES = {
    "brighter": lambda image: np.clip(image.astype(int) + 40, 0, 255).astype(np.uint8),
    "less contrast": lambda image: (image // 2 + 60).astype(np.uint8),
    "mirrored": lambda image: image[:, ::-1],
    "moved by a pixel": lambda image: np.roll(image, 1, axis=1),
    "noisy": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 8, image.shape), 0, 255).astype(np.uint8),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(images, change):
    copies = np.stack([CHANGES[change](image) for image in images[[7, 31]]])
    assert np.mean(copies == images[[7, 31]]) < 0.5
    positions, likeness = fingerprints.most_similar(copies, images, progress=False)
    assert positions.tolist() == [7, 31]
    assert likeness.min() > 0.95
    assert fingerprints.most_similar(copies, np.delete(images, [7, 31], axis=0), progress=False)[1].max() < 0.8


def test_more_images_than_are_compared_at_once(images):
    many = np.concatenate([images] * 13)  # 520
    positions, likeness = fingerprints.most_similar(many, images, progress=False)
    np.testing.assert_array_equal(positions, np.tile(np.arange(40), 13))
    np.testing.assert_allclose(likeness, 1, atol=1e-5)


def test_a_picture_of_one_grey_is_like_nothing():
    grey = np.full((1, 32, 32, 3), 90, np.uint8)
    assert not fingerprints.fingerprints(grey).any()


def test_sizes_that_are_no_multiple_of_eight_work(images):
    assert fingerprints.fingerprints(images[:, :30, :29]).shape == (40, 192)


@pytest.mark.parametrize("shape", [(4, 32, 32), (4, 7, 32, 3), (4, 32, 32, 1)])
def test_what_is_no_picture_is_refused(shape):
    with pytest.raises(ValueError, match="8 pixels or more a side"):
        fingerprints.fingerprints(np.zeros(shape, np.uint8))


def test_nothing_to_compare_with_is_said(images):
    with pytest.raises(ValueError, match="no other images"):
        fingerprints.most_similar(images, images[:0])
