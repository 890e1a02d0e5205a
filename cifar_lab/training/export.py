"""Export: turn a trained network into a classifier on disk, calibrated and with a model card."""

from collections.abc import Callable
from dataclasses import replace as changed
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from cifar_lab import evaluation
from cifar_lab.core import files
from cifar_lab.core.probabilities import apply_temperature
from cifar_lab.core.quiet import stderr_hidden
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.images import handwriting
from cifar_lab.images.augmentation import Augmentation
from cifar_lab.inference import litert, model_card
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training import runs
from cifar_lab.training.runs import Run

_KEEP = 0.95  # fraction of in-distribution images accepted; the rest are wrongly rejected as "none of these"
STORAGE_PRECISIONS = ("float32", "float16", "int8")


def export_run(run: Run, dataset: Dataset, name: str, **options) -> Classifier:
    """Turn a finished run into a classifier in the models folder.

    The temperature and the rejection threshold ("none of these") are fitted on the validation split; the test split is
    not used. Scores that are calibrated on a dataset's own images are likely to be overconfident on other pictures.
    Therefore, a recipe with `paper` has both fitted on images rendered on paper, and a recipe with `zoom` has the
    temperature fitted on shifted and zoomed images.

    Args:
        run: a finished run.
        dataset: the dataset that the run was trained on.
        name: name of the classifier and of its folder.
        **options: as for `export_model`.

    Returns:
        The new classifier, loaded from disk.

    Raises:
        ValueError: the run is a baseline or was trained on a different dataset, the name is taken or invalid, or the
            run's file is damaged.
    """
    if dataset.fingerprint() != run.record["dataset"]["fingerprint"]:
        raise ValueError(
            f"The run {run.folder.name} was not trained on this dataset ({dataset.name}), whose images differ: "
            "pass the run's own dataset, since its validation images are needed for calibration."
        )
    copied = ("command", "recipe", "start", "teachers", "dataset", "minutes", "finished", "machine", "versions")
    trained = {key: run.record[key] for key in copied if run.record.get(key)}
    facts = {"trained": trained, "metrics": run.record["metrics"]} | options.pop("facts", {})
    recipe = run.record["recipe"]
    if recipe.get("paper"):
        dataset = changed(dataset, validation=_shown(dataset.validation, handwriting.render_on_paper))
    elif recipe.get("zoom") and options.get("calibration") is None:
        framed = Augmentation(shift=recipe.get("shift", 0), zoom=recipe["zoom"])
        unmirrored = np.zeros(len(dataset.validation), bool)
        options["calibration"] = _shown(dataset.validation, lambda images, rng: framed(images, unmirrored, rng))
    return export_model(run.load_model(), dataset, name, facts=facts, **options)


def _shown(split: Split, change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Split:
    """Return four copies of every image, each changed at random by `change`."""
    rng, images = np.random.default_rng(0), np.tile(split.images, (4, 1, 1, 1))
    for part in np.split(images, 4):  # in place: separate arrays would double the memory
        part[:] = change(split.images, rng)
    return Split(images, np.tile(split.labels, 4))


def export_model(
    model,
    dataset: Dataset,
    name: str,
    *,
    precision: str = "float32",
    mirror: bool = False,
    framings: tuple[str, ...] = ("centre",),
    others: np.ndarray | None = None,
    calibration: Split | None = None,
    known_threshold: float | None = None,
    none_output: bool = False,
    facts: dict | None = None,
    replace: bool = False,
    progress: bool = False,
) -> Classifier:
    """Turn a Keras network into a classifier in the models folder.

    Args:
        model: maps `(n, size, size, 3)` uint8, 0-255, to `(n, classes)` probabilities.
        dataset: provides the class names and the validation split. If that split is empty, the classifier is not
            calibrated and never rejects a picture; the card says so.
        name: name of the classifier and of its folder.
        precision: storage dtype of the weights in `model.tflite`: `"float32"`, `"float16"` (half the size) or `"int8"`
            (a quarter). Computation is in float32 in each case.
        mirror: average the predictions for an image and its mirror image (test-time augmentation): more accurate, but
            twice as slow. A picture with several framings uses those instead.
        framings: how a picture that is not square is framed, see `images.to_input`; several are averaged.
        others: out-of-distribution images `(n, size, size, 3)` uint8, 0-255; if given, the card also states how well
            they are told apart from the validation split.
        calibration: images and labels to fit the temperature on; the validation split by default. The threshold is
            always fitted on the validation split; if that is empty, neither is fitted.
        known_threshold: the rejection threshold, if it is known already.
        none_output: whether the network has one more output, the probability of "none of these"; this needs
            `known_threshold`, and cannot be combined with `others`.
        facts: further entries for the card, such as how the network was trained.
        replace: replace an existing classifier of that name.
        progress: show a progress bar while predicting the images used for calibration.

    Raises:
        ValueError: the name is taken or invalid, or the network does not fit the dataset.
    """
    if precision not in STORAGE_PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(STORAGE_PRECISIONS)}, but it is {precision!r}.")
    if none_output and (known_threshold is None or others is not None):
        raise ValueError("A network with an output for 'none of these' needs a known_threshold, and takes no others.")
    with model_card.new_folder(name, replace=replace) as unfinished:
        _write_networks(model, dataset, unfinished, precision, outputs=len(dataset.class_names) + none_output)
        looks = {"mirror": mirror, "framings": list(framings), "precision": precision}
        looks |= {"none_output": True} if none_output else {}
        split = dataset.validation
        content = _card(
            name, dataset, unfinished, looks | (facts or {}) | ({} if len(split) else {"calibrated": False})
        )
        files.write_json(unfinished / model_card.CARD, content)
        if len(split):
            _calibrate(unfinished, content, split, calibration, others, known_threshold, progress)
    return Classifier.load(name)


def _write_networks(model, dataset: Dataset, folder: Path, precision: str, *, outputs: int) -> None:
    from cifar_lab.core.keras_backend import keras

    if keras.config.backend() != "tensorflow":
        raise ValueError(
            f"Keras runs on {keras.config.backend()} here, but only TensorFlow can write the LiteRT file that a "
            "classifier needs. The run is kept: export it with KERAS_BACKEND=tensorflow."
        )
    if model.output_shape[-1] != outputs:
        classes = f"{dataset.name} has {len(dataset.class_names)} classes"
        raise ValueError(f"The network has {model.output_shape[-1]} outputs; {classes}.")
    size = dataset.validation.images.shape[1]
    if model.input_shape[1] != size:
        raise ValueError(f"The network takes images of {model.input_shape[1]} pixels; {dataset.name} has {size}.")
    import tensorflow as tf  # for the settings of its converter, which Keras passes on

    settings = {
        "float32": {},
        "float16": {
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "target_spec": {"supported_types": [tf.float16]},
        },
        "int8": {"optimizations": [tf.lite.Optimize.DEFAULT]},
    }
    model.save(folder / model_card.KERAS_FILE, include_optimizer=False)
    with stderr_hidden():  # the converter writes its own log
        model.export(folder / litert.LITERT_FILE, format="litert", verbose=False, **settings[precision])


def _card(name: str, dataset: Dataset, folder: Path, facts: dict) -> dict:
    written = sorted(folder.iterdir())
    sizes = {path.name: {"sha256": files.sha256(path), "bytes": path.stat().st_size} for path in written}
    return {
        "format": 1,
        "name": name,
        "class_names": list(dataset.class_names),
        "input_size": dataset.validation.images.shape[1],
        "files": sizes,
        "temperature": 1.0,
        "known_threshold": 0.0,
        "exported": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": runs.package_versions(),
        **facts,
    }


def _calibrate(
    folder: Path,
    content: dict,
    split: Split,
    calibration: Split | None,
    others: np.ndarray | None,
    known_threshold: float | None,
    progress: bool,
) -> None:
    """Fit the temperature, then the rejection threshold, on the predictions of the exported classifier."""
    predict = partial(Classifier.load(folder).raw_probabilities, progress=progress)
    raw = predict(split.images)
    fitted_on = (predict(calibration.images), calibration.labels) if calibration is not None else (raw, split.labels)
    content["temperature"] = evaluation.fit_temperature(*fitted_on)
    known = apply_temperature(raw, content["temperature"]).max(axis=1)
    if known_threshold is None:
        content |= {"known_threshold": evaluation.known_threshold(known, keep=_KEEP), "known_keep": _KEEP}
    else:
        content["known_threshold"] = known_threshold
    if others is not None:
        unknown = apply_temperature(predict(others), content["temperature"]).max(axis=1)
        content["metrics"] = content.get("metrics", {}) | {
            "none_of_these": {
                "known": len(known),
                "others": len(unknown),
                "others_refused": float((unknown < content["known_threshold"]).mean()),
                "auroc": evaluation.known_auroc(known, unknown),
            }
        }
    files.write_json(folder / model_card.CARD, content)
