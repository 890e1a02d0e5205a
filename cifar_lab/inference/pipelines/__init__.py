"""Scikit-learn pipelines from images to probabilities, and how they are kept on disk without pickle.

pipelines.write(path, pipeline)            # skops's format: JSON and arrays in a zip
pipeline = pipelines.read(content)         # bytes whose SHA-256 was verified
pipeline.predict_proba(images)             # (n, size, size, 3) uint8 in, (n, classes) out

One idea a file: `features` (images to pixels or HOG), `margins` (a machine's margins to probabilities), `storage`, and
`soundness`, which looks at what was read before it is used.
"""

from cifar_lab.inference.pipelines.features import Hog, Pixels
from cifar_lab.inference.pipelines.margins import Margins
from cifar_lab.inference.pipelines.storage import load_pipeline, pipeline_versions, save_pipeline

__all__ = ["Hog", "Margins", "Pixels", "load_pipeline", "pipeline_versions", "save_pipeline"]
