"""Baselines: classifiers from before deep learning, on the same images.

run = baselines.fit_baseline(dataset, "svm", features="hog")  # fit and evaluate one; its figures are kept as a run
print(baselines.compare_baselines(dataset))                   # all of them in one table
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "comparison": ["BaselineRow", "BaselineTable", "baseline_table", "compare_baselines"],
        "features": ["Hog", "Pixels"],
        "fitting": ["fit_baseline"],
        "methods": ["BASELINE_FEATURES", "BASELINE_METHODS", "build_pipeline", "predict_probabilities"],
    },
)
