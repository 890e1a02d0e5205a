"""Pipelines on disk: a zip of JSON and arrays in the format of skops, read only if all that it names is on our list.

A pickle can run anything when it is opened. This format can't, but it names the types to make, and skops itself knows
hundreds that it takes for harmless. Here there are those that our pipelines are made of, and no others.
"""

import io
import json
import warnings
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import skops.io
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from cifar_lab.core import files
from cifar_lab.inference.pipelines import validation

MAX_BYTES, MAX_SCHEMA_BYTES = 4 * 2**30, 2**28  # unpacked: a small file can say that it holds terabytes
_SCHEMA = "schema.json"

# How a part is made -> the types that may be made so. Functions, methods and partial calls are not on the list.
TYPES = {
    "DictNode": {"builtins.dict"},
    "ListNode": {"builtins.list"},
    "TupleNode": {"builtins.tuple"},
    "JsonNode": {"builtins.str"},  # numbers, texts, True, False, None
    "TypeNode": {"builtins.str"},  # of the keys of dictionaries
    "NdArrayNode": {f"numpy.{name}" for name in ("ndarray", "bool", "float32", "float64", "int32", "int64")},
    "TreeNode": {"sklearn.tree._tree.Tree"},
    "ObjectNode": {
        "cifar_lab.inference.pipelines.features.Hog",
        "cifar_lab.inference.pipelines.features.Pixels",
        "cifar_lab.inference.pipelines.margins.Margins",
        "sklearn.decomposition._pca.PCA",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.svm._classes.LinearSVC",
        "sklearn.svm._classes.SVC",
        "sklearn.tree._classes.DecisionTreeClassifier",
    },
}
_UNKNOWN_TO_SKOPS = [name for kind in ("ObjectNode", "TreeNode") for name in sorted(TYPES[kind])]


def save_pipeline(path: Path, pipeline: Pipeline) -> None:
    """Write a fitted pipeline, whole or not at all.

    Raises:
        ValueError: it has parts that `load_pipeline` would refuse.
    """
    validation.validate_pipeline(pipeline)
    content = skops.io.dumps(pipeline, compression=zipfile.ZIP_DEFLATED)
    _check_types(content)
    files.write_whole(path, lambda unfinished: unfinished.write_bytes(content))


def load_pipeline(content: bytes) -> Pipeline:
    """Make a pipeline of a file's content. Verify its SHA-256 first.

    Raises:
        ValueError: it is no pipeline of ours, it names a type that is not on the list, its arrays do not fit each
            other, or it was made with another version of scikit-learn.
    """
    _check_types(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", InconsistentVersionWarning)
        try:
            pipeline = skops.io.loads(content, trusted=_UNKNOWN_TO_SKOPS)
        except Exception as error:  # whatever scikit-learn's types make of parts that don't fit them
            raise ValueError(f"This is no pipeline that can be read ({type(error).__name__}: {error}).") from error
    _check_version([warning.message for warning in caught])
    validation.validate_pipeline(pipeline)
    return pipeline


def pipeline_versions() -> dict:
    """The versions of the packages that made a pipeline."""
    return {package: metadata.version(package) for package in ("scikit-learn", "skops")}


def _check_types(content: bytes) -> None:
    """Look at every part that the file names, before any is made."""
    try:
        schema = _schema(content)
        parts = {(part["__loader__"], f"{part['__module__']}.{part['__class__']}") for part in _parts(schema)}
    except Exception as error:  # there are many ways not to be a zip of JSON and arrays
        raise ValueError(f"This is no file of a scikit-learn pipeline ({type(error).__name__}: {error}).") from error
    if strange := sorted({name for loader, name in parts if name not in TYPES.get(loader, ())}):
        raise ValueError(f"This pipeline holds {', '.join(strange[:3])}, which is not on the list of what may be read.")


def _schema(content: bytes) -> dict:
    """The JSON that says what a file holds, if it is not too large to be unpacked."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size, of_schema = sum(entry.file_size for entry in archive.infolist()), archive.getinfo(_SCHEMA).file_size
        if size > MAX_BYTES or of_schema > MAX_SCHEMA_BYTES:
            raise ValueError(f"it unpacks to {size:,} bytes")
        return json.loads(archive.read(_SCHEMA))


def _parts(state) -> Iterator[dict]:
    """All parts of a pipeline, as the file describes them."""
    if isinstance(state, dict):
        if "__loader__" in state:
            yield state
        state = list(state.values())
    if isinstance(state, list):
        for inner in state:
            yield from _parts(inner)


def _check_version(found: list) -> None:
    """Scikit-learn promises nothing about what another version has made; within 1.9.x it has always fitted."""
    for warning in found:
        if not isinstance(warning, InconsistentVersionWarning):
            continue
        made, here = warning.original_sklearn_version, warning.current_sklearn_version
        if made.split(".")[:2] != here.split(".")[:2]:
            raise ValueError(f"It was made with scikit-learn {made}, but here is {here}: fit and export it again.")
