"""Augmentation mixer: a slider for each transform, and their combined effect on twelve images.

AugmentationMixer(dataset.train.images)                            # in a notebook, with a running kernel
augmentation_still(dataset.train.images, mirror=True, rotate=15)   # static figure
"""

import threading
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab import plots
from cifar_lab.images import augmentation, display

COUNT, COLUMNS = 12, 6


@dataclass(frozen=True)
class Control:
    """One transform of `cifar_lab.images.augmentation`, as a slider or a checkbox.

    Attributes:
        name: the function's name; also the keyword argument of `mix` and `augmentation_still`.
        label: the label of the slider.
        words: description of the effect; `{}` is the strength.
        largest: maximum of the slider; 0 makes a checkbox.
        step: step of the slider.
    """

    name: str
    label: str
    words: str
    largest: float = 0
    step: float = 1

    def code(self, strength: float, seed: int) -> str:
        """Return the line of Python that applies the transform."""
        rng = f"np.random.default_rng({seed})"
        what = strength if self.largest else f"{rng}.random(len(images)) < 0.5"
        return f"images = augmentation.{self.name}(images, {what}{f', {rng}' if self.largest else ''})"

    def apply(self, images: np.ndarray, strength: float, seed: int) -> np.ndarray:
        """Apply the transform, with its own random numbers, so that one slider does not change the others' effect."""
        rng = np.random.default_rng(seed)
        transform = getattr(augmentation, self.name)
        return transform(images, strength, rng) if self.largest else transform(images, rng.random(len(images)) < 0.5)

    def widget(self) -> widgets.Widget:
        """Return a slider or a checkbox; both work with the keyboard."""
        look = {"style": {"description_width": "9em"}, "layout": {"width": "330px"}}
        look |= {"description": self.label, "tooltip": self.label}
        if not self.largest:
            return widgets.Checkbox(False, **look)
        kind = widgets.IntSlider if isinstance(self.step, int) else widgets.FloatSlider
        return kind(0, min=0, max=self.largest, step=self.step, **look)


CONTROLS = (
    Control("mirror", "mirror half of them", "half of them mirrored"),
    Control("flip_vertical", "flip half of them", "half of them upside down"),
    Control("zoom", "zoom", "zoomed in or out by up to {:.0%}", 1.0, 0.05),
    Control("rotate", "rotate (degrees)", "rotated by up to {} degrees", 180, 5),
    Control("shear", "shear", "sheared by up to {:.2f} pixels per row", 1.0, 0.05),
    Control("shift", "shift (pixels)", "shifted by up to {} pixels", 7, 1),
    Control("cutout", "cutout (pixels)", "a grey square of {} pixels on each", 24, 1),
    Control("noise", "noise", "noise of standard deviation {}", 100, 2),
)


def mix(images: np.ndarray, *, draw: int = 0, **strengths: float) -> np.ndarray:
    """Augment images by the given transforms, in the order of `CONTROLS`.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        draw: the random seed.
        **strengths: by name of the transform, such as `shift=4`, `rotate=15`, `mirror=True`.

    Returns:
        `(n, size, size, 3)` uint8, 0-255.

    Raises:
        ValueError: no transform has that name, or its strength is invalid.
    """
    for control, strength, seed in _active(strengths, draw):
        images = control.apply(images, strength, seed)
    return images


def describe(strengths: dict[str, float]) -> str:
    """Describe in words what `mix` does with these strengths."""
    words = [control.words.format(strength) for control, strength, _ in _active(strengths, 0)]
    return ", ".join(words) or "as they are"


def code(strengths: dict[str, float], *, draw: int = 0) -> str:
    """Return the Python code equivalent to `mix`, given `images`, `np` and `cifar_lab.images.augmentation`."""
    return "\n".join(control.code(strength, seed) for control, strength, seed in _active(strengths, draw))


def augmentation_still(images: np.ndarray, *, draw: int = 0, **strengths: float) -> Figure:
    """Plot the first twelve images before and after `mix`, with the same arguments."""
    before = _checked(images)
    after = mix(before, draw=draw, **strengths)
    titles = ["before"] * len(before) + ["after"] * len(after)
    return plots.picture_grid([*before, *after], titles=titles, columns=len(before))


class AugmentationMixer(widgets.VBox):
    """Sliders next to the first twelve of `images`, which are augmented again after every move.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255; at least 8 pixels a side.

    Raises:
        ValueError: `images` is empty, or has another shape or dtype.
    """

    def __init__(self, images: np.ndarray):
        self._images, self._draw = _checked(images), 0
        self._drawing = threading.Lock()
        self.controls = {control.name: control.widget() for control in CONTROLS}
        self.again = widgets.Button(description="New random draw", tooltip="Same strengths, other random numbers")
        self.reset = widgets.Button(description="Reset", tooltip="Set all strengths to 0")
        self.picture, self.caption = widgets.HTML(), widgets.HTML()
        buttons = widgets.HBox([self.again, self.reset])
        left = widgets.VBox([*self.controls.values(), buttons])
        self.picture.layout.flex = "1 1 320px"  # next to the sliders, or below them in a narrow window
        super().__init__([widgets.HBox([left, self.picture], layout={"flex_flow": "row wrap"}), self.caption])
        for control in self.controls.values():
            control.observe(self._show, "value")
        self.again.on_click(self._draw_again)
        self.reset.on_click(self._reset)
        self._show()

    @property
    def strengths(self) -> dict[str, float]:
        """The values of the sliders, by name of the transform."""
        return {name: control.value for name, control in self.controls.items()}

    def _draw_again(self, _button) -> None:
        self._draw += 1
        self._show()

    def _reset(self, _button) -> None:
        for control in self.controls.values():
            control.value = type(control.value)(0)  # False for a checkbox

    def _show(self, _change=None) -> None:
        # JupyterLab may handle two moves of a slider in two threads; the last one draws the latest values.
        with self._drawing:
            strengths, draw = self.strengths, self._draw
            words = f"{len(self._images)} images, {describe(strengths)}"
            self.picture.value = _picture(mix(self._images, draw=draw, **strengths), words)
            lines = code(strengths, draw=draw) or "# Move a slider to see its code here."
            # Screen readers read changes of a status region aloud.
            status = f'<div role="status" aria-live="polite">{words}</div>'
            self.caption.value = f'{status}<pre style="white-space: pre-wrap">{lines}</pre>'

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """Add a plain-text version, shown where no kernel is running."""
        text = "Augmentation mixer: sliders and twelve images. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}


def _active(strengths: dict[str, float], draw: int):
    """Yield each transform with a strength, its strength and its seed, in order."""
    names = [control.name for control in CONTROLS]
    if unknown := sorted(set(strengths) - set(names)):
        raise ValueError(f"There is no transform {', '.join(unknown)}. Choose from: {', '.join(names)}.")
    for number, control in enumerate(CONTROLS):
        if strength := strengths.get(control.name):
            yield control, strength, draw * len(CONTROLS) + number


def _checked(images: np.ndarray) -> np.ndarray:
    """Validate the images and return the first twelve."""
    images = np.asarray(images)[:COUNT]
    square = images.ndim == 4 and len(images) and images.shape[1] == images.shape[2] >= 8 and images.shape[3] == 3
    if not square or images.dtype != np.uint8:
        found = f"{images.shape} {images.dtype}"
        raise ValueError(f"images must be (n, size, size, 3) uint8 with size 8 or more, not {found}.")
    return images


def _picture(images: np.ndarray, words: str) -> str:
    """Return an `<img>` tag of the images in rows of six, with `words` as alt text."""
    gap, size = 2, images.shape[1]
    rows = -(-len(images) // COLUMNS)
    sheet = np.full((rows * (size + gap) - gap, COLUMNS * (size + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // COLUMNS * (size + gap), index % COLUMNS * (size + gap)
        sheet[top : top + size, left : left + size] = image
    style = "image-rendering: pixelated; width: 100%; min-width: 280px; max-width: 600px"
    return f'<img alt="{words}" style="{style}" src="{display.data_url(Image.fromarray(sheet), "PNG")}">'
