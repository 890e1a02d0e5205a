"""Fit a baseline, evaluate it, and keep its figures as a finished run; the fitted pipeline itself is not kept."""

import pickle
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from cifar_lab import evaluation
from cifar_lab.core import files
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments import evaluate, run_table
from cifar_lab.experiments.baselines.methods import build_pipeline, predict_probabilities
from cifar_lab.training import runs
from cifar_lab.training.runs import Run

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
    train_size: int | None = None,
    seed: int = 0,
    reuse: bool = False,
    progress: bool = True,
    command: str = "",
    **options,
) -> Run:
    """Fit a baseline, evaluate it on the validation and test splits, and save the result as a run in `runs/`.

    The run has a record and the test predictions, so it can be compared with other runs. The fitted pipeline is not
    saved; to predict with one, use `build_pipeline(method).fit(images, labels)`.

    Args:
        dataset: the dataset, from `cifar_lab.data.load`.
        method: `"knn"`, `"logistic"`, `"linear-svm"`, `"svm"` or `"forest"`.
        features: `"pixels"` or `"hog"`.
        train_size: number of training images to use, with the class proportions kept; default: all. For methods that
            are slow on large datasets.
        seed: random seed for the choice of images and the method.
        reuse: return the newest run with these settings on this dataset, if there is one, instead of fitting again.
        progress: show a progress bar.
        command: the command line, for the run record.
        **options: parameters of the method in scikit-learn, such as `C=10` or `n_estimators=500`.

    Returns:
        The finished run, with the accuracies in `record["metrics"]`.

    Raises:
        ValueError: the method, features or option does not exist, there are fewer than `train_size` images, or a class
            has no training image.
    """
    pipeline = build_pipeline(method, features=features, seed=seed, **options)
    chosen = dataset.train if train_size is None else dataset.subset(train=train_size, seed=seed).train
    if missing := [name for label, name in enumerate(dataset.class_names) if label not in chosen.labels]:
        raise ValueError(f"The {len(chosen)} training images have no {', '.join(missing)}. Use more of them.")
    baseline, facts = Baseline(method, features, len(chosen), seed, options), runs.describe_dataset(dataset)
    finished = runs.find_finished_run(baseline, facts) if reuse else None
    if finished and run_table.test_result(finished):
        return finished
    facts["sizes"] |= {"train": len(chosen)}
    with progress_bar(total=2, desc=f"{baseline.name}: fitting {len(chosen):,} images", shown=progress) as bar:
        seconds = _fit(pipeline, chosen.images, chosen.labels, single_thread=method == "logistic")
        bar.update()
        bar.set_description(f"{baseline.name}: predicting")
        validation, test = (
            predict_probabilities(pipeline, split.images) for split in (dataset.validation, dataset.test)
        )
    metrics = {
        "accuracy": float((validation.argmax(axis=1) == dataset.validation.labels).mean()),
        "loss": evaluation.cross_entropy(validation, dataset.validation.labels),
    }
    size = len(pickle.dumps(pipeline))  # only measured; nothing is unpickled
    measured = {"metrics": {"validation": metrics}, "model_bytes": size, "minutes": round(seconds / 60, 4)}
    run = _write_record(baseline, {"command": command, "dataset": facts, **measured})
    evaluate.record_test(run, test, dataset)
    return runs.open_run(run.folder)


def _fit(pipeline: Pipeline, images: np.ndarray, labels: np.ndarray, *, single_thread: bool) -> float:
    """Fit the pipeline, and return the seconds that it took."""
    threads = 1 if single_thread and len(images) <= _ONE_THREAD_IMAGES else None  # None: all cores
    started = time.perf_counter()
    with threadpool_limits(threads, user_api="blas"):
        pipeline.fit(images, labels)
    return time.perf_counter() - started


def _write_record(baseline: Baseline, facts: dict) -> Run:
    folder = runs.start_run(baseline, facts["dataset"])
    versions = {"scikit-learn": metadata.version("scikit-learn"), "backend": "scikit-learn"}
    record = {
        "format": 1,
        "name": folder.name,
        "recipe": baseline.to_dict(),
        **facts,
        "history": [],
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": runs.describe_machine(),
        "versions": runs.package_versions() | versions,
    }
    files.write_json(folder / runs.RECORD, record)
    return Run(folder, record)
