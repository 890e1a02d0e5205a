"""Parts answered on a Ray cluster, through Ray Data; workers and nodes that die are made up for by Ray."""

import json
import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import islice

from cifar_lab.core import ray_cluster
from cifar_lab.core.machine import cores
from cifar_lab.inference.batch.predicting import Model, answer
from cifar_lab.inference.batch.workers import Part
from cifar_lab.inference.classifier import Classifier

_RETRIES = 5  # of a part whose worker or node died, before the run stops (and can be gone on with)
_STORE = 256 * 2**20  # bytes of shared memory for a Ray that is started here: only paths and answers travel
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",  # ours counts pictures
    "RAY_DATA_LOG_LEVEL": "ERROR",
    "RAY_DATA_EXECUTION_NO_PROGRESS_TIMEOUT_S": "-1",  # a part of large pictures on a slow drive may take long
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # else a warning about GPUs, of which none is asked for
    "RAY_agent_register_timeout_ms": "100000",  # a Ray that is started here may take long on a busy machine
}
_MEND = "python -m pip install -e '.[cluster]' -c constraints.txt"

_classifiers: dict[str, Classifier] = {}  # of this worker process, by the network's SHA-256


def runner(address: str) -> Callable:
    """The way to answer parts on the cluster at `address`, with the arguments of `workers.run_workers`.

    Raises:
        ValueError: Ray is not installed.
    """
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import ray.data  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"--cluster needs Ray, which is not installed here: {_MEND}. Without --cluster it runs on this machine."
        ) from error

    def run(parts: Iterator[Part], model: Model, *, workers: int | None = None, seen=lambda count: None):
        with connected_batch(address, workers):
            yield from _answers(parts, model, workers, seen)

    return run


def _answers(parts: Iterator[Part], model: Model, workers: int | None, seen) -> Iterator[tuple[int, list[list]]]:
    import ray

    sent = {"model": ray.put(model), "sha256": model.facts["sha256"]}  # once to each node, not with each part
    window = max(64, 4 * int(ray.cluster_resources().get("CPU", 1)))  # bounds what the list takes of the memory
    while some := list(islice(parts, window)):
        items = [{"number": number, "paths": b"\0".join(paths)} for number, paths in some]
        with warnings.catch_warnings():  # of `max_retries`, which has no successor yet, and goes with Ray 2.64
            warnings.simplefilter("ignore", DeprecationWarning)
            answered = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
                _answer_block,
                batch_size=None,  # a block, which is one part
                batch_format="pyarrow",
                fn_kwargs=sent,
                compute=ray.data.TaskPoolStrategy(workers),  # tasks find the cores of a node that joins later
                num_cpus=1,
                max_retries=_RETRIES,
            )
        try:
            for row in answered.iter_rows():
                answers = json.loads(row["answers"])
                seen(len(answers))
                yield row["number"], answers
        except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as error:
            problem = ray_cluster.first_line(error)
            raise ValueError(f"Ray could not finish ({problem}). The same command goes on.") from error


def _answer_block(block, *, model, sha256: str):
    """Answer the one part in a block: a table with `number` and `paths` becomes one with `number` and `answers`."""
    import pyarrow as pa
    import ray

    if sha256 not in _classifiers:
        _classifiers[sha256] = ray.get(model).classifier()
    parts = [paths.split(b"\0") for paths in block["paths"].to_pylist()]
    answers = [json.dumps(answer(_classifiers[sha256], paths)) for paths in parts]
    return pa.table({"number": block["number"], "answers": answers})


def connected_batch(address: str, workers: int | None) -> AbstractContextManager:
    """Belong to a cluster meanwhile, or to a Ray that is started here with so many cores.

    Raises:
        ValueError: there is no cluster at the address.
    """
    own = {"num_cpus": workers or cores(), "object_store_memory": _STORE, "include_dashboard": False}
    instead = "leave --cluster out: then it runs on this machine. What is answered is kept."
    return ray_cluster.connected(address, instead, **own)
