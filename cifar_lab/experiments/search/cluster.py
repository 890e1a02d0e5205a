"""The same search on many machines: its trials as processes of a Ray cluster, stopped early by Ray Tune's ASHA.

The folder of the search is shared by all machines. Every trial writes its checkpoint there, so a trial whose process or
machine dies goes on elsewhere after its last whole epoch, and a search whose driver dies is resumed as on one machine.
"""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from cifar_lab.core import ray_cluster
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.search import state
from cifar_lab.experiments.search.state import Search

INSTALL = "python -m pip install -e '.[lab,cluster]' -c constraints.txt"
_TUNE = "ray"  # the folder in which Ray Tune keeps its own notes meanwhile
_FAILURES = 5  # so often a trial may lose its machine and start again
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # we keep what they would write
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # Ctrl-C is ours: it says how to go on
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}


@contextmanager
def connected_search(address: str) -> Iterator[None]:
    """Belong to a cluster meanwhile; a Ray that runs in this process already is taken as it is.

    Raises:
        ValueError: Ray is not installed, or no cluster answers at the address.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        from ray import tune  # noqa: F401  (needs packages that Ray alone does not bring)
    except ImportError as error:
        raise ValueError(
            f"A search on a cluster needs Ray, which is not whole here ({error}). Install it on each machine with: "
            f"{INSTALL}; or search without cluster, on this machine alone."
        ) from error
    with ray_cluster.connected(address, "leave cluster out to search on this machine."):
        yield


def spread(search: Search, dataset: Dataset, *, cpus: int, gpus: float, say, progress: bool) -> None:
    """Train the trials of a search on the cluster that this process belongs to.

    Args:
        search: is kept up to date, in memory and on disk, while its trials report.
        dataset: what to learn; its test split is not looked at.
        cpus: processor cores for each trial.
        gpus: GPUs for each trial.
        say: what prints a line.
        progress: show a progress bar.

    Raises:
        ValueError: trials lost their machines too often, or the cluster failed.
    """
    _say_if_too_small(cpus, gpus, say)
    with progress_bar(unit="epoch", desc="trials on the cluster", shown=progress) as epochs_bar:
        results = _fit(_tuner(search, dataset, cpus, gpus, _notes(search, say, epochs_bar)))
    _check(search, results)
    shutil.rmtree(search.folder / _TUNE, ignore_errors=True)


def _tuner(search: Search, dataset: Dataset, cpus: int, gpus: float, notes):
    from ray import tune
    from ray.tune.schedulers import ASHAScheduler, FIFOScheduler

    most = max(trial.recipe.epochs for trial in search.trials)
    first, reduction = search.plan["first"], search.plan["reduction"]
    asha = {"time_attr": "epoch", "max_t": most, "grace_period": min(first, most), "reduction_factor": reduction}
    # The dataset travels once to each machine, not once with each trial.
    train = tune.with_parameters(_train, search=search, dataset=dataset, cpus=cpus, backend=_backend())
    return tune.Tuner(
        tune.with_resources(train, {"cpu": cpus, "gpu": gpus}),
        param_space={"number": tune.grid_search([trial.number for trial in search.trials])},
        tune_config=tune.TuneConfig(
            metric="accuracy", mode="max", scheduler=ASHAScheduler(**asha) if reduction > 1 else FIFOScheduler()
        ),
        run_config=tune.RunConfig(
            name=_TUNE,
            storage_path=str(search.folder),
            failure_config=tune.FailureConfig(max_failures=_FAILURES),
            callbacks=[notes],
            verbose=0,
        ),
    )


def _fit(tuner):
    import ray
    from ray import tune

    try:
        return tuner.fit()
    except (ray.exceptions.RayError, tune.TuneError, ConnectionError) as error:
        raise ValueError(
            f"The cluster failed: {ray_cluster.first_line(error)} To go on, search the same with resume=True."
        ) from error


def _train(config: dict, *, search: Search, dataset: Dataset, cpus: int, backend: str) -> None:
    """One trial, in a process of its own on some machine: from its checkpoint on, a report after each epoch."""
    # Before Keras is imported: more threads than cores would only stand in each other's way.
    os.environ |= {"TF_NUM_INTRAOP_THREADS": str(cpus), "TF_NUM_INTEROP_THREADS": "1", "KERAS_BACKEND": backend}
    from ray import tune

    if not (search.folder / state.FILE_NAME).is_file():
        raise RuntimeError(f"{socket.gethostname()} does not see {search.folder}, which all machines have to share.")
    trial = search.trials[config["number"] - 1]

    def report(row: dict) -> None:
        tune.report({"epoch": row["epoch"], "accuracy": trial.accuracy(row["epoch"]), "row": row, "problem": ""})

    if trial.recall():
        for row in trial.history:  # so that others are compared with it
            report(row)
        return
    _train_and_report(trial, search, dataset, report)
    if trial.problem:
        tune.report({"epoch": trial.recipe.epochs, "accuracy": 0.0, "row": {}, "problem": trial.problem})


def _train_and_report(trial, search: Search, dataset: Dataset, report) -> None:
    from cifar_lab.experiments.search import trials  # here, after the environment is set: it brings Keras

    def report_but_last(row: dict) -> None:
        if row["epoch"] < trial.recipe.epochs:  # after the last report a trial is ended, whatever it was still writing
            report(row)

    try:
        trials.advance(trial, search, dataset, until=trial.recipe.epochs, after_epoch=report_but_last)
        if trial.finished:
            report(trial.history[-1])
    except ValueError as error:  # of its recipe: it would come again on every machine
        trial.problem = str(error)


def _notes(search: Search, say, epochs_bar):
    """What keeps a search's file up to date while its trials report."""
    from ray import tune

    class Notes(tune.Callback):
        def on_trial_result(self, iteration, trials, trial, result, **info):
            noted, row = search.trials[trial.config["number"] - 1], result.get("row")
            if row and row["epoch"] == len(noted.history) + 1:  # not one that is told again after a restart
                noted.history.append(row)
                epochs_bar.update()
            noted.problem = result.get("problem", "")
            search.save()

        def on_trial_complete(self, iteration, trials, trial, **info):
            epochs_bar.clear()
            say(search.trials[trial.config["number"] - 1].sentence())

        def __reduce__(self):  # Ray Tune pickles its callbacks, for a way of resuming that is not ours
            return (tune.Callback, ())

    return Notes()


def _check(search: Search, results) -> None:
    """See whether every trial came to an end of its own.

    Raises:
        ValueError: some could not, for instance because their machines died too often.
    """
    if errors := [str(error).strip().splitlines()[-1] for error in results.errors]:
        raise ValueError(
            f"{len(errors)} of {len(search.trials)} trials could not be trained on the cluster; the first: {errors[0]} "
            f"What was reached is in {search.folder}. To go on, search the same with resume=True."
        )


def _say_if_too_small(cpus: int, gpus: float, say) -> None:
    import ray

    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    say(f"The cluster has {len(machines)} machines and {sum(m.get('CPU', 0) for m in machines):.0f} cores.")
    if not any(m.get("CPU", 0) >= cpus and m.get("GPU", 0) >= gpus for m in machines):
        say(f"None of them has the {cpus} cores and {gpus:g} GPUs that a trial wants: the trials wait until one has.")


def _backend() -> str:
    return os.environ.get("KERAS_BACKEND", "tensorflow")
