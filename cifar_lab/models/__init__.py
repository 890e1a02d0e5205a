"""Networks: builders, pretrained weights, batch-norm folding, safe loading of Keras files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"factory": ["BUILDERS", "build", "tutorial"], "loading": ["load_network"]},
)
