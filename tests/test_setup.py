"""Setting up: what `make lab` and tools/install.py do, when all is well and when not.

Nothing is installed here and no network is used.
"""

import importlib.util
import itertools
import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tomllib
import urllib.request
import uuid
from importlib import metadata
from pathlib import Path

import pytest
import websocket
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

with_make = pytest.mark.skipif(not shutil.which("make") or os.name == "nt", reason="no make here")


def write(path: Path, text: str, executable: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    if executable:
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def surroundings(**settings) -> dict[str, str]:
    """The environment without what a surrounding make, or a reader's settings, hands on."""
    ours = ("PYTHON", "HOST", "PORT", "CI", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKEOVERRIDES")
    return {name: value for name, value in os.environ.items() if name not in ours} | settings


def load_installer():
    specification = importlib.util.spec_from_file_location("install", ROOT / "tools" / "install.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def installer(tmp_path, monkeypatch):
    """tools/install.py as a module, over a checkout of its own; what it would run is noted in `installer.calls`."""
    module = load_installer()
    checkout = tmp_path / "my läb"
    for name in ("pyproject.toml", "constraints.txt"):
        write(checkout / name, (ROOT / name).read_text(encoding="utf-8"))
    folder = checkout / ".venv"
    places = {"ROOT": checkout, "VENV": folder, "SCRIPTS": folder / "bin", "PYTHON": folder / "bin" / "python"}
    for name, value in (places | {"NAMED": False}).items():
        monkeypatch.setattr(module, name, value)
    module.calls, module.fails = [], set()

    def call(command, **_):
        command = [str(part) for part in command]
        if command[1] == "-c":  # does that Python work?
            return 0 if Path(command[0]).exists() else 1
        module.calls.append(command)
        if command[1:3] == ["-m", "venv"]:
            write(folder / "bin" / "python", "")
            write(folder / "bin" / "activate", f"VIRTUAL_ENV={folder}")
        return int(command[2] in module.fails)

    monkeypatch.setattr(module.subprocess, "call", call)
    return module


def steps(installer) -> list[str]:
    """What was run since the last look: venv, pip or another Python."""
    done = [command[2] if command[1] == "-m" else command[0] for command in installer.calls]
    installer.calls.clear()
    return done


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_changed_list_is_installed_into_the_same_environment(installer, name):
    installer.main("lab")
    assert steps(installer) == ["venv", "pip"]
    installer.main("lab")
    assert steps(installer) == []
    (installer.ROOT / name).write_text("# changed", encoding="utf-8")
    installer.main("lab")
    assert steps(installer) == ["pip"]


def test_the_tests_environment_will_do_for_the_lab_but_not_the_other_way_round(installer):
    installer.main("app,lab")
    steps(installer)
    installer.main("test")
    assert steps(installer) == ["pip"]
    installer.main("app,lab")
    assert steps(installer) == []


def test_a_failed_or_killed_installation_is_taken_up_again(installer):
    installer.main("lab")
    steps(installer)
    installer.fails.add("pip")
    with pytest.raises(SystemExit, match="The installation failed"):
        installer.main("test")
    installer.fails.clear()
    steps(installer)
    installer.main("lab")  # it was complete before, and may be broken now
    assert steps(installer) == ["pip"]


def test_an_environment_that_was_moved_is_made_anew(installer):
    installer.main("lab")
    steps(installer)
    write(installer.SCRIPTS / "activate", "VIRTUAL_ENV=/elsewhere/.venv")
    installer.VENV.joinpath("installed-lab").unlink()
    installer.main("lab")
    assert steps(installer) == ["venv", "pip"]


def test_another_python_is_taken_only_when_it_is_named(installer, monkeypatch):
    installer.main("lab")
    steps(installer)
    seen = []
    monkeypatch.setattr(installer, "works", lambda python, module, versions: seen.append(versions) or True)
    installer.main("lab")
    monkeypatch.setattr(installer, "NAMED", True)
    installer.main("lab")
    assert seen == [((3, 13), (3, 12), (3, 11)), (sys.version_info[:2],)]


@pytest.mark.parametrize(
    ("module", "versions", "expected"),
    [
        ("pip", [sys.version_info[:2]], True),
        ("pip", [(3, 1)], False),
        ("no_such_module", [sys.version_info[:2]], False),
    ],
)
def test_whether_a_real_python_works(module, versions, expected):
    assert load_installer().works(sys.executable, module, versions) == expected
    assert not load_installer().works("/no/such/python", module, versions)


def test_what_a_killed_pip_left_is_removed(installer):
    site = installer.VENV / "lib" / "python3.11" / "site-packages"
    whole = write(site / "whole-1.0.dist-info" / "RECORD", "").parent
    half = write(site / "half-1.0.dist-info" / "METADATA", "Name: half").parent
    stashed = write(site / "~umpy" / "__init__.py", "").parent
    installer.forget_half_installed()
    assert whole.exists() and not half.exists() and not stashed.exists()


def test_a_python_that_does_not_fit_gives_way_to_one_that_does(installer, monkeypatch, tmp_path):
    other = write(tmp_path / "python3.12", "")
    monkeypatch.setattr(installer.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(installer.shutil, "which", lambda name: str(other) if name == "python3.12" else None)
    with pytest.raises(SystemExit):
        installer.main("lab")
    assert steps(installer) == [str(other)]
    monkeypatch.setattr(installer, "NAMED", True)
    with pytest.raises(SystemExit, match=r"needed, but this is 3\.14\. .* make lab PYTHON=python3\.12"):
        installer.main("lab")
    assert steps(installer) == []


def test_no_traceback_on_a_full_disk_or_an_interruption(tmp_path):
    checkout = tmp_path / "my läb"
    write(checkout / "tools" / "install.py", (ROOT / "tools" / "install.py").read_text(encoding="utf-8"))
    for error, sentence in (
        ("OSError(28, 'No space left on device')", "No space left on device"),
        ("KeyboardInterrupt", "Run the same command again to resume"),
    ):
        program = (
            "import runpy, pathlib\n"
            f"def fail(*_): raise {error}\n"
            "pathlib.Path.read_bytes = fail\n"
            "runpy.run_path('tools/install.py', run_name='__main__')"
        )
        command = [sys.executable, "-c", program]
        result = subprocess.run(command, cwd=checkout, env=surroundings(), capture_output=True, text=True)
        assert result.returncode == 1
        assert sentence in result.stderr
        assert "Traceback" not in result.stderr


# --- make ---


def make(*arguments, cwd: Path = ROOT, **settings) -> subprocess.CompletedProcess:
    command = ["make", *arguments]
    return subprocess.run(command, cwd=cwd, env=surroundings(**settings), capture_output=True, text=True)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@with_make
def test_help_lists_what_there_is():
    listed = make("help").stdout
    assert {line.split()[0] for line in listed.splitlines()} == targets() - {"lint"}


@with_make
def test_no_python_at_all_ends_in_one_sentence():
    result = make("lab", "PYTHON=no such python")
    assert result.returncode != 0
    assert result.stderr.startswith("no such python is not here, or too old. Install Python 3.11, 3.12 or 3.13")


@pytest.fixture
def lab(tmp_path):
    """`make lab` in a folder with a space and an umlaut, without a home, its port taken, its set-up skipped.

    Gives the address, and that port.
    """
    checkout = tmp_path / "my läb"
    write(checkout / "Makefile", (ROOT / "Makefile").read_text(encoding="utf-8"))
    write(checkout / "tools" / "install.py", "")
    write(checkout / ".venv" / "bin" / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', executable=True)
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    write(checkout / "notebooks" / "01_dataset.ipynb", json.dumps(empty))
    shutil.copytree(ROOT / "tools" / "jupyter", checkout / "tools" / "jupyter")
    home = checkout / ".venv" / "home"  # what it should take instead of one that cannot be written to
    write(home / ".jupyter" / "jupyter_server_config.json", '{"ServerApp": {"open_browser": false}}')
    with socket.create_server(("127.0.0.1", 0)) as taken, open(tmp_path / "log", "wb") as log:
        port = taken.getsockname()[1]
        command = ["make", "lab", f"PYTHON={sys.executable}", f"PORT={port}", "HOST=127.0.0.1"]
        process = subprocess.Popen(
            command,
            cwd=checkout,
            env=surroundings(HOME="/dev/null/home"),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            yield wait_for_address(process, tmp_path / "log"), port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def wait_for_address(process: subprocess.Popen, log: Path) -> str:
    for _ in range(600):
        printed = log.read_text(encoding="utf-8")
        if found := re.search(r"copy and paste one of these URLs:\s+(\S+)", printed):
            return found.group(1)
        assert process.poll() is None, printed
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
    raise AssertionError(f"no address was printed:\n{printed}")


@with_make
def test_make_lab_serves_the_first_notebook_and_takes_large_uploads(lab):
    address, taken_port = lab
    server, port, token = re.fullmatch(
        r"http://(127\.0\.0\.1:(\d+))/lab/tree/notebooks/01_dataset\.ipynb\?token=(\w+)", address
    ).groups()
    assert int(port) != taken_port
    page = urllib.request.urlopen(address, timeout=30).read().decode()
    assert "@jupyterlab/apputils-extension:announcements" in page  # among the extensions that are switched off
    with pytest.raises(urllib.error.HTTPError, match="403"):  # nobody gets in without the token
        urllib.request.urlopen(f"http://{server}/api/contents", timeout=30)

    request = urllib.request.Request(f"http://{server}/api/kernels?token={token}", data=b"{}", method="POST")
    kernel = json.load(urllib.request.urlopen(request, timeout=30))["id"]
    channel = websocket.create_connection(f"ws://{server}/api/kernels/{kernel}/channels?token={token}", timeout=60)
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "username": "", "session": uuid.uuid4().hex}
    content = {"code": f"assert len('{'x' * 12_000_000}') == 12_000_000", "silent": True, "store_history": False}
    message = {"header": header | {"version": "5.3"}, "parent_header": {}, "metadata": {}, "content": content}
    channel.send(json.dumps(message | {"channel": "shell", "buffers": []}))  # tornado's own limit is 10 MB
    while (reply := json.loads(channel.recv()))["msg_type"] != "execute_reply":
        pass
    assert reply["content"]["status"] == "ok"
    channel.close()


# --- the lists ---


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines)


def test_every_version_may_be_installed_on_every_python_we_name():
    """The first release of each: Debian 12 has 3.11.2, and a package may ask for a later one."""
    refused = []
    for name, version in pins().items():
        try:
            installed = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        allowed = SpecifierSet(installed["Requires-Python"] or "")
        if installed["Version"] == version and not all(f"{python}.0" in allowed for python in ("3.11", "3.12", "3.13")):
            refused.append(f"{name}=={version} needs Python {allowed}")
    assert refused == []


def test_every_version_is_one_that_we_allow():
    wanted = list(itertools.chain(PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()))
    versions = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins().items()}
    checked = 0
    for requirement in map(Requirement, wanted):
        if requirement.name in versions:
            checked += 1
            assert versions[requirement.name] in requirement.specifier, requirement
    assert checked > 15
