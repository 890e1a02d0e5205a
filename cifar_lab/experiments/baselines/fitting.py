"""Fit a baseline: from a method and a dataset to a finished run, with a record like that of a network."""

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from threadpoolctl import threadpool_limits

from cifar_lab import evaluation
from cifar_lab.core import files
from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.baselines.methods import build_pipeline
from cifar_lab.inference import pipelines
from cifar_lab.training import runs
from cifar_lab.training.runs import Run

_BATCH_SIZE = 500  # images per update of the progress bar
_TICK = 1  # seconds between updates of the clock
# Up to this many images, logistic regression is faster on one thread. In its hundreds of small matrix products, threads
# spend most of their time waiting: it takes twice as long at 5,000, ten times at 960 on cores that are busy otherwise.
_ONE_THREAD_IMAGES = 5000


@dataclass(frozen=True)
class Baseline:
    """Everything needed to fit the same baseline again, as a recipe is for a network.

    Attributes:
        method: a name from `BASELINE_METHODS`.
        features: a name from `BASELINE_FEATURES`.
        train: number of training images.
        seed: random seed for the choice of images and the method.
        options: parameters of the method that differ from the defaults.
    """

    method: str
    features: str
    train: int
    seed: int = 0
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        for name, value in self.options.items():
            if not isinstance(value, str | int | float | bool | None):
                kind = type(value).__name__
                raise ValueError(f"The option {name} must be a number, a string, a boolean or None, not a {kind}.")

    @property
    def name(self) -> str:
        """The name that its runs start with."""
        return f"{self.method}-{self.features}"

    def to_dict(self) -> dict:
        """Return the fields as plain values, for a run record."""
        settings = {"features": self.features, "train": self.train, "options": self.options, "seed": self.seed}
        return {"name": self.name, "model": self.method, **settings}


def fit_baseline(
    dataset: Dataset,
    method: str,
    *,
    features: str = "hog",
    train: int | None = None,
    seed: int = 0,
    again: bool = True,
    progress: bool = True,
    command: str = "",
    **options,
) -> Run:
    """Fit a baseline and save it as a finished run in `runs/`, next to those of networks.

    Only the train and validation splits are used; evaluate the run on the test split with
    `cifar_lab.experiments.evaluate_run`.

    Args:
        dataset: the dataset, from `cifar_lab.data.load`.
        method: `"knn"`, `"logistic"`, `"linear-svm"`, `"svm"` or `"forest"`.
        features: `"pixels"` or `"hog"`.
        train: number of training images to use, with the class proportions kept; default: all. For methods that are
            slow on large datasets.
        seed: random seed for the choice of images and the method.
        again: fit even if an identical run is finished; otherwise return that run.
        progress: show the elapsed time and a progress bar.
        command: the command line, for the run record.
        **options: parameters of the method in scikit-learn, such as `C=10` or `n_estimators=500`.

    Returns:
        The finished run.

    Raises:
        ValueError: the method, features or option does not exist, there are fewer than `train` images, or a class has
            no training image.
    """
    pipeline = build_pipeline(method, features=features, seed=seed, **options)
    taken = dataset.train if train is None else dataset.subset(train=train, seed=seed).train
    _check_classes(taken.labels, dataset)
    baseline, facts = Baseline(method, features, len(taken), seed, options), runs.describe_dataset(dataset)
    if not again and (finished := runs.find_finished_run(baseline, facts)):
        return finished
    threads = 1 if method == "logistic" and len(taken) <= _ONE_THREAD_IMAGES else None  # None: all cores
    started = time.perf_counter()
    clock = _elapsed_time(f"{baseline.name}: fitting {len(taken):,} images", shown=progress)
    with clock, threadpool_limits(threads, user_api="blas"):
        pipeline.fit(taken.images, taken.labels)
    seconds = time.perf_counter() - started
    validation = _validate(pipeline, dataset, baseline.name, progress)
    facts["sizes"] |= {"train": len(taken)}
    return _finish(pipeline, baseline, validation, {"command": command, "dataset": facts, "minutes": seconds / 60})


def _check_classes(labels: np.ndarray, dataset: Dataset) -> None:
    if missing := [name for label, name in enumerate(dataset.class_names) if label not in labels]:
        raise ValueError(f"The {len(labels)} training images have no {', '.join(missing)}. Use more of them.")


@contextlib.contextmanager
def _elapsed_time(text: str, *, shown: bool) -> Iterator[None]:
    """Show the elapsed time while fitting; scikit-learn reports no progress."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(_TICK):
            clock.refresh()

    with progress_bar(desc=text, bar_format="{desc}, {elapsed}", shown=shown) as clock:
        thread = threading.Thread(target=tick, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()


def _validate(pipeline, dataset: Dataset, name: str, progress: bool) -> dict:
    images, labels = dataset.validation.images, dataset.validation.labels
    probabilities = predict_in_batches(
        pipeline.predict_proba, images, _BATCH_SIZE, description=f"{name}: validating", progress=progress
    )
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return {"accuracy": accuracy, "loss": evaluation.cross_entropy(probabilities, labels)}


def _finish(pipeline, baseline: Baseline, validation: dict, facts: dict) -> Run:
    """Save the pipeline, then the record: a run with a record counts as finished."""
    folder = runs.start_run(baseline, facts["dataset"])
    path = folder / runs.PIPELINE
    pipelines.save_pipeline(path, pipeline)
    record = {
        "format": 1,
        "name": folder.name,
        "recipe": baseline.to_dict(),
        **facts,
        "metrics": {"validation": validation},
        "history": [],
        "model_file": runs.PIPELINE,
        "model_sha256": files.sha256(path),
        "model_bytes": path.stat().st_size,
        "minutes": round(facts["minutes"], 4),  # some take less than a second
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": runs.describe_machine(),
        "versions": runs.package_versions() | pipelines.pipeline_versions() | {"backend": "scikit-learn"},
    }
    files.write_json(folder / runs.RECORD, record)
    return Run(folder, record)
