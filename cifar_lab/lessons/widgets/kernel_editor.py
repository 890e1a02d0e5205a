"""Kernel editor: change the nine numbers of a 3 x 3 kernel and see the filtered picture at once.

KernelEditor({"ship": image})      # in a notebook, as the last line of a cell
kernel_still(image)                # static figure: all presets side by side
"""

import html
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from cifar_lab import images, plots
from cifar_lab.images import formats
from cifar_lab.lessons.widgets import tags

PRESETS: dict[str, tuple[tuple[float, float, float], ...]] = {
    "leave as it is": ((0, 0, 0), (0, 1, 0), (0, 0, 0)),
    "blur": ((0.0625, 0.125, 0.0625), (0.125, 0.25, 0.125), (0.0625, 0.125, 0.0625)),
    "sharpen": ((0, -1, 0), (-1, 5, -1), (0, -1, 0)),
    "edges": ((-1, -1, -1), (-1, 8, -1), (-1, -1, -1)),
    "vertical edges": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),  # Sobel and Feldman (1968)
    "horizontal edges": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "emboss": ((-2, -1, 0), (-1, 1, 1), (0, 1, 2)),
}
_OWN = "your own"
_UPLOADED = "your picture"
_SIDE = 128  # pixels: larger pictures are shrunk, so that every keystroke takes effect at once
_MAX_BYTES = 10_000_000  # Jupyter's default limit of a message; larger files are dropped silently
_SHOWN = 256  # side on the screen in pixels: 8 per pixel of a CIFAR image
_PLACES = [f"row {row}, column {column}" for row in (1, 2, 3) for column in (1, 2, 3)]


def apply_kernel(grey: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Cross-correlate a grey picture with a 3 x 3 kernel, padding by repeating the edge pixels.

    Args:
        grey: `(height, width)`, any dtype.
        kernel: `(3, 3)` float.

    Returns:
        `(height, width)` float32, any range.
    """
    padded = np.pad(grey.astype(np.float32), 1, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))  # (height, width, 3, 3)
    return np.einsum("hwij,ij->hw", windows, np.asarray(kernel, np.float32))


def kernel_still(picture: images.Source) -> Figure:
    """Plot a picture filtered by each of the presets.

    Args:
        picture: anything that `images.open_picture` takes.

    Raises:
        PictureError: the picture can't be used.
    """
    grey = _grey(picture)
    results = [plots.signed_colours(apply_kernel(grey, kernel), largest=255) for kernel in PRESETS.values()]
    return plots.picture_grid(results, titles=list(PRESETS), columns=4)


class KernelEditor(widgets.VBox):
    """A picture, the nine numbers of a kernel, and the filtered picture.

    Attributes:
        cells: the nine number fields, row by row.
        preset, picture: the menus.
        rectify: the checkbox that applies a ReLU.
        upload: the button to upload a picture.
        view, message: the two pictures, and a summary or an error.
    """

    def __init__(self, pictures: Mapping[str, images.Source], *, preset: str = "vertical edges"):
        """Create the widget.

        Args:
            pictures: the pictures to choose from, by name; anything that `images.open_picture` takes.
            preset: the initial kernel, a key of `PRESETS`.

        Raises:
            PictureError: a picture can't be used.
            ValueError: `pictures` is empty, or no preset has that name.
        """
        if not pictures:
            raise ValueError("Pass at least one picture: KernelEditor({'ship': image}).")
        if preset not in PRESETS:
            raise ValueError(f"There is no preset {preset!r}. Choose one of: {', '.join(PRESETS)}.")
        self._greys = {name: _grey(picture) for name, picture in pictures.items()}
        self._filling = False
        self._make_controls(preset)
        self.view, self.message = widgets.HTML(), widgets.HTML()
        self._fill(PRESETS[preset])
        kernel = widgets.GridBox(self.cells, layout=widgets.Layout(grid_template_columns="repeat(3, 5.5em)"))
        left = widgets.VBox([self.picture, self.upload, _hint(), self.preset, kernel, self.rectify])
        super().__init__([widgets.HBox([left, self.view], layout=widgets.Layout(flex_flow="row wrap")), self.message])

    def __repr__(self) -> str:  # shown in a stored notebook
        return "Kernel editor: a picture, nine numbers and the filtered picture. Run this cell to use it."

    @property
    def kernel(self) -> np.ndarray:
        """The nine numbers, `(3, 3)` float."""
        return np.array([cell.value for cell in self.cells]).reshape(3, 3)

    @property
    def result(self) -> np.ndarray:
        """The filtered picture, `(height, width)` float32, any range."""
        result = apply_kernel(self._greys[self.picture.value], self.kernel)
        return np.maximum(result, 0) if self.rectify.value else result

    def _make_controls(self, preset: str) -> None:
        wide, narrow, hidden = {"width": "16em"}, {"width": "5em"}, {"description_width": "0"}
        menu = {"layout": wide, "style": {"description_width": "4em"}}
        self.picture = widgets.Dropdown(options=list(self._greys), description="picture", **menu)
        self.preset = widgets.Dropdown(options=[*PRESETS, _OWN], value=preset, description="kernel", **menu)
        self.upload = widgets.FileUpload(
            accept=",".join(formats.EXTENSIONS), description="upload a picture", layout=wide
        )
        # Labels of zero width: screen readers still read them, and the nine fields stay close together.
        self.cells = [
            widgets.BoundedFloatText(
                min=-99, max=99, step=0.5, continuous_update=True, description=place, style=hidden, layout=narrow
            )
            for place in _PLACES
        ]
        self.rectify = widgets.Checkbox(description="ReLU: negative becomes 0", indent=False)
        self.preset.observe(self._take_preset, "value")
        self.upload.observe(self._take_upload, "value")
        for control in (*self.cells, self.picture, self.rectify):
            control.observe(self._changed, "value")

    def _take_preset(self, change) -> None:
        if change["new"] in PRESETS:
            self._fill(PRESETS[change["new"]])

    def _fill(self, kernel) -> None:
        """Set the nine numbers and draw once."""
        self._filling = True
        for cell, value in zip(self.cells, np.ravel(kernel), strict=True):
            cell.value = float(value)
        self._filling = False
        self._draw()

    def _take_upload(self, change) -> None:
        if not change["new"]:
            return  # emptied by the `finally` below
        try:
            self._greys[_UPLOADED] = _grey(bytes(change["new"][0]["content"]))
        except images.PictureError as error:
            self.message.value = f'<div role="alert">{html.escape(str(error))}</div>'
            return
        finally:
            self.upload.value = ()  # so that the same file can be chosen again
        if _UPLOADED not in self.picture.options:
            self.picture.options = [*self.picture.options, _UPLOADED]
        self.picture.value = _UPLOADED
        self._draw()

    def _changed(self, change) -> None:
        if self._filling:
            return
        if change["owner"] in self.cells:
            self.preset.value = next((n for n, k in PRESETS.items() if np.array_equal(k, self.kernel)), _OWN)
        self._draw()

    def _draw(self) -> None:
        name, result, kernel = self.picture.value, self.result, self.kernel
        rows = "; ".join(" ".join(f"{value:g}" for value in row) for row in kernel)
        before = _picture(plots.signed_colours(self._greys[name], largest=255), f"{name}, in grey")
        after = _picture(plots.signed_colours(result, largest=255), f"{name} after the kernel {rows}")
        self.view.value = f'<div style="display: flex; flex-wrap: wrap; gap: 16px">{before}{after}</div>'
        total = round(float(kernel.sum()), 4)
        self.message.value = (
            f'<div role="status" aria-live="polite">The nine numbers add up to {total:g}. The result ranges from '
            f"{result.min():.0f} to {result.max():.0f}: black is 0, white is 255 and more, orange is below 0.</div>"
        )


def _grey(picture: images.Source) -> np.ndarray:
    """Return a picture in grey, `(height, width)` uint8, at most `_SIDE` pixels a side."""
    opened = images.open_picture(picture, max_bytes=_MAX_BYTES)
    if max(opened.size) > _SIDE:
        opened = Image.fromarray(images.to_input(opened, size=_SIDE))
    return np.array(opened.convert("L"))


def _picture(pixels: np.ndarray, text: str) -> str:
    """Return the HTML of a picture, with `text` as alt text and as caption."""
    picture = tags.img(pixels, text, width=_SHOWN, pixelated=True)
    caption = f"<figcaption>{html.escape(text)}</figcaption>"
    return f'<figure style="margin: 0; width: {_SHOWN}px">{picture}{caption}</figure>'


def _hint() -> widgets.HTML:
    return widgets.HTML(f"<small>{formats.IN_WORDS}, up to {_MAX_BYTES // 10**6} MB</small>")
