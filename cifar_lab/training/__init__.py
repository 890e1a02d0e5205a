"""Recipe in, run out: recipes, the training loop, checkpoints, run records, export."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "export": ["export_model", "export_run"],
        "imagenet_export": ["export_imagenet"],
        "loop": ["DivergedError", "batches", "train"],
        "photos": ["train_photos"],
        "recipe": ["Recipe"],
        "recipes": ["RECIPES"],
        "runs": ["Run", "open_run"],
    },
)
