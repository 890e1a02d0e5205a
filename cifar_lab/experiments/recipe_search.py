"""Hyperparameter search with Optuna: which values of a recipe's fields reach the best validation accuracy.

    space = {"learning_rate": experiments.Between(0.0003, 0.01), "batch_size": [32, 64]}
    found = experiments.search(dataset, "tutorial", space, trials=20)
    run = training.train(dataset, found.best, seed=1)

The search is on disk after every epoch: if it is stopped or killed, the same call continues it. To use more processors,
make the same call in several processes, or on several machines that share `storage`; each takes the next free trial:

    cifar-lab search --try learning_rate=0.0003..0.01 --trials 40 --storage /shared/rates.log          # on each machine
    cifar-lab search --try learning_rate=0.0003..0.01 --trials 40 --storage postgresql://lab@host/lab  # or a database
    optuna-dashboard runs/NAME.log        # watch it in a browser (once: python -m pip install optuna-dashboard)

Machines that share only a database have no common lock: two of them may take the last trial at the same moment, and
finish one more than asked for. `SearchResult.best_run` needs the `runs/` folder of the machine that trained it.
"""

import contextlib
import dataclasses
import hashlib
import itertools
import json
import math
import os
import random
import re
import shutil
import socket
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import journal
from optuna.trial import TrialState

from cifar_lab.core import locks, paths
from cifar_lab.core.progress import progress_bar
from cifar_lab.core.text import text_table
from cifar_lab.data.dataset import Dataset
from cifar_lab.training import loop, recipes, runs
from cifar_lab.training.callbacks import Callback
from cifar_lab.training.recipe import Recipe

LOST_AFTER = 3600  # seconds without a finished epoch, after which a trial of another machine is trained again
_STATES = {TrialState.COMPLETE: "finished", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
_SAMPLERS = {"tpe": optuna.samplers.TPESampler, "random": optuna.samplers.RandomSampler, "grid": None}
_PRUNERS = {
    "halving": lambda: optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=3),
    "median": optuna.pruners.MedianPruner,
    None: optuna.pruners.NopPruner,
}


@dataclass(frozen=True)
class Between:
    """A range to search on a logarithmic scale; of whole numbers if both ends are.

    Raises:
        ValueError: the ends are not above 0, or not in ascending order.
    """

    low: float
    high: float

    def __post_init__(self):
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"Between needs two numbers, 0 < low < high, not {self.low!r} and {self.high!r}.")


@dataclass(frozen=True)
class SearchResult:
    """A finished search.

    Attributes:
        study: the Optuna study. Intermediate values of a trial are its accuracy after each epoch; user attributes are
            the name of its `run`, or the `problem` of a failed one.
        recipe: what the trials have in common.
        space: the searched fields.
    """

    study: optuna.Study
    recipe: Recipe
    space: dict[str, list | Between]

    def values(self, trial) -> dict:
        """Return the searched fields of an Optuna trial with their values."""
        pairs = [(field, self.space[field], trial.params[field]) for field in self.space]
        return {f: v if isinstance(tried, Between) else {_encoded(t): t for t in tried}[v] for f, tried, v in pairs}

    def recipe_of(self, trial) -> Recipe:
        """Return the recipe of an Optuna trial.

        Raises:
            ValueError: its values do not make a valid recipe.
        """
        try:
            return self.recipe.changed(**self.values(trial), name=f"{self.recipe.name}-trial{trial.number}")
        except TypeError as error:  # such as a word in place of a number
            raise ValueError(f"A recipe cannot have {trial.params}: {error}.") from error

    @property
    def best_trial(self) -> optuna.trial.FrozenTrial:
        """The finished trial with the best validation accuracy; the first one if several have it.

        Raises:
            ValueError: no trial has finished.
        """
        trials = self.study.get_trials()
        finished = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        if not finished:
            problems = [trial.user_attrs["problem"] for trial in trials if "problem" in trial.user_attrs]
            raise ValueError(f"No trial of {self.study.study_name} has finished. {' '.join(problems[:1])}".strip())
        return max(finished, key=lambda trial: (trial.value, -trial.number))

    @property
    def best(self) -> Recipe:
        """The recipe of the best trial."""
        return self.recipe_of(self.best_trial)

    @property
    def best_run(self) -> runs.Run:
        """The run of the best trial, with its network."""
        name = Path(self.best_trial.user_attrs["run"]).name  # no path: others may have written it into the storage
        return runs.open_run(paths.runs_folder() / name)

    def table(self) -> str:
        """Return the trials as lines of text: the finished ones, then the pruned and the failed ones, best first."""
        trials = self.study.get_trials(states=(*_STATES,))
        rows = [["trial", *self.space, "epochs", "validation", "state"]]
        for trial in sorted(trials, key=lambda t: (t.state != TrialState.COMPLETE, -(t.value or 0), t.number)):
            accuracy = "-" if trial.value is None else f"{trial.value:.1%}"
            epochs, values = str(len(trial.intermediate_values)), map(value_text, self.values(trial).values())
            rows.append([str(trial.number), *values, epochs, accuracy, _STATES[trial.state]])
        return text_table(rows, left=(len(rows[0]) - 1,))


def search(
    dataset: Dataset,
    recipe: str | Recipe = "tutorial",
    space: dict[str, list | Between] | None = None,
    *,
    trials: int | None = None,
    sampler: str = "tpe",
    pruner: str | None = "halving",
    storage: str | Path | None = None,
    name: str | None = None,
    seed: int = 0,
    progress: bool = True,
    command: str = "",
) -> SearchResult:
    """Train a recipe with different values, stop poor trials early, and find the values with the best accuracy.

    Trials are compared on the validation images; they are not even given the test images. The same call continues a
    search that was stopped. Trials that a killed process left behind are resumed from their checkpoints: at once if
    it ran on this machine; if on another one, once they have finished no epoch for `LOST_AFTER` seconds. (If that
    machine is only slow, both train the trial, and it is counted once.)

    A trial has failed if its recipe is invalid or its loss becomes NaN; the search continues. Any other error stops
    the search, and the next call trains that trial again.

    Args:
        dataset: what to learn, from `cifar_lab.data.load`.
        recipe: what the trials have in common: a name from `cifar_lab.training.RECIPES`, or a `Recipe`.
        space: for each searched field of the recipe a list of values, or `Between(low, high)`.
        trials: number of trials, over all processes; by default a grid has all combinations.
        sampler: `"tpe"` prefers what was good so far, after ten random trials (tree-structured Parzen estimator:
            Bergstra et al., 2011); `"random"`; or `"grid"`: each combination of lists once, in random order.
        pruner: `"halving"` continues the best third after 1, 3, 9, ... epochs (asynchronous successive halving: Li et
            al., 2020), `"median"` stops trials below the median; `None` stops none.
        storage: path of an Optuna journal, or URL of a database such as `sqlite:///searches.db`; by default a journal
            in `runs/` named after the search. Both hold JSON; nothing is unpickled.
        name: name of the study; by default a new one for each combination of the other arguments but `trials`.
        seed: fixes what is sampled, and is the seed of every recipe.
        progress: show a progress bar, and print a line per trial.
        command: what was typed to start this, for the run records.

    Raises:
        ValueError: the arguments are invalid, the storage cannot be opened, or the name belongs to another search.
    """
    recipe = recipes.get(recipe, seed=seed)
    space = {field: v if isinstance(v, Between) else _plain_list(field, v) for field, v in (space or {}).items()}
    trials = _count_trials(space, trials, sampler, pruner)
    tried = {k: dataclasses.asdict(v) if isinstance(v, Between) else [*map(_encoded, v)] for k, v in space.items()}
    same = {field: value for field, value in recipe.to_dict().items() if field not in space}
    plan = {"recipe": same, "space": tried, "sampler": sampler, "pruner": pruner, "dataset": dataset.fingerprint()}
    digest = hashlib.sha256(json.dumps(plan).encode()).hexdigest()[:6]
    name = re.sub(r"[^A-Za-z0-9.]+", "-", name or f"search-{recipe.name}-{dataset.name}-{digest}")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    opened, folder = _open_storage(storage, name)
    with locks.wait_for_lock(folder / "claim", progress=False):
        found = SearchResult(_open_study(opened, name, plan, _PRUNERS[pruner]()), recipe, space)
    worker = _Worker(found, opened, folder, trials=trials, sampler=_SAMPLERS[sampler], shown=progress)
    visible = dataclasses.replace(dataset, test=dataset.test.take(np.arange(0)))
    worker.run(visible, command=command, facts=runs.describe_dataset(dataset))
    return found


class _Worker:
    """One process of a search: it takes trials and trains them until all are finished."""

    def __init__(self, found: SearchResult, storage, folder: Path, *, trials: int, sampler, shown: bool):
        self.found, self.study, self.storage, self.folder = found, found.study, storage, folder
        self.trials, self.sampler, self.id = trials, sampler, uuid.uuid4().hex
        self.say = print if shown else lambda line: None
        self.bar = progress_bar(total=trials, unit="trial", desc=found.study.study_name, shown=shown)

    def run(self, dataset: Dataset, **options) -> None:
        mine = self.folder / self.id  # locked while this process lives, by which others recognise that it does
        try:
            with locks.try_lock(mine), self.bar:
                while True:
                    with contextlib.suppress(UpdateFinishedTrialError):  # another machine has finished our trial
                        if (trial := self.claim()) is None:
                            return
                        self.train(trial, dataset, **options)
        except KeyboardInterrupt:
            self.say("Stopped. To continue, start the same search again.")
            raise
        finally:
            mine.unlink(missing_ok=True)

    def claim(self) -> optuna.Trial | None:
        """Take a trial; `None` once all are finished. Wait while other processes train the last ones."""
        while True:
            with locks.wait_for_lock(self.folder / "claim", progress=False):
                for trial in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
                    if self.is_lost(trial):
                        self.requeue(trial)
                trials = self.study.get_trials(deepcopy=False)
                waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
                if waiting or len(trials) < self.trials:
                    return self.ask(waiting[0] if waiting else len(trials), is_new=not waiting)
                if all(trial.state.is_finished() for trial in trials):
                    return None
            self.show("waiting for other processes")
            time.sleep(1)

    def is_lost(self, trial) -> bool:
        """Return whether the process of a running trial has ended."""
        host, worker = trial.user_attrs.get("worker", ("", ""))
        if not re.fullmatch(r"[0-9a-f]{32}", worker):  # killed before it could say who it was
            return True
        if host != socket.gethostname():
            return time.time() - trial.user_attrs["seen"] > LOST_AFTER
        with locks.try_lock(self.folder / worker) as is_free:
            return is_free

    def requeue(self, trial) -> None:
        """Put a trial back into the queue under its number, in one step: it is neither lost nor counted twice."""
        study_id = self.storage.get_study_id_from_name(self.study.study_name)
        trial_id = self.storage.get_trial_id_from_study_id_trial_number(study_id, trial.number)
        self.storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def ask(self, number: int, *, is_new: bool) -> optuna.Trial:
        """Take the trial with this number: a new one, or the next one of the queue."""
        space, seed = self.found.space, self.found.recipe.seed
        if self.sampler:
            # A seed per trial: with a single one, each process and each resumed search would draw the same values.
            self.study.sampler = self.sampler(seed=int(np.random.default_rng([seed, number]).integers(2**31)))
        elif is_new:
            combinations = [*itertools.product(*space.values())]
            random.Random(seed).shuffle(combinations)
            self.study.enqueue_trial(dict(zip(space, map(_encoded, combinations[number]), strict=True)))
        trial = self.study.ask({field: _distribution(values) for field, values in space.items()})
        trial.set_user_attr("seen", time.time())
        trial.set_user_attr("worker", [socket.gethostname(), self.id])
        return trial

    def train(self, trial: optuna.Trial, dataset: Dataset, *, command: str, facts: dict) -> None:
        """Train a trial and tell the study how it ended; only a finished one leaves a run."""
        report = _Report(trial, self.study.get_trials(deepcopy=False)[trial.number].intermediate_values, facts, self)
        accuracy, state = None, TrialState.COMPLETE
        try:
            recipe = self.found.recipe_of(trial)
            # With resume, since a process that was killed may have begun this trial: its name tells it from others.
            run = loop.train(dataset, recipe, resume=True, progress=False, command=command, callbacks=[report])
            accuracy = run.record["metrics"]["validation"]["accuracy"]
            trial.set_user_attr("run", run.folder.name)
        except optuna.TrialPruned:
            state = TrialState.PRUNED
        except ValueError as error:
            state = TrialState.FAIL
            trial.set_user_attr("problem", str(error))
        ended = self.study.tell(trial, accuracy, state=state, skip_if_finished=True)
        if accuracy is None and report.folder:
            shutil.rmtree(report.folder, ignore_errors=True)
        values = ", ".join(f"{field} {value_text(value)}" for field, value in self.found.values(trial).items())
        end = ended.user_attrs.get("problem") or f"{ended.value:.1%} after epoch {len(ended.intermediate_values)}"
        self.bar.clear()
        self.say(f"trial {trial.number} ({values}): {_STATES[state]}, {end}")

    def show(self, doing: str) -> None:
        self.bar.n = sum(trial.state.is_finished() for trial in self.study.get_trials(deepcopy=False))
        self.bar.set_postfix_str(doing)


class _Report(Callback):
    """Report the validation accuracy after each epoch to Optuna, which may prune the trial."""

    def __init__(self, trial: optuna.Trial, reported: dict, facts: dict, worker: _Worker):
        self.trial, self.reported, self.facts, self.worker, self.folder = trial, len(reported), facts, worker, None

    def on_epoch_end(self, job, row) -> None:
        self.trial.set_user_attr("seen", time.time())
        for past in job.state.history[self.reported :]:  # several if a killed process saved more than it reported
            self.trial.report(past["validation_accuracy"], step=past["epoch"])
            self.reported += 1
        self.worker.show(f"trial {self.trial.number}, epoch {row['epoch']}/{job.recipe.epochs}")
        if row["epoch"] < job.recipe.epochs and self.trial.should_prune():
            raise optuna.TrialPruned

    def on_train_end(self, job) -> None:
        self.folder = job.folder
        job.facts["dataset"] = self.facts  # of the whole dataset: the trial was given no test images


def _open_storage(storage: str | Path | None, name: str) -> tuple[optuna.storages.BaseStorage, Path]:
    """Return the storage, and a folder for the locks of its processes."""
    is_url = "://" in str(storage)
    path = Path(storage or paths.runs_folder() / f"{name}.log").expanduser()
    folder = paths.runs_folder() / f"{name}.locks" if is_url else path.with_name(f"{path.name}.locks")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if is_url:
            return optuna.storages.get_storage(str(storage)), folder
        lock = journal.JournalFileOpenLock(str(path)) if os.name == "nt" else None
        return optuna.storages.JournalStorage(journal.JournalFileBackend(str(path), lock)), folder
    except Exception as error:  # whatever SQLAlchemy, a driver or a file that is no journal raises
        what = "database" if is_url else f"journal {path}"  # not the URL, which may hold a password
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"The {what} cannot be opened as storage of a search: {reason}") from error


def _open_study(storage, name: str, plan: dict, pruner) -> optuna.Study:
    study = optuna.create_study(
        study_name=name, storage=storage, pruner=pruner, direction="maximize", load_if_exists=True
    )
    for key, value in plan.items() if not study.get_trials(deepcopy=False) else ():
        study.set_user_attr(key, value)
    if different := [key for key, value in plan.items() if study.user_attrs.get(key) != value]:
        raise ValueError(
            f"The search {name} exists already with another {' and '.join(different)}: give this one another name."
        )
    return study


def _plain_list(field: str, values) -> list:
    """Return the values of a field as a recipe has them: no NumPy types, tuples instead of lists.

    Raises:
        ValueError: the field does not exist, or has no values.
    """
    known = {field.name for field in dataclasses.fields(Recipe)} - {"name", "seed"}
    if field not in known:
        raise ValueError(f"A search cannot change {field}. Choose from: {', '.join(sorted(known))}.")
    if isinstance(values, str) or not hasattr(values, "__len__") or not len(values):
        raise ValueError(f"{field} needs a list of values or Between(low, high), not {values!r}.")
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    return [tuple(value) if isinstance(value, list) else value for value in plain]


def _count_trials(space: dict, trials: int | None, sampler: str, pruner: str | None) -> int:
    """Return the number of trials, after checking that the arguments fit together."""
    if not space:
        raise ValueError("Give at least one field to search, such as {'learning_rate': [0.001, 0.003]}.")
    if sampler not in _SAMPLERS or pruner not in _PRUNERS:
        raise ValueError(f"sampler {sampler!r} or pruner {pruner!r} is none of those in the documentation of search.")
    if "epochs" in space and pruner:
        raise ValueError("Trials with different epochs cannot be compared before their end: add pruner=None.")
    ranges = [field for field, values in space.items() if isinstance(values, Between)]
    if sampler == "grid" and ranges:
        raise ValueError(f"A grid needs lists of values, but {ranges[0]} is a range.")
    if sampler == "grid":
        combinations = math.prod(map(len, space.values()))
        trials = min(trials or combinations, combinations)
    if not isinstance(trials, int) or not 1 <= trials <= 10_000:
        raise ValueError(f"The number of trials must be given, from 1 to 10,000, but it is {trials!r}.")
    return trials


def _distribution(values: list | Between) -> optuna.distributions.BaseDistribution:
    if not isinstance(values, Between):
        return optuna.distributions.CategoricalDistribution([*map(_encoded, values)])
    whole = isinstance(values.low, int) and isinstance(values.high, int)
    kind = optuna.distributions.IntDistribution if whole else optuna.distributions.FloatDistribution
    return kind(values.low, values.high, log=True)


def value_text(value) -> str:
    """Return a value as it would be typed: `0.001`, `64`, `16/64/64`, `none`."""
    return f"{value:.4g}" if isinstance(value, float) else str(_encoded(value))


def _encoded(value):
    """Return a value as Optuna stores it, which has no tuples: `16/64/64`."""
    return "/".join(map(str, value)) if isinstance(value, tuple) else value
