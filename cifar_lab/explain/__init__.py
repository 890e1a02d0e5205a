"""Look inside networks: feature maps, Grad-CAM, occlusion, layer graph."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "saliency": ["feature_maps", "first_filters", "grad_cam", "heat_map_overlap", "occlusion", "shuffle_weights"],
    },
)
