"""The workflow for GitHub's machines: every command in it exists here, and it may do no more than it needs."""

import importlib.util
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PYTHON = {"python", r".venv\Scripts\python"}
OF_THE_SHELL = {"mkdir", "printf", "chmod", "echo"}


def workflow() -> dict:
    (path,) = WORKFLOWS
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def steps() -> list[dict]:
    return [step for job in workflow()["jobs"].values() for step in job["steps"]]


def commands(*jobs: str) -> list[str]:
    chosen = [job for name, job in workflow()["jobs"].items() if not jobs or name in jobs]
    return [line for job in chosen for step in job["steps"] for line in step.get("run", "").splitlines()]


def words(command: str) -> list[str]:
    return shlex.split(command.replace("\\", "\\\\"))


def test_it_runs_after_every_change_and_every_week():
    when = workflow()[True]  # YAML 1.1 takes the word "on" for a truth value
    assert {"push", "pull_request", "schedule"} <= set(when)
    (week,) = when["schedule"]
    assert len(week["cron"].split()) == 5 and week["cron"].split()[-1] in "0123456"


def test_it_may_only_read():
    found = workflow()
    assert found["permissions"] == {"contents": "read"}
    assert all("permissions" not in job and job["timeout-minutes"] <= 90 for job in found["jobs"].values())
    assert "secrets." not in WORKFLOWS[0].read_text(encoding="utf-8")


def test_it_takes_only_the_usual_actions_by_their_major_version():
    used = {step["uses"] for step in steps() if "uses" in step}
    assert used
    assert [name for name in used if not re.fullmatch(r"actions/(checkout|setup-python)@v\d+", name)] == []


def test_it_covers_every_python_that_we_name_on_all_three_systems():
    low, high = re.fullmatch(r">=3\.(\d+),<3\.(\d+)", PROJECT["requires-python"]).groups()
    named = [f"3.{minor}" for minor in range(int(low), int(high))]
    jobs = workflow()["jobs"]
    assert jobs["unix"]["strategy"]["matrix"]["python"] == jobs["windows"]["strategy"]["matrix"]["python"] == named
    assert set(jobs["newest"]["strategy"]["matrix"]["python"]) <= set(named)
    linux, mac = jobs["unix"]["strategy"]["matrix"]["system"]
    assert linux.startswith("ubuntu-") and int(mac.removeprefix("macos-")) >= 14  # from 14 on: no Intel
    assert jobs["windows"]["runs-on"].startswith("windows-")


def test_the_cache_depends_on_a_file_that_is_here():
    names = {step["with"]["cache-dependency-path"] for step in steps() if "cache" in step.get("with", {})}
    assert names == {"constraints.txt"} and (ROOT / "constraints.txt").is_file()


@pytest.mark.parametrize("command", commands())
def test_every_command_exists(command):
    program, *arguments = words(command)
    if program in PYTHON:
        assert arguments[0] == "-m"
        assert importlib.util.find_spec(arguments[1]), arguments[1]
    elif program == "bash":
        assert (ROOT / arguments[0]).is_file()
    elif program == "make":
        assert set(arguments) <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    elif program == r".venv\Scripts\cifar-lab":
        from cifar_lab.cli import main

        assert arguments[0] in main.commands
    else:
        assert program in OF_THE_SHELL, program


def test_every_file_and_extra_that_a_command_names_is_here():
    text = "\n".join(commands())
    for name in re.findall(r"-c (\S+)|--nbval-sanitize-with=(\S+)|pytest \S+ \S+ (\w+)", text):
        assert (ROOT / "".join(name)).exists(), name
    for extras in re.findall(r"\.\[([a-z,]+)\]", text):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_windows_runs_what_make_test_runs():
    command = ["make", "--dry-run", "test"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    wanted = [line.split(" -m ")[1] for line in listed.stdout.splitlines() if " -m pytest " in line]
    found = [line.split(" -m ")[1] for line in commands("windows") if " -m pytest " in line]
    assert found == wanted and len(found) == 2
    settings = dict(re.findall(r"(\w+)=(\w+)", re.search(r"^STORED := (.*)$", MAKEFILE, re.MULTILINE).group(1)))
    assert settings.items() <= workflow()["jobs"]["windows"]["env"].items()


def test_the_weekly_run_forgets_the_tested_versions_first():
    assert commands("newest") == ["make constraints", "bash .ci/run"]
    assert re.search(r"^constraints:.*\n(\t.*\n)*\t.*--upgrade", MAKEFILE, re.MULTILINE)
