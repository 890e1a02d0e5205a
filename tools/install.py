"""Make `.venv` and install the project into it: `python3 tools/install.py lab`.

Called by the Makefile; needs nothing but Python itself. What goes wrong ends in one sentence that says what to do, and
a broken or half-made environment is repaired by the next call. When nothing has changed since, it is done at once.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
OLDEST, NEWEST = (3, 11), (3, 13)


def main(extra):
    """Install the project with an extra of pyproject.toml, such as `lab` or `test`."""
    use_a_fitting_python(extra)
    stamp = VENV / ("installed-" + extra)
    state = fingerprint()
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state and runs(PYTHON):
        return
    if not (
        runs(PYTHON) and (VENV / "made-at").is_file() and (VENV / "made-at").read_text(encoding="utf-8") == str(ROOT)
    ):
        make_venv()
    print("Installing into .venv; the first time this takes some minutes.", flush=True)
    options = ["--quiet"] if os.environ.get("CI") else []
    command = [PYTHON, "-m", "pip", "install", *options, "--disable-pip-version-check"]
    if subprocess.call([*command, "-c", "constraints.txt", "-e", f".[{extra}]"], cwd=str(ROOT)):
        stop(
            "The installation failed; pip says above why. Without internet nothing can be installed; on a full disk "
            "3 GB are needed. Mend that and run the same command again."
        )
    stamp.write_text(state, encoding="utf-8")


def use_a_fitting_python(extra):
    """Go on if this Python fits; else start again with one that does, or stop."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return
    this = "{}.{}".format(*sys.version_info[:2])
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        other = shutil.which(f"python3.{minor}")
        if other and runs(other):
            print(f"Python {this} does not fit; taking {os.path.basename(other)} instead.", flush=True)
            sys.exit(subprocess.call([other, __file__, extra]))
    stop(
        f"Python 3.11, 3.12 or 3.13 is needed, but this is {this}. Install one from python.org or your system's "
        "packages, then name it: make lab PYTHON=python3.12"
    )


def made_here():
    """Whether `.venv` was made in this folder: the scripts in one that was moved point to where it came from."""
    place = VENV / "made-at"
    return place.is_file() and place.read_text(encoding="utf-8") == str(ROOT)


def make_venv():
    """Make `.venv` anew with the Python that runs this."""
    try:
        import ensurepip  # noqa: F401  (Debian ships it apart, with venv)
        import venv  # noqa: F401
    except ImportError:
        version = "{}.{}".format(*sys.version_info[:2])
        stop(f"This Python has no venv module. On Debian or Ubuntu: sudo apt install python{version}-venv")
    print("Making .venv with Python {}.{}.".format(*sys.version_info[:2]), flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        stop(f"The environment {VENV} could not be made; the lines above say why.")
    (VENV / "made-at").write_text(str(ROOT), encoding="utf-8")


def fingerprint():
    """What the installation depends on: the two lists, and where the project lies."""
    digest = hashlib.sha256(str(ROOT).encode("utf-8"))
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def runs(python):
    """Whether a Python starts and has pip."""
    try:
        return subprocess.call([str(python), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def stop(sentence):
    """End with one sentence and an exit code that make notices."""
    sys.exit("\n" + sentence)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "lab")
