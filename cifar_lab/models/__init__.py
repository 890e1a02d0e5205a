"""Networks: builders, backbones with ImageNet weights, batch-norm folding and unfolding, loading of Keras files."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "backbones": ["BACKBONES", "load_backbone"],
        "factory": ["BUILDERS", "build"],
        "imagenet_labels": ["imagenet_labels"],
        "loading": ["load_network"],
        "mobilenet": ["fetch_weights", "weights_available"],
        "transfer": ["extract_features", "freeze_backbone", "split_backbone_and_head"],
    },
)
