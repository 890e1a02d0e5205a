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
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
FITTING = ((3, 13), (3, 12), (3, 11))
NAMED = bool(os.environ.get("PYTHON"))  # make lab PYTHON=python3.12: make hands its variables on


def main(extras):
    """Install the project with extras of pyproject.toml, such as `lab` or `app,lab`."""
    use_a_fitting_python(extras)
    state = fingerprint()
    if is_installed(extras, state):
        return
    for stamp in VENV.glob("installed-*"):  # whatever is killed from here on has to be done again
        stamp.unlink()
    if not (made_here() and works(PYTHON, "pip", wanted())):
        make_venv()
    forget_half_installed()
    install(extras)
    (VENV / ("installed-" + extras)).write_text(state, encoding="utf-8")


def use_a_fitting_python(extras):
    """Go on if this Python fits; else start again with one that does, or stop."""
    if sys.version_info[:2] in FITTING:
        return
    this = "{}.{}".format(*sys.version_info[:2])
    others = (shutil.which("python{}.{}".format(*version)) for version in FITTING)
    other = next((python for python in others if python and works(python, "ensurepip")), None)
    if other and not NAMED:
        print(f"Python {this} does not fit; taking {os.path.basename(other)} instead.", flush=True)
        sys.exit(subprocess.call([other, __file__, extras]))
    mend = "Name one that is here" if other else "Install one from python.org or your system's packages, then name it"
    named = os.path.basename(other) if other else "python3.12"
    stop(f"Python 3.11, 3.12 or 3.13 is needed, but this is {this}. {mend}: make lab PYTHON={named}")


def wanted():
    """The versions that `.venv` may have: the one that was asked for by name, else any that fits."""
    return (sys.version_info[:2],) if NAMED else FITTING


def fingerprint():
    """What the installation depends on: the two lists, and where the project lies."""
    digest = hashlib.sha256(os.fsencode(str(ROOT)))
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_installed(extras, state):
    """Whether an earlier call came to its end, with these extras or with `test`, which has them all."""
    stamps = [VENV / ("installed-" + done) for done in (extras, "test")]
    done = any(stamp.is_file() and stamp.read_text(encoding="utf-8") == state for stamp in stamps)
    return done and works(PYTHON, "pip", wanted())


def works(python, module, versions=FITTING):
    """Whether a Python starts, has a module, and is of one of the versions."""
    minors = [list(version) for version in versions]
    program = f"import sys, {module}; sys.exit(list(sys.version_info[:2]) not in {minors})"
    try:
        return subprocess.call([str(python), "-c", program], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def made_here():
    """Whether `.venv` was made in this folder and to its end: the scripts in one that was moved point to where it was.

    `activate` names the place, and is what Python writes last.
    """
    activate = SCRIPTS / "activate"
    return activate.is_file() and str(VENV) in activate.read_text(encoding="utf-8", errors="surrogateescape")


def make_venv():
    """Make `.venv` anew with the Python that runs this."""
    version = "{}.{}".format(*sys.version_info[:2])
    try:
        import ensurepip  # noqa: F401  (Debian ships it apart, with venv)
        import venv  # noqa: F401
    except ImportError:
        stop(f"This Python has no venv module. On Debian or Ubuntu: sudo apt install python{version}-venv")
    print(f"Making .venv with Python {version}.", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        stop(f"The environment {VENV} could not be made; the lines above say why. Mend that and run this again.")


def forget_half_installed():
    """Remove the traces of a pip that was killed.

    pip takes a package for installed once its METADATA lies there, and refuses to replace it without its RECORD, which
    is written last; what it was replacing lies beside it under a name with a tilde.
    """
    for site in (*VENV.glob("lib/python*/site-packages"), *VENV.glob("Lib/site-packages")):
        halves = [info for info in site.glob("*.dist-info") if not (info / "RECORD").is_file()]
        for folder in (*halves, *site.glob("~*")):
            shutil.rmtree(str(folder), ignore_errors=True)


def install(extras):
    """Let pip install the project, editable, in the versions that were tested."""
    print("Installing into .venv; the first time this takes some minutes.", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "-c", "constraints.txt", "-e", f".[{extras}]"]
    quiet = ["--quiet"] if os.environ.get("CI") else []
    # A user's pip settings may ask for --user, which an environment refuses.
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if subprocess.call(command + quiet, cwd=str(ROOT), env=environment):
        stop(
            "The installation failed; pip says above why. Without internet nothing can be installed; on a full disk "
            "3 GB are needed. Mend that and run the same command again: it goes on from here."
        )


def stop(sentence):
    """End with one sentence and an exit code that make notices."""
    sys.exit("\n" + sentence)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "lab")
    except KeyboardInterrupt:
        stop("Stopped. The same command goes on from here.")
    except OSError as error:  # a full disk, a folder that may not be written to
        stop(f"The environment could not be made ({error}). Mend that and run the same command again.")
