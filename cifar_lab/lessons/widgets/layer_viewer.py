"""The layer viewer: choose a picture and a layer, and see what the network makes of the one in the other.

LayerViewer(network, {"ship": image})      # in a notebook, with a running kernel
plots.feature_map_grid(maps, image)         # all layers as a figure, where nothing can be chosen
"""

import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab import explain, plots
from cifar_lab.lessons.widgets import tags

_MOST, _COLUMNS = 24, 8  # maps shown, and how many stand in a row
_PICTURE, _SHEET = 160, 640  # pixels on the screen


class LayerViewer(widgets.VBox):
    """A menu of pictures, a menu of layers, and the layer's most active maps.

    Attributes:
        picture, layer: the menus.
        view, message: the picture and the maps, and one sentence on them.
    """

    def __init__(self, model, pictures: Mapping[str, np.ndarray], *, layer_names: Sequence[str] = ()):
        """Begin with the first picture and the first layer.

        Args:
            model: a Keras network with convolutions, as from `models.load_network`.
            pictures: images `(height, width, 3)` uint8, 0-255, of the network's input size, by their names.
            layer_names: the layers to choose from; all that give maps when empty.

        Raises:
            ValueError: there are no pictures, one has another size, or the network has no such layer.
        """
        if not pictures:
            raise ValueError("The layer viewer needs at least one picture: LayerViewer(network, {'ship': image}).")
        self._model, self._pictures, self._layer_names = model, dict(pictures), tuple(layer_names)
        self._seen: dict[str, dict[str, np.ndarray]] = {}  # the maps of each picture looked at so far
        self._drawing = threading.Lock()
        first = next(iter(pictures))
        self.picture = widgets.Dropdown(options=list(pictures), description="picture")
        self.layer = widgets.Dropdown(options=list(self._maps(first)), description="layer")
        self.view, self.message = widgets.HTML(), widgets.HTML()
        super().__init__([widgets.HBox([self.picture, self.layer]), self.message, self.view])
        for menu in (self.picture, self.layer):
            menu.observe(self._show, "value")
        self._show()

    def _repr_mimebundle_(self, **kwargs) -> dict:
        text = "Layer viewer: a picture and what each layer makes of it. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    def _maps(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._seen:
            self._seen[name] = explain.feature_maps(self._model, self._pictures[name], self._layer_names)
        return self._seen[name]

    def _show(self, _change=None) -> None:
        with self._drawing:  # JupyterLab may hand two choices to two threads: the last one shows the latest
            name, layer = self.picture.value, self.layer.value
            maps = self._maps(name)[layer]
            rows, columns, channels = maps.shape
            shown = min(_MOST, channels)
            text = f"{layer}: {channels} maps of {rows} × {columns}, {np.mean(maps == 0):.0%} of their numbers are 0"
            self.message.value = tags.status(f"{name}, {text}. Below, the {shown} most active: black is 0.")
            picture = tags.img(self._pictures[name], name, width=_PICTURE, pixelated=True)
            sheet = tags.img(_sheet(maps), f"the {shown} most active maps of {layer}", width=_SHEET, pixelated=True)
            self.view.value = f'<div style="display: flex; flex-wrap: wrap; gap: 16px">{picture}{sheet}</div>'


def _sheet(maps: np.ndarray) -> np.ndarray:
    """The most active maps side by side, in rows, each scaled to its own largest number.

    Args:
        maps: `(rows, columns, channels)` float.

    Returns:
        `(height, width, 3)` uint8; what lies between the maps is mid-grey.
    """
    rows, columns, _ = maps.shape
    active = np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:_MOST]
    scale = max(1, 32 // max(rows, columns))  # small maps larger, so that the gaps are as wide as between large ones
    high, wide, gap = rows * scale, columns * scale, 2
    lines = -(-len(active) // _COLUMNS)
    sheet = np.full((lines * (high + gap) - gap, _COLUMNS * (wide + gap) - gap, 3), 128, np.uint8)
    for place, channel in enumerate(active):
        top, left = place // _COLUMNS * (high + gap), place % _COLUMNS * (wide + gap)
        tile = plots.signed_colours(maps[..., channel]).repeat(scale, axis=0).repeat(scale, axis=1)
        sheet[top : top + high, left : left + wide] = tile
    return sheet
