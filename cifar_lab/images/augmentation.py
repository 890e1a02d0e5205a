"""Augmentation: other images that show the same thing, in batches of plain numpy.

    augmented = augmentation.shift(images, 2, np.random.default_rng(0))

Every transform takes `(n, height, width, 3)` uint8, 0-255, gives the same shape and dtype, leaves what it was given
as it was, and draws its chances from the generator it is handed: the same generator gives the same images. Shifts are
by whole pixels, since a fraction of a pixel blurs an image of 32 x 32.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from cifar_lab.images import handwriting

FLIPS = ("none", "random", "alternating")
_EMPTY_SHEETS = 0.06  # the share of them among handwriting


def mirror(images: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Swap left and right in the images where `chosen`, `(n,)` bool, is true."""
    return _replaced(images, chosen, images[:, :, ::-1])


def shift(images: np.ndarray, pixels: int, rng: np.random.Generator) -> np.ndarray:
    """Move every image by up to `pixels` whole pixels in each direction, each by its own; the border is mirrored in.

    Raises:
        ValueError: `pixels` is not from 0 to one less than the image's size.
    """
    if not 0 <= pixels < min(images.shape[1:3]):
        raise ValueError(f"pixels must be from 0 to {min(images.shape[1:3]) - 1}, but it is {pixels}.")
    height, width = images.shape[1:3]
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)), mode="reflect")
    # All places where a window of the image's size fits, as a view: (n, 2 * pixels + 1, 2 * pixels + 1, 3, h, w).
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(2 * pixels + 1, size=(2, len(images)))
    return windows[np.arange(len(images)), down, right].transpose(0, 2, 3, 1)


def cutout(images: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Paint one square of `size` pixels grey in every image (DeVries and Taylor, 2017): no part may be all that counts.

    The square's centre lies anywhere in the image, so that part of it may be outside.
    """
    height, width = images.shape[1:3]
    centre = rng.random((2, len(images), 1))
    in_rows = np.abs(np.arange(height) + 0.5 - centre[0] * height) < size / 2  # (n, height)
    in_columns = np.abs(np.arange(width) + 0.5 - centre[1] * width) < size / 2  # (n, width)
    return np.where((in_rows[:, :, None] & in_columns[:, None, :])[..., None], np.uint8(128), images)


def zoom(images: np.ndarray, strength: float, rng: np.random.Generator, *, share: float = 1.0) -> np.ndarray:
    """Show a share of the images nearer or farther, by a factor of up to 1 + `strength`, at another place.

    Nearer cuts a window out of the image; farther shows more than there is, mirrored at the border. Pillow resamples
    each window with an antialiasing filter, as it does with a photograph on its way to the network.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        strength: 0 to 1; at 0.25 a window has 0.8 to 1.25 times the image's size.
        rng: where the chances come from.
        share: how many of the images are changed, 0 to 1.
    """
    size = images.shape[1]
    border = int(size * strength) + 1  # so that the widest window fits, wherever the image is in it
    result, chosen = images.copy(), np.flatnonzero(rng.random(len(images)) < share)
    around = ((0, 0), (border, border), (border, border), (0, 0))
    for index, padded in zip(chosen, np.pad(images[chosen], around, mode="reflect"), strict=True):
        window = size * (1 + strength) ** rng.uniform(-1, 1)
        # Left and top of the window: inside the image when nearer, around it when farther.
        left, top = border + rng.random(2) * (size - window)
        box = (left, top, left + window, top + window)
        result[index] = Image.fromarray(padded).resize((size, size), Image.Resampling.BICUBIC, box=box)
    return result


def shrink(images: np.ndarray, size: int) -> np.ndarray:
    """Make square images smaller, `(n, size, size, 3)`, each new pixel an average of those it covers."""
    count, before = images.shape[:2]
    if size == before:
        return images
    tower = Image.fromarray(images.reshape(count * before, before, 3))  # on top of each other: one picture for Pillow
    return np.asarray(tower.resize((size, count * size), Image.Resampling.BOX)).reshape(count, size, size, 3)


@dataclass(frozen=True)
class Augmentation:
    """What is done to the images of a training run, each time they are shown.

    Attributes:
        flip: `"random"` mirrors a random half of the images, anew each epoch. `"alternating"` chooses the half once
            and swaps it with the other every epoch (Jordan, 2024): two epochs show every image both ways, where
            chance alone shows a quarter of them twice the same way. `"none"` leaves them.
        shift: the farthest move in whole pixels.
        zoom: the strength of the zoom, 0 to 1.
        zoom_share: the share of the images that is zoomed, 0 to 1.
        cutout: the size of the grey square in pixels.
        paper: the images show bright strokes on black, and are shown as photographs of handwriting
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
            raise ValueError(f"shift and cutout are pixels, 0 or more, not {self.shift!r} and {self.cutout!r}.")

    def mirrored(self, count: int, *, seed: int, epoch: int) -> np.ndarray:
        """Which of a dataset's `count` images are shown mirrored in an epoch: `(count,)` bool."""
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
            rng: where all other chances come from.
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
    """Swap top and bottom in the images where `chosen`, `(n,)` bool, is true. Few things look like that."""
    return _replaced(images, chosen, images[:, ::-1])


def rotate(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    """Turn every image about its middle by up to `degrees` either way, each by its own; the border is mirrored in.

    Raises:
        ValueError: `degrees` is not from 0 to 180.
    """
    _check_range("degrees", degrees, 180)
    angles = np.deg2rad(rng.uniform(-degrees, degrees, len(images)))  # above 0: against the clock
    return _warp(images, np.array([[np.cos(angles), -np.sin(angles)], [np.sin(angles), np.cos(angles)]]))


def shear(images: np.ndarray, slope: float, rng: np.random.Generator) -> np.ndarray:
    """Slant every image by up to `slope` pixels sideways for each pixel down, each by its own.

    The middle row stays where it is; the border is mirrored in.

    Raises:
        ValueError: `slope` is not from 0 to 1.
    """
    _check_range("slope", slope, 1)
    slopes = rng.uniform(-slope, slope, len(images))
    one, zero = np.ones(len(images)), np.zeros(len(images))
    return _warp(images, np.array([[one, slopes], [zero, one]]))


def noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    """Add a number of its own to each of an image's numbers: normal, with the standard deviation `deviation`.

    Raises:
        ValueError: `deviation` is not from 0 to 255.
    """
    _check_range("deviation", deviation, 255)
    noisy = images + deviation * rng.standard_normal(images.shape, np.float32)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)  # clipped first: uint8 starts again at 0 after 255


def mixup(
    images: np.ndarray, labels: np.ndarray, class_count: int, rng: np.random.Generator, *, alpha: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Blend every image with another one of the batch, and their labels in the same proportion (Zhang et al., 2018).

    Args:
        images: `(n, height, width, 3)` uint8, 0-255.
        labels: `(n,)` whole numbers, 0 to `class_count` - 1.
        class_count: how many classes there are.
        rng: where the chances come from.
        alpha: above 0. The proportion is drawn from Beta(alpha, alpha): small, and one of the two prevails nearly
            always; 1, and every proportion is equally likely.

    Returns:
        The blends, `(n, height, width, 3)` uint8, 0-255, and how much of each class is in them, `(n, class_count)`
            float32, 0-1, every row adding up to 1. A network learns from these with `categorical_crossentropy`.

    Raises:
        ValueError: `alpha` is not above 0, or the labels don't fit the images or the classes.
    """
    if not alpha > 0:
        raise ValueError(f"alpha must be above 0, but it is {alpha!r}.")
    if len(labels) != len(images) or (len(labels) and not 0 <= labels.min() <= labels.max() < class_count):
        raise ValueError(f"mixup needs one label from 0 to {class_count - 1} for each of the {len(images)} images.")
    share = rng.beta(alpha, alpha, len(images))
    other = rng.permutation(len(images))
    blends = overlay(images, images[other], share)
    of_class = np.eye(class_count)[labels]  # (n, class_count): 1 at the label, 0 elsewhere
    weights = share[:, None] * of_class + (1 - share[:, None]) * of_class[other]
    return blends, weights.astype(np.float32)


def overlay(images: np.ndarray, others: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Lay another image over each, as two slides in one projector: `share`, `(n,)`, 0-1, is how much of each stays."""
    part = share[:, None, None, None]
    return np.rint(part * images + (1 - part) * others).astype(np.uint8)


def _replaced(images: np.ndarray, chosen: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The images, with those of `others` in the places that are chosen: three times as fast as `np.where`."""
    result = images.copy()
    result[chosen] = others[chosen]
    return result


def _warp(images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Take each image's pixels from elsewhere in it, `matrices` `(2, 2, n)` times their place seen from the middle."""
    height, width = images.shape[1:3]
    border = max(height, width) // 2 + 2  # a quarter turn or a slope of 1 reaches this far, and Pillow's filter 2 on
    padded = np.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), mode="reflect")
    result = np.empty_like(images)
    for index, matrix in enumerate(matrices.transpose(2, 0, 1)):
        middle = np.array([width, height]) / 2
        start = middle + border - matrix @ middle  # where the left upper corner comes from
        data = (*matrix[0], start[0], *matrix[1], start[1])
        picture = Image.fromarray(padded[index])
        result[index] = picture.transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)
    return result


def _check_range(name: str, value: float, largest: float) -> None:
    if not 0 <= value <= largest:
        raise ValueError(f"{name} must be from 0 to {largest}, but it is {value!r}.")
