"""Fitting a baseline: from a method and a dataset to a finished run, with a card like that of a network's."""

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
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.baselines.methods import build_pipeline
from cifar_lab.inference import pipelines
from cifar_lab.training import runs
from cifar_lab.training.runs import Run

_AT_ONCE = 500  # images between two moves of the progress bar
_TICK = 1  # second between two looks at the clock
# Logistic regression takes hundreds of steps. On so few images the threads of each one's matrix product wait for each
# other longer than they work: twice as long at 5,000, ten times at 960 where another process uses the cores too.
_FEW = 5000


@dataclass(frozen=True)
class Baseline:
    """What has to be known to fit the same baseline again: what a recipe is for a network.

    Attributes:
        method: a name of `METHODS`.
        features: a name of `FEATURES`.
        train: how many training images are used.
        seed: fixes which they are, and what the method leaves to chance.
        options: what was changed of the method.
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
                raise ValueError(f"The option {name} must be a number, a text or a truth value, not a {kind}.")

    @property
    def name(self) -> str:
        """What its runs are called."""
        return f"{self.method}-{self.features}"

    def to_dict(self) -> dict:
        """The fields as plain values, for a run card."""
        chosen = {"features": self.features, "train": self.train, "options": self.options, "seed": self.seed}
        return {"name": self.name, "model": self.method, **chosen}


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
    """Fit a baseline and leave a run card in `runs/`, beside those of the networks.

    Only the train and validation splits are used; the test split is for `cifar_lab.experiments.evaluate`.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        method: `"knn"`, `"logistic"`, `"linear-svm"`, `"svm"` or `"forest"`.
        features: what it sees of an image: `"pixels"` or `"hog"`.
        train: use so many training images, every class in proportion, for a method that all would take too long; all
            when not given.
        seed: fixes which images these are, and what the method leaves to chance.
        again: fit it even if there is a finished run of just this; otherwise that one is returned.
        progress: show how long it has taken, and a progress bar.
        command: what was typed to start this, for the run card.
        **options: parameters of the method as scikit-learn calls them, such as `C=10` or `n_estimators=500`.

    Returns:
        The finished run.

    Raises:
        ValueError: there is no such method, features or option, there are fewer training images, or they don't show
            every class.
    """
    pipeline = build_pipeline(
        method, features=features, seed=seed, **options
    )  # first, so that a mistake costs no waiting
    taken = dataset.train if train is None else dataset.subset(train=train, seed=seed).train
    _check_classes(taken.labels, dataset)
    baseline, facts = Baseline(method, features, len(taken), seed, options), runs.describe_dataset(dataset)
    if not again and (finished := runs.find_finished_run(baseline, facts)):
        return finished
    threads = 1 if method == "logistic" and len(taken) <= _FEW else None  # None: as many as there are
    started = time.perf_counter()
    shown = _time_shown(f"{baseline.name}: fitting {len(taken):,} images", shown=progress)
    with shown, threadpool_limits(threads, user_api="blas"):
        pipeline.fit(taken.images, taken.labels)
    seconds = time.perf_counter() - started
    validation = _validate(pipeline, dataset, baseline.name, progress)
    facts["sizes"] |= {"train": len(taken)}
    return _finish(pipeline, baseline, validation, {"command": command, "dataset": facts, "minutes": seconds / 60})


def _check_classes(labels: np.ndarray, dataset: Dataset) -> None:
    if missing := [name for label, name in enumerate(dataset.class_names) if label not in labels]:
        raise ValueError(f"The {len(labels)} training images show no {', '.join(missing)}. Take more of them.")


@contextlib.contextmanager
def _time_shown(words: str, *, shown: bool) -> Iterator[None]:
    """Show how long it has taken so far: scikit-learn does not say how far it is."""
    done = threading.Event()

    def tick() -> None:
        while not done.wait(_TICK):
            clock.refresh()

    with progress_bar(desc=words, bar_format="{desc}, {elapsed}", shown=shown) as clock:
        ticking = threading.Thread(target=tick, daemon=True)
        ticking.start()
        try:
            yield
        finally:
            done.set()
            ticking.join()


def _validate(pipeline, dataset: Dataset, name: str, progress: bool) -> dict:
    images, labels = dataset.validation.images, dataset.validation.labels
    starts = progress_bar(range(0, len(images), _AT_ONCE), desc=f"{name}: validating", shown=progress)
    probabilities = np.concatenate([pipeline.predict_proba(images[first : first + _AT_ONCE]) for first in starts])
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return {"accuracy": accuracy, "loss": evaluation.cross_entropy(probabilities, labels)}


def _finish(pipeline, baseline: Baseline, validation: dict, facts: dict) -> Run:
    """Save the pipeline, then the card: a run with a card is a finished run."""
    folder = runs.start_run(baseline, facts["dataset"])
    path = folder / runs.PIPELINE
    pipelines.save_pipeline(path, pipeline)
    card = {
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
    files.write_json(folder / runs.RECORD, card)
    return Run(folder, card)
