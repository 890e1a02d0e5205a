"""Feature extractors: the first step of the pipeline of every baseline."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

_BATCH = 256  # images per batch, to limit memory
_EPSILON = 1e-5  # avoids division by zero for blocks without edges


class Pixels(TransformerMixin, BaseEstimator):
    """Raw pixel values, flattened to one row per image."""

    def fit(self, images: np.ndarray, labels=None) -> "Pixels":
        """Only check the images; there is nothing to fit.

        Raises:
            ValueError: the images have the wrong shape or dtype.
        """
        _check(images)
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Flatten images.

        Args:
            images: `(n, height, width, 3)` uint8, 0-255.

        Returns:
            `(n, height * width * 3)` float32, 0-1.

        Raises:
            ValueError: the images have the wrong shape or dtype.
        """
        _check(images)
        return images.reshape(len(images), -1) / np.float32(255)

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Hog(TransformerMixin, BaseEstimator):
    """Histograms of oriented gradients: direction and strength of the edges in each cell of an image.

    From Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (2005). Gives the same values as
    scikit-image's `hog` with `channel_axis=-1`, for many images at once.
    """

    def __init__(self, cell: int = 8, block: int = 2, orientations: int = 9):
        """Create the extractor.

        Args:
            cell: height and width of a cell in pixels.
            block: height and width of a block in cells; blocks overlap, and each is normalised.
            orientations: number of histogram bins from 0 to 180 degrees.
        """
        self.cell = cell
        self.block = block
        self.orientations = orientations

    def fit(self, images: np.ndarray, labels=None) -> "Hog":
        """Only check the images; there is nothing to fit.

        Raises:
            ValueError: the images have the wrong shape or dtype, or are smaller than a block.
        """
        self._check(images)
        return self

    def transform(self, images: np.ndarray) -> np.ndarray:
        """Compute the HOG features of images.

        Args:
            images: `(n, height, width, 3)` uint8, 0-255.

        Returns:
            `(n, block rows * block columns * block**2 * orientations)` float32, 0-1.

        Raises:
            ValueError: the images have the wrong shape or dtype, or are smaller than a block.
        """
        self._check(images)
        starts = range(0, max(len(images), 1), _BATCH)
        return np.concatenate([self._blocks(self._histograms(images[first : first + _BATCH])) for first in starts])

    def _check(self, images: np.ndarray) -> None:
        _check(images)
        smallest = self.cell * self.block
        if min(images.shape[1:3]) < smallest:
            raise ValueError(
                f"HOG with cells of {self.cell} pixels and blocks of {self.block} cells needs images of at least "
                f"{smallest} x {smallest} pixels, got {images.shape[1]} x {images.shape[2]}."
            )

    def _histograms(self, images: np.ndarray) -> np.ndarray:
        """Return the gradient histograms of all cells, `(n, cell rows, cell columns, orientations)` float64."""
        down, across = _gradients(images)
        rows, columns = images.shape[1] // self.cell, images.shape[2] // self.cell
        down, across = (g[:, : rows * self.cell, : columns * self.cell] for g in (down, across))  # whole cells only
        angles = np.rad2deg(np.arctan2(down, across)) % 180  # unsigned: dark to light equals light to dark
        bins = np.minimum((angles / (180 / self.orientations)).astype(np.int64), self.orientations - 1)
        shape = len(images), rows, columns, self.orientations
        # Give every bin of every cell of every image an index, so that a single bincount fills all histograms.
        cells = np.arange(np.prod(shape[:3])).reshape(shape[:3])
        cells = cells.repeat(self.cell, axis=1).repeat(self.cell, axis=2)
        indices, magnitudes = cells * self.orientations + bins, np.hypot(down, across)
        sums = np.bincount(indices.ravel(), magnitudes.ravel(), minlength=int(np.prod(shape)))
        return sums.reshape(shape) / self.cell**2

    def _blocks(self, histograms: np.ndarray) -> np.ndarray:
        """Group adjacent cells into blocks, and apply L2-Hys: normalise to length 1, clip at 0.2, normalise again."""
        windows = np.lib.stride_tricks.sliding_window_view(histograms, (self.block, self.block), axis=(1, 2))
        blocks = np.moveaxis(windows, 3, -1)  # (n, block rows, block columns, block, block, orientations)
        count, rows, columns = blocks.shape[:3]
        blocks = blocks.reshape(count, rows * columns, self.block**2 * self.orientations)
        blocks = _normalized(np.minimum(_normalized(blocks), 0.2))
        return blocks.reshape(count, blocks.shape[1] * blocks.shape[2]).astype(np.float32)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute vertical and horizontal gradients, at each pixel in the colour channel with the largest magnitude.

    Returns:
        Two arrays `(n, height, width)` int32; 0 along the border, where a neighbour is missing.
    """
    values = images.astype(np.int32)
    down, across = np.zeros_like(values), np.zeros_like(values)
    down[:, 1:-1] = values[:, 2:] - values[:, :-2]
    across[:, :, 1:-1] = values[:, :, 2:] - values[:, :, :-2]
    strongest = (down**2 + across**2).argmax(axis=3)[..., None]
    return tuple(np.take_along_axis(gradient, strongest, axis=3)[..., 0] for gradient in (down, across))


def _normalized(blocks: np.ndarray) -> np.ndarray:
    return blocks / np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + _EPSILON**2)


def _check(images: np.ndarray) -> None:
    shape, dtype = getattr(images, "shape", ()), getattr(images, "dtype", type(images).__name__)
    if len(shape) != 4 or shape[3] != 3 or dtype != np.uint8:
        raise ValueError(f"Expected images of shape (n, height, width, 3) and dtype uint8, got {shape} {dtype}.")
