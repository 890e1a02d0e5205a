"""A search on a Ray cluster: two nodes that `ray start` started here, one of which is killed in the middle."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from cifar_lab.experiments import search
from tests.conftest import make_stripes

# Whoever has imported Ray here before brings no token, so the nodes must not ask for one, as they do once there is one.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -e '.[cluster]'")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Ray has clusters on Linux only")

# One rate that learns, among others that can't get anywhere: whatever comes first, it is the best.
CHOICES = {"learning_rate": [1e-6, 0.003, 3e-6], "batch_size": 20, "epochs": 3, "progress": False}
QUICK = {  # how fast the head misses a node that is gone: after 5 seconds
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_failure_threshold": "10",
}


class Node:
    """A node of a cluster: what `ray start` starts, in a process group of its own."""

    def __init__(self, folder: Path, address: str, *options: str):
        self.log = folder / f"{address}.log"
        command = [str(Path(sys.executable).with_name("ray")), "start", "--block", f"--node-ip-address={address}"]
        command += ["--num-cpus=1", "--object-store-memory=80000000", "--disable-usage-stats"]
        command += ["--include-log-monitor=false", *options]
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=QUICK | os.environ, start_new_session=True
            )

    def is_up(self) -> bool:
        """Wait until it is, or until it gave up."""
        while "Ray runtime started" not in self.log.read_text():
            if self.process.poll() is not None:
                return False
            time.sleep(0.2)
        return True

    def kill(self) -> None:
        """As if somebody pulled the plug: all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def start(*arguments) -> Node:
    """A node that is up. Ray gives some of its processes 15 seconds to start, which a busy machine may not."""
    for _ in range(3):
        node = Node(*arguments)
        if node.is_up():
            return node
        node.kill()
    raise AssertionError(node.log.read_text()[-3000:])


@pytest.fixture(scope="module", autouse=True)
def not_for_ever():
    """A cluster that waits for something would make the whole test run wait."""

    def give_up(*_):
        raise TimeoutError("The tests on a Ray cluster took more than 15 minutes.")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(900)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.2", 0))
        return free.getsockname()[1]


@pytest.fixture(scope="module")
def nodes():
    """The head and a second node, and the head's address. Two loopback addresses: like two machines."""
    if not os.environ.get("CIFAR_LAB_TEST_CLUSTER"):
        pytest.skip("needs some two minutes: CIFAR_LAB_TEST_CLUSTER=1 runs it")
    folder = Path(tempfile.mkdtemp(prefix="ray-"))  # short: the names of its sockets may have 107 characters
    port, client_port = free_port(), free_port()
    head = ["--head", f"--port={port}", f"--ray-client-server-port={client_port}", f"--temp-dir={folder}"]
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        first = start(folder, "127.0.0.2", *head, "--include-dashboard=false", "--no-monitor")
        stack.callback(first.kill)
        second = start(folder, "127.0.0.3", f"--address=127.0.0.2:{port}")
        stack.callback(second.kill)
        yield first, second, f"127.0.0.2:{port}"


@pytest.fixture(scope="module")
def found(nodes, tmp_path_factory):
    """A search whose second node is killed as soon as a first epoch is done, and what was known then."""
    _, second, address = nodes
    storage = tmp_path_factory.mktemp("storage")
    at_the_kill = {}

    def pull_the_plug():
        while not at_the_kill:
            for path in storage.glob("*/search.json"):
                trials = json.loads(path.read_text())["trials"]
                if any(trial["history"] for trial in trials):
                    at_the_kill["epochs"] = sum(len(trial["history"]) for trial in trials)
                    second.kill()
            time.sleep(0.05)

    threading.Thread(target=pull_the_plug, daemon=True).start()
    result = search.find_recipe(make_stripes(), **CHOICES, cluster=address, storage=storage)
    return result, at_the_kill


def test_all_trials_finish_and_the_best_is_that_of_one_machine(found, tmp_path):
    result, at_the_kill = found
    assert 1 <= at_the_kill.get("epochs", 0) < result.epochs  # it was in the middle
    alone = search.find_recipe(make_stripes(), **CHOICES, storage=tmp_path)
    assert result.best == alone.best and result.best.learning_rate == 0.003
    # Another number of threads rounds differently, in the last digits.
    assert result.best_trial.accuracy() == pytest.approx(alone.best_trial.accuracy(), abs=0.05)
    assert all(trial.finished or trial.state.startswith("stopped after") for trial in result.trials)
    assert [row["epoch"] for row in result.best_trial.history] == [1, 2, 3]  # each told once
    assert not ray.is_initialized()


def test_what_is_left_on_disk_is_a_search_as_on_one_machine(found, stripes):
    result, _ = found
    assert search.open_search(result.folder) == result
    names = {path.name for path in result.folder.iterdir()}
    assert names == {"search.json", "trial-1", "trial-2", "trial-3"}  # and nothing of Ray's
    assert not list(result.folder.glob("*/checkpoint.npz"))
    network = result.best_run.load_model()
    predicted = network.predict(stripes.validation.images, verbose=0).argmax(axis=1)
    assert (predicted == stripes.validation.labels).mean() == pytest.approx(result.best_trial.accuracy())


def test_a_search_whose_driver_died_is_resumed_and_trains_only_what_is_missing(nodes, found, tmp_path):
    """A finished search, put back to where one trial had not yet begun and the others were done."""
    result, _ = found
    folder = shutil.copytree(result.folder, tmp_path / result.folder.name)
    content = json.loads((folder / "search.json").read_text()) | {"finished": ""}
    # Any but the best: which of them were stopped early depends on the order in which they came to an epoch.
    missing = next(place for place, trial in enumerate(result.trials) if trial != result.best_trial)
    content["trials"][missing]["history"] = []
    shutil.rmtree(folder / result.trials[missing].folder.name)
    (folder / "search.json").write_text(json.dumps(content))
    before = (folder / f"trial-{result.best_trial.number}" / "run.json").read_bytes()
    resumed = search.find_recipe(make_stripes(), **CHOICES, cluster=nodes[-1], storage=tmp_path, resume=True)
    assert resumed.folder == folder and resumed.best == result.best
    assert (folder / f"trial-{result.best_trial.number}" / "run.json").read_bytes() == before
    assert resumed.trials[missing].history[0]["validation_accuracy"] == pytest.approx(
        result.trials[missing].history[0]["validation_accuracy"], abs=0.05
    )


def test_no_cluster_ends_in_a_sentence(tmp_path, stripes):
    port = free_port()
    with pytest.raises(ValueError, match=rf"No Ray cluster answers at '127\.0\.0\.2:{port}'.*RAY_AUTH_MODE"):
        search.find_recipe(stripes, **CHOICES, cluster=f"127.0.0.2:{port}", storage=tmp_path)
    assert not list(tmp_path.iterdir())
