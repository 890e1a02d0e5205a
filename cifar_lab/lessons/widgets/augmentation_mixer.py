"""The augmentation mixer: a slider for every transform, and what they do together to twelve images.

AugmentationMixer(dataset.train.images)               # in a notebook, with a running kernel
still(dataset.train.images, mirror=True, rotate=15)   # the same as a figure, where nothing can be moved
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
    """One transform of `cifar_lab.images.augmentation`, as a slider or a box to tick.

    Attributes:
        name: the function; also the strength's name in `mix` and `augmentation_still`.
        label: what stands beside the slider.
        words: what is said of the images; `{}` is the strength.
        largest: the slider's end; 0 makes a box to tick.
        step: the slider's step.
    """

    name: str
    label: str
    words: str
    largest: float = 0
    step: float = 1

    def code(self, strength: float, seed: int) -> str:
        """The line that does it."""
        rng = f"np.random.default_rng({seed})"
        what = strength if self.largest else f"{rng}.random(len(images)) < 0.5"
        return f"images = augmentation.{self.name}(images, {what}{f', {rng}' if self.largest else ''})"

    def apply(self, images: np.ndarray, strength: float, seed: int) -> np.ndarray:
        """Do it: each transform has chances of its own, so that moving one slider leaves the others' effect alone."""
        rng = np.random.default_rng(seed)
        transform = getattr(augmentation, self.name)
        return transform(images, strength, rng) if self.largest else transform(images, rng.random(len(images)) < 0.5)

    def widget(self) -> widgets.Widget:
        """A slider, or a box to tick: both can be used with the keyboard alone."""
        look = {"style": {"description_width": "9em"}, "layout": {"width": "330px"}}
        look |= {"description": self.label, "tooltip": self.label}
        if not self.largest:
            return widgets.Checkbox(False, **look)
        kind = widgets.IntSlider if isinstance(self.step, int) else widgets.FloatSlider
        return kind(0, min=0, max=self.largest, step=self.step, **look)


CONTROLS = (
    Control("mirror", "mirror half", "half of them mirrored"),
    Control("flip_vertical", "upside down half", "half of them upside down"),
    Control("zoom", "zoom", "nearer or farther by up to {:.0%}", 1.0, 0.05),
    Control("rotate", "rotate (degrees)", "turned by up to {} degrees", 180, 5),
    Control("shear", "shear", "slanted by up to {:.2f} pixels a row", 1.0, 0.05),
    Control("shift", "shift (pixels)", "shifted by up to {} pixels", 7, 1),
    Control("cutout", "cutout (pixels)", "a grey square of {} pixels on each", 24, 1),
    Control("noise", "noise", "noise of standard deviation {}", 100, 2),
)


def mix(images: np.ndarray, *, draw: int = 0, **strengths: float) -> np.ndarray:
    """Augment images by all transforms that have a strength, in the order of `CONTROLS`.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255.
        draw: another number gives other chances.
        **strengths: by the transform's name: `shift=4`, `rotate=15`, `mirror=True`; what is not named stays out.

    Returns:
        `(n, size, size, 3)` uint8, 0-255.

    Raises:
        ValueError: there is no transform of that name, or its strength makes no sense.
    """
    for control, strength, seed in _active(strengths, draw):
        images = control.apply(images, strength, seed)
    return images


def describe(strengths: dict[str, float]) -> str:
    """What `mix` does with these strengths, in words."""
    words = [control.words.format(strength) for control, strength, _ in _active(strengths, 0)]
    return ", ".join(words) or "as they are"


def code(strengths: dict[str, float], *, draw: int = 0) -> str:
    """The lines that do what `mix` does, given `images`, numpy as `np`, and `cifar_lab.images.augmentation`."""
    return "\n".join(control.code(strength, seed) for control, strength, seed in _active(strengths, draw))


def augmentation_still(images: np.ndarray, *, draw: int = 0, **strengths: float) -> Figure:
    """The mixer as a figure: the first twelve images, and below each what `mix` makes of it; arguments as there."""
    before = _checked(images)
    after = mix(before, draw=draw, **strengths)
    titles = ["before"] * len(before) + ["after"] * len(after)
    return plots.picture_grid([*before, *after], titles=titles, columns=len(before))


class AugmentationMixer(widgets.VBox):
    """Sliders beside the first twelve of `images`; every move shows at once what a network would get to see.

    Args:
        images: `(n, size, size, 3)` uint8, 0-255; 8 pixels or more a side.

    Raises:
        ValueError: the images have another shape or dtype, or there are none.
    """

    def __init__(self, images: np.ndarray):
        self._images, self._draw = _checked(images), 0
        self._drawing = threading.Lock()
        self.controls = {control.name: control.widget() for control in CONTROLS}
        self.again = widgets.Button(description="Other chances", tooltip="The same strengths, drawn anew")
        self.reset = widgets.Button(description="Reset", tooltip="All strengths back to nothing")
        self.picture, self.caption = widgets.HTML(), widgets.HTML()
        buttons = widgets.HBox([self.again, self.reset])
        left = widgets.VBox([*self.controls.values(), buttons])
        self.picture.layout.flex = "1 1 320px"  # beside the sliders, or below them in a narrow window
        super().__init__([widgets.HBox([left, self.picture], layout={"flex_flow": "row wrap"}), self.caption])
        for control in self.controls.values():
            control.observe(self._show, "value")
        self.again.on_click(self._draw_again)
        self.reset.on_click(self._reset)
        self._show()

    @property
    def strengths(self) -> dict[str, float]:
        """Where the sliders stand, by the transforms' names."""
        return {name: control.value for name, control in self.controls.items()}

    def _draw_again(self, _button) -> None:
        self._draw += 1
        self._show()

    def _reset(self, _button) -> None:
        for control in self.controls.values():
            control.value = type(control.value)(0)  # False for a box

    def _show(self, _change=None) -> None:
        # JupyterLab may hand two moves of a slider to two threads: one at a time, and the last one shows the latest.
        with self._drawing:
            strengths, draw = self.strengths, self._draw
            words = f"{len(self._images)} images, {describe(strengths)}"
            self.picture.value = _picture(mix(self._images, draw=draw, **strengths), words)
            lines = code(strengths, draw=draw) or "# Move a slider: here stands the code that does it."
            # A screen reader says what changes in a status region, without being asked.
            status = f'<div role="status" aria-live="polite">{words}</div>'
            self.caption.value = f'{status}<pre style="white-space: pre-wrap">{lines}</pre>'

    def _repr_mimebundle_(self, **kwargs) -> dict:
        """As text: what those see who have no kernel running."""
        text = "Augmentation mixer: sliders and twelve images. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}


def _active(strengths: dict[str, float], draw: int):
    """Each transform that is to be done, with its strength and the seed of its chances, in order."""
    names = [control.name for control in CONTROLS]
    if unknown := sorted(set(strengths) - set(names)):
        raise ValueError(f"The mixer has no {', '.join(unknown)}. It has: {', '.join(names)}.")
    for number, control in enumerate(CONTROLS):
        if strength := strengths.get(control.name):
            yield control, strength, draw * len(CONTROLS) + number


def _checked(images: np.ndarray) -> np.ndarray:
    """The first images, if they are what the mixer needs."""
    images = np.asarray(images)[:COUNT]
    square = images.ndim == 4 and len(images) and images.shape[1] == images.shape[2] >= 8 and images.shape[3] == 3
    if not square or images.dtype != np.uint8:
        found = f"{images.shape} {images.dtype}"
        raise ValueError(f"The mixer needs images (n, size, size, 3) uint8 of 8 pixels or more a side, not {found}.")
    return images


def _picture(images: np.ndarray, words: str) -> str:
    """An `<img>` of rows of six, with its words for those who can't see it."""
    gap, size = 2, images.shape[1]
    rows = -(-len(images) // COLUMNS)
    sheet = np.full((rows * (size + gap) - gap, COLUMNS * (size + gap) - gap, 3), 255, np.uint8)
    for index, image in enumerate(images):
        top, left = index // COLUMNS * (size + gap), index % COLUMNS * (size + gap)
        sheet[top : top + size, left : left + size] = image
    style = "image-rendering: pixelated; width: 100%; min-width: 280px; max-width: 600px"
    return f'<img alt="{words}" style="{style}" src="{display.data_url(Image.fromarray(sheet), "PNG")}">'
