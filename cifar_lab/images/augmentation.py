"""Augment batches of images with plain NumPy.

    augmented = augmentation.shift(images, 2, np.random.default_rng(0))

Every transform takes `(n, height, width, 3)` uint8, 0-255, returns a new array of the same shape and dtype, and draws
its random numbers from the given generator, so that it is reproducible. Shifts are by whole pixels, since a fraction of
a pixel blurs an image of 32 x 32.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cifar_lab.images import handwriting

FLIPS = ("none", "random", "alternating")
_EMPTY_SHEETS = 0.06  # the share of handwriting without a digit


def mirror(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mirror the images where `chosen`, `(n,)` bool, is true, swapping left and right."""
    return _replace(images, chosen, images[:, :, ::-1])


def shift(images: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Shift every image at random by up to `pixels` whole pixels in each direction, with a reflected border.

    Raises:
        ValueError: `pixels` is not from 0 to one less than the image's size.
    """
    if not 0 <= pixels < min(images.shape[1:3]):
        raise ValueError(f"pixels must be from 0 to {min(images.shape[1:3]) - 1}, but it is {pixels}.")
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    # All windows of the image's size, as a view: (n, 2 * pixels + 1, 2 * pixels + 1, 3, height, width).
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(2 * pixels + 1, size=(2, len(images)))
    return windows[np.arange(len(images)), down, right].transpose(0, 2, 3, 1)


def cutout(images: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cover a random square of `size` pixels with grey in every image (DeVries and Taylor, 2017).

    The centre of the square is anywhere in the image, so that part of it may be outside.
    """
    height, width = images.shape[1:3]
    centre = rng.random((2, len(images), 1))
    in_rows = np.abs(np.arange(height) + 0.5 - centre[0] * height) < size / 2  # (n, height)
    in_columns = np.abs(np.arange(width) + 0.5 - centre[1] * width) < size / 2  # (n, width)
    return np.where((in_rows[:, :, None] & in_columns[:, None, :])[..., None], np.uint8(128), images)


def zoom(images: np.ndarray, strength: float, rng: np.random.Generator, *, share: float = 1.0) -> np.ndarray:
    """Zoom a share of the images in or out by a random factor of up to 1 + `strength`, at a random position.

    Zooming in cuts a window out of the image; zooming out adds a reflected border. Pillow resamples each window with an
    antialiasing filter, as `images.to_input` does.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        strength: 0 to 1; at 0.25 a window has 0.8 to 1.25 times the image's size.
        rng: the random number generator.
        share: the share of the images that is zoomed, 0 to 1.
    """
    size = images.shape[1]
    border = int(size * strength) + 1  # the widest window fits at any position
    result, chosen = images.copy(), np.flatnonzero(rng.random(len(images)) < share)
    around = ((0, 0), (border, border), (border, border), (0, 0))
    for index, padded in zip(chosen, np.pad(images[chosen], around, mode="reflect"), strict=True):
        window = size * (1 + strength) ** rng.uniform(-1, 1)
        # Left and top of the window: inside the image when zooming in, around it when zooming out.
        left, top = border + rng.random(2) * (size - window)
        box = (left, top, left + window, top + window)
        result[index] = Image.fromarray(padded).resize((size, size), Image.Resampling.BICUBIC, box=box)
    return result


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Shrink square images to `(n, size, size, 3)` by averaging the pixels that each new pixel covers."""
    count, before = images.shape[:2]
    if size == before:
        return images
    column = Image.fromarray(images.reshape(count * before, before, 3))  # stacked, so that Pillow is called once
    return np.asarray(column.resize((size, count * size), Image.Resampling.BOX)).reshape(count, size, size, 3)


@dataclass(frozen=True)
class Augmentation:
    """The augmentation of a training run, applied whenever a batch is drawn.

    Attributes:
        flip: `"random"` mirrors a random half of the images in each epoch. `"alternating"` chooses the half once and
            swaps it with the other half every epoch (Jordan, 2024), so that any two epochs show every image both ways;
            with `"random"`, half of the images are shown twice the same way. `"none"` mirrors no image.
        shift: the largest shift in whole pixels.
        zoom: the strength of the zoom, 0 to 1.
        zoom_share: the share of the images that is zoomed, 0 to 1.
        cutout: the size of the grey square in pixels; 0 for none.
        paper: render the images, bright strokes on black, as photographs of handwriting
            (`cifar_lab.images.handwriting`).
    """

    flip: str = "none"
    shift: int = 0
    zoom: float = 0.0
    zoom_share: float = 0.5
    cutout: int = 0
    paper: bool = False

    def __post_init__(self):
        if self.flip not in FLIPS:
            raise ValueError(f"flip must be one of {', '.join(FLIPS)}, but it is {self.flip!r}.")
        if not (0 <= self.zoom <= 1 and 0 <= self.zoom_share <= 1):
            raise ValueError(f"zoom and zoom_share must be from 0 to 1, not {self.zoom!r} and {self.zoom_share!r}.")
        if self.shift < 0 or self.cutout < 0:
            raise ValueError(f"shift and cutout must be 0 pixels or more, not {self.shift!r} and {self.cutout!r}.")

    def mirrored(self, count: int, *, seed: int, epoch: int) -> np.ndarray:
        """Return which of a dataset's `count` images to mirror in an epoch, `(count,)` bool."""
        if self.flip == "none":
            return np.zeros(count, bool)
        if self.flip == "random":
            return np.random.default_rng([seed, epoch, 1]).random(count) < 0.5
        return (np.random.default_rng([seed, 1]).random(count) < 0.5) ^ (epoch % 2 == 1)

    def __call__(self, images: np.ndarray, mirrored: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Augment a batch.

        Args:
            images: `(n, size, size, 3)` uint8, 0-255.
            mirrored: `(n,)` bool: which of them to mirror.
            rng: the random number generator of the other transforms.
        """
        if self.paper:
            images = handwriting.render_on_paper(images, rng, nothing=_EMPTY_SHEETS)
        if self.flip != "none":
            images = mirror(images, mirrored)
        if self.zoom:
            images = zoom(images, self.zoom, rng, share=self.zoom_share)
        if self.shift:
            images = shift(images, self.shift, rng)
        if self.cutout:
            images = cutout(images, self.cutout, rng)
        return images


def flip_vertical(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Flip the images where `chosen`, `(n,)` bool, is true, swapping top and bottom; few photographs look like that."""
    return _replace(images, chosen, images[:, ::-1])


def rotate(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Rotate every image about its centre by a random angle of up to `degrees` either way, with a reflected border.

    Raises:
        ValueError: `degrees` is not from 0 to 180.
    """
    _check_range("degrees", degrees, 180)
    angles = np.deg2rad(rng.uniform(-degrees, degrees, len(images)))  # positive: anticlockwise
    return _warp(images, np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]))


def shear(images: np.ndarray, slope: float, rng: np.random.Generator) -> np.ndarray:
    """Shear every image at random by up to `slope` pixels sideways per pixel down.

    The middle row stays where it is; the border is reflected.

    Raises:
        ValueError: `slope` is not from 0 to 1.
    """
    _check_range("slope", slope, 1)
    slopes = rng.uniform(-slope, slope, len(images))
    one, zero = np.ones(len(images)), np.zeros(len(images))
    return _warp(images, np.array([[one, slopes], [zero, one]]))


def noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of standard deviation `deviation` to each value of an image, and clip to 0-255.

    Raises:
        ValueError: `deviation` is not from 0 to 255.
    """
    _check_range("deviation", deviation, 255)
    noisy = images + deviation * rng.standard_normal(images.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)  # clipped first, as uint8 wraps around


def mixup(
    images: np.ndarray, labels: np.ndarray, class_count: int, rng: np.random.Generator, *, alpha: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Mix every image with a random one of the batch, and their labels in the same proportion (Zhang et al., 2018).

    Args:
        images: `(n, height, width, 3)` uint8, 0-255.
        labels: `(n,)` whole numbers, 0 to `class_count` - 1.
        class_count: the number of classes.
        rng: the random number generator.
        alpha: above 0. The proportion is drawn from Beta(alpha, alpha): with a small alpha, one image nearly always
            dominates; with 1, all proportions are equally likely.

    Returns:
        `(blends, weights)`: `(n, height, width, 3)` uint8, 0-255, and the share of each class, `(n, class_count)`
            float32, 0-1, each row adding up to 1, for the loss `categorical_crossentropy`.

    Raises:
        ValueError: `alpha` is not above 0, or the labels do not match the images or classes.
    """
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, but it is {alpha!r}.")
    if len(labels) != len(images) or (len(labels) and not 0 <= labels.min() <= labels.max() < class_count):
        raise ValueError(f"mixup needs one label from 0 to {class_count - 1} for each of the {len(images)} images.")
    share = rng.beta(alpha, alpha, len(images))
    other = rng.permutation(len(images))
    blends = overlay(images, images[other], share)
    one_hot = np.eye(class_count)[labels]  # (n, class_count)
    weights = share[:, None] * one_hot + (1 - share[:, None]) * one_hot[other]
    return blends, weights.astype(np.float32)


def overlay(images: np.ndarray, others: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Overlay two batches of images; `share`, `(n,)`, 0-1, is the weight of each image of the first."""
    part = share[:, None, None, None]
    return np.rint(part * images + (1 - part) * others).astype(np.uint8)


def _replace(images: np.ndarray, chosen: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return a copy with the chosen images replaced by those of `others`; three times as fast as `np.where`."""
    result = images.copy()
    result[chosen] = others[chosen]
    return result


def _warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Transform each image about its centre; `matrices`, `(2, 2, n)`, map output to input coordinates."""
    height, width = images.shape[1:3]
    border = max(height, width) // 2 + 2  # the reach of a quarter turn or a slope of 1, plus 2 for Pillow's filter
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
    result = np.empty_like(images)
    for index, matrix in enumerate(matrices.transpose(2, 0, 1)):
        middle = np.array([width, height]) / 2
        start = middle + border - matrix @ middle  # the source of the upper left corner
        data = (*matrix[0], start[0], *matrix[1], start[1])
        picture = Image.fromarray(padded[index])
        result[index] = picture.transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return result


def _check_range(name: str, value: float, largest: float) -> None:
    if not 0 <= value <= largest:
        raise ValueError(f"{name} must be from 0 to {largest}, but it is {value!r}.")
