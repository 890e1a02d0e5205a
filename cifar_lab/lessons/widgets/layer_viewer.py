"""Layer viewer: choose a picture and a layer, and see the layer's feature maps.

    LayerViewer(network, {"ship": image})      # in a notebook, with a running kernel

The static version is `plots.feature_map_grid`.
"""

import threading
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from cifar_lab import explain, plots
from cifar_lab.lessons.widgets import tags

_MOST, _COLUMNS = 24, 8  # maps shown, and maps per row
_PICTURE, _SHEET = 160, 640  # pixels on the screen


class LayerViewer(widgets.VBox):
    """A menu of pictures, a menu of layers, and the layer's most active feature maps.

    Attributes:
        picture, layer: the menus.
        view, message: the picture and the maps, and a summary.
    """

    def __init__(self, model, pictures: Mapping[str, np.ndarray], *, layer_names: Sequence[str] = ()):
        """Create the widget, initially with the first picture and the first layer.

        Args:
            model: a Keras network with convolutions, as from `models.load_network`.
            pictures: images by name, `(height, width, 3)` uint8, 0-255, of the network's input size.
            layer_names: the layers to choose from; if empty, all layers with feature maps.

        Raises:
            ValueError: `pictures` is empty, an image has the wrong size, or the network has no such layer.
        """
        if not pictures:
            raise ValueError("Pass at least one picture: LayerViewer(network, {'ship': image}).")
        self._model, self._pictures, self._layer_names = model, dict(pictures), tuple(layer_names)
        self._cache: dict[str, dict[str, np.ndarray]] = {}  # feature maps by picture and layer
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
        text = "Layer viewer: the feature maps of a picture in each layer. It needs a running kernel: run this cell."
        return super()._repr_mimebundle_(**kwargs) | {"text/plain": text}

    def _maps(self, name: str) -> dict[str, np.ndarray]:
        if name not in self._cache:
            self._cache[name] = explain.feature_maps(self._model, self._pictures[name], self._layer_names)
        return self._cache[name]

    def _show(self, _change=None) -> None:
        with self._drawing:  # JupyterLab may handle two events in two threads; the last one draws the latest choice
            name, layer = self.picture.value, self.layer.value
            maps = self._maps(name)[layer]
            rows, columns, channels = maps.shape
            shown = min(_MOST, channels)
            text = f"{layer}: {channels} maps of {rows} × {columns}, {np.mean(maps == 0):.0%} of their numbers are 0"
            self.message.value = tags.status(f"{name}, {text}. The {shown} most active are shown; black is 0.")
            picture = tags.img(self._pictures[name], name, width=_PICTURE, pixelated=True)
            sheet = tags.img(_sheet(maps), f"the {shown} most active maps of {layer}", width=_SHEET, pixelated=True)
            self.view.value = f'<div style="display: flex; flex-wrap: wrap; gap: 16px">{picture}{sheet}</div>'


def _sheet(maps: np.ndarray) -> np.ndarray:
    """Tile the most active maps, each scaled to its own largest value.

    Args:
        maps: `(rows, columns, channels)` float.

    Returns:
        `(height, width, 3)` uint8, 0-255, with mid-grey gaps.
    """
    rows, columns, _ = maps.shape
    active = np.argsort(-np.abs(maps).mean(axis=(0, 1)), kind="stable")[:_MOST]
    scale = max(1, 32 // max(rows, columns))  # enlarge small maps, so that gaps look equally wide
    height, width, gap = rows * scale, columns * scale, 2
    lines = -(-len(active) // _COLUMNS)
    sheet = np.full((lines * (height + gap) - gap, _COLUMNS * (width + gap) - gap, 3), 128, np.uint8)
    for place, channel in enumerate(active):
        top, left = place // _COLUMNS * (height + gap), place % _COLUMNS * (width + gap)
        tile = plots.signed_colours(maps[..., channel]).repeat(scale, axis=0).repeat(scale, axis=1)
        sheet[top : top + height, left : left + width] = tile
    return sheet
