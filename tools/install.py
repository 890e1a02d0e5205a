"""Make `.venv` and install the project into it: `python3 tools/install.py lab`.

The Makefile calls this file, which needs nothing but Python itself. Every failure ends in one sentence that says what
to do. The next call repairs a broken or half-made environment, and does nothing if everything is up to date.
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
SUPPORTED = ((3, 13), (3, 12), (3, 11))
NAMED = bool(os.environ.get("PYTHON"))  # make lab PYTHON=python3.12: make passes its variables on


def main(extras):
    """Install the project with extras of pyproject.toml, such as `lab` or `app,lab`."""
    use_supported_python(extras)
    state = fingerprint()
    if is_installed(extras, state):
        return
    for stamp in VENV.glob("installed-*"):  # if this is killed from here on, it has to be done again
        stamp.unlink()
    if not (made_here() and works(PYTHON, "pip", allowed_versions())):
        make_venv()
    forget_half_installed()
    install(extras)
    (VENV / ("installed-" + extras)).write_text(state, encoding="utf-8")


def use_supported_python(extras):
    """Return if this Python is supported; otherwise restart with one that is, or stop."""
    if sys.version_info[:2] in SUPPORTED:
        return
    this = "{}.{}".format(*sys.version_info[:2])
    others = (shutil.which("python{}.{}".format(*version)) for version in SUPPORTED)
    other = next((python for python in others if python and works(python, "ensurepip")), None)
    if other and not NAMED:
        print(f"Python {this} is not supported; using {os.path.basename(other)} instead.", flush=True)
        sys.exit(subprocess.call([other, __file__, extras]))
    fix = "Name an installed one" if other else "Install one from python.org or your system's packages, then name it"
    named = os.path.basename(other) if other else "python3.12"
    stop(f"Python 3.11, 3.12 or 3.13 is needed, but this is {this}. {fix}: make lab PYTHON={named}")


def allowed_versions():
    """Return the versions that `.venv` may have: the one asked for by name, otherwise all supported ones."""
    return (sys.version_info[:2],) if NAMED else SUPPORTED


def fingerprint():
    """Return a hash of what the installation depends on: the two package lists and the project's path."""
    digest = hashlib.sha256(os.fsencode(str(ROOT)))
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_installed(extras, state):
    """Tell whether an earlier call finished, with these extras or with `test`, which includes all."""
    stamps = [VENV / ("installed-" + done) for done in (extras, "test")]
    done = any(stamp.is_file() and stamp.read_text(encoding="utf-8") == state for stamp in stamps)
    return done and works(PYTHON, "pip", allowed_versions())


def works(python, module, versions=SUPPORTED):
    """Tell whether a Python starts, has a module, and is one of the versions."""
    minors = [list(version) for version in versions]
    program = f"import sys, {module}; sys.exit(list(sys.version_info[:2]) not in {minors})"
    try:
        return subprocess.call([str(python), "-c", program], stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def made_here():
    """Tell whether `.venv` was completed, in this folder: the scripts of one that was moved point to its old path.

    `activate` contains the path, and is the last file that Python writes.
    """
    activate = SCRIPTS / "activate"
    return activate.is_file() and str(VENV) in activate.read_text(encoding="utf-8", errors="surrogateescape")


def make_venv():
    """Create `.venv` from scratch with the Python that runs this."""
    version = "{}.{}".format(*sys.version_info[:2])
    try:
        import ensurepip  # noqa: F401  (a separate package on Debian, with venv)
        import venv  # noqa: F401
    except ImportError:
        stop(f"This Python has no venv module. On Debian or Ubuntu: sudo apt install python{version}-venv")
    print(f"Making .venv with Python {version}.", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]):
        stop(f"The environment {VENV} could not be made; the lines above say why. Fix that and run this again.")


def forget_half_installed():
    """Remove what a killed pip left behind.

    pip regards a package as installed once its METADATA exists, and refuses to replace it without its RECORD, which is
    written last; the package being replaced is next to it, under a name with a tilde.
    """
    for site in (*VENV.glob("lib/python*/site-packages"), *VENV.glob("Lib/site-packages")):
        halves = [info for info in site.glob("*.dist-info") if not (info / "RECORD").is_file()]
        for folder in (*halves, *site.glob("~*")):
            shutil.rmtree(str(folder), ignore_errors=True)


def install(extras):
    """Install the project with pip, editable, in the tested versions."""
    print("Installing into .venv; this takes a few minutes the first time.", flush=True)
    command = [str(PYTHON), "-m", "pip", "install", "-c", "constraints.txt", "-e", f".[{extras}]"]
    quiet = ["--quiet"] if os.environ.get("CI") else []
    # A user's pip settings may contain --user, which pip refuses inside an environment.
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    if subprocess.call(command + quiet, cwd=str(ROOT), env=environment):
        stop(
            "The installation failed; pip's messages above say why. It needs internet and 3 GB of disk space. Fix the "
            "problem and run the same command again: it resumes from here."
        )


def stop(sentence):
    """Exit with one sentence and a status that tells make of the failure."""
    sys.exit("\n" + sentence)


if __name__ == "__main__":
    try:
        main(sys.argv[1] if len(sys.argv) > 1 else "lab")
    except KeyboardInterrupt:
        stop("Stopped. Run the same command again to resume.")
    except OSError as error:  # such as a full disk or a read-only folder
        stop(f"The environment could not be made ({error}). Fix that and run the same command again.")
