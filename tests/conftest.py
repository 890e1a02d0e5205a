"""What several tests share: a tiny dataset that a network learns in a second."""

import numpy as np
import pytest

from cifar_lab.data.dataset import Dataset, Split


def make_stripes(seed: int = 0) -> Dataset:
    """Noisy 16 x 16 stripes, level or upright: two classes that no single pixel tells apart."""
    generator = np.random.default_rng(seed)

    def split(count: int) -> Split:
        labels = np.arange(count) % 2
        images = np.empty((count, 16, 16, 3), np.uint8)
        for i, label in enumerate(labels):
            wave = 127 + 80 * np.sign(np.sin(np.arange(16) * 1.6 + generator.uniform(0, 6.3)))
            level = np.repeat(wave[:, None], 16, axis=1)
            picture = level.T if label else level
            images[i] = np.clip(picture[..., None] + generator.normal(0, 20, (16, 16, 3)), 0, 255)
        return Split(images, labels.astype(np.int64))

    return Dataset("stripes", ("level", "upright"), split(200), split(60), split(40), "Made by the tests.")


@pytest.fixture(scope="session")
def stripes() -> Dataset:
    """200 / 60 / 40 images in two classes."""
    return make_stripes()
