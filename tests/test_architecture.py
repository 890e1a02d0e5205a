"""The house: what each floor may lean on, what a light installation needs, and what may not lie about."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
# A package imports from those before it, never from those after it.
PACKAGES = (
    *("core", "images", "data", "evaluation", "inference", "models", "explain"),
    *("training", "experiments", "plots", "lessons", "cli"),
)
HEAVY = ("tensorflow", "keras", "matplotlib", "sklearn", "scipy", "ipywidgets", "IPython")


def package_of(path: Path) -> str:
    return path.relative_to(ROOT / "cifar_lab").parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    """The modules of cifar_lab that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "cifar_lab":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cifar_lab."):
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "cifar_lab").rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_package_imports_only_from_those_before_it(path):
    package = package_of(path)
    if package == "__init__":
        assert imports_of(path) == set()
    elif package in PACKAGES:
        later = set(PACKAGES[PACKAGES.index(package) + 1 :])
        assert imports_of(path) & later == set()


def test_the_tree_holds_packages_only():
    packages = {path.parent.name for path in (ROOT / "cifar_lab").glob("*/__init__.py")}
    assert packages == set(PACKAGES)
    assert {path.name for path in (ROOT / "cifar_lab").glob("*.py")} == {"__init__.py", "__main__.py"}


def python(program: str, *arguments) -> str:
    command = [sys.executable, "-c", program, *map(str, arguments)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


REFUSE = f"""
import sys

class Refuse:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {HEAVY}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
"""


def test_predicting_needs_no_tensorflow(tmp_path, stripes):
    from PIL import Image

    from cifar_lab import models
    from cifar_lab.training.export import export_model

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CIFAR_LAB_MODELS", str(tmp_path))
        expected = export_model(models.build("tutorial", class_count=2, input_size=16), stripes, "stripes")
    Image.fromarray(stripes.test.images[0]).save(tmp_path / "picture.png")
    program = REFUSE + (
        "import cifar_lab, cifar_lab.images, cifar_lab.cli.environment\n"
        "from cifar_lab.inference.classifier import Classifier\n"
        "print(Classifier.load(sys.argv[1]).predict(sys.argv[2]).score)"
    )
    score = float(python(program, tmp_path / "stripes", tmp_path / "picture.png"))
    assert score == pytest.approx(expected.predict(tmp_path / "picture.png").score, abs=1e-6)


def test_the_command_line_says_what_to_install():
    program = REFUSE + "from cifar_lab.cli import main; main(['train', '--dataset', 'sketches'])"
    result = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 1
    assert "is not installed here. Install the lab: python -m pip install" in result.stderr
    assert "Traceback" not in result.stderr


def test_importing_the_package_costs_nothing():
    loaded = python(
        "import sys; before = set(sys.modules); import cifar_lab; print(*set(sys.modules) - before)"
    ).split()
    assert set(loaded) == {"cifar_lab"}


# --- set-up ---


def requirements() -> dict[str, list[str]]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {"core": project["dependencies"], **project["optional-dependencies"]}


def name_of(requirement: str) -> str:
    return re.match(r"[A-Za-z0-9._-]+", requirement).group().lower()


def test_environment_yml_lists_no_package_of_its_own():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("- ")]
    assert lines == ["- conda-forge", "- python=3.12", "- pip", "- pip:", "- -c constraints.txt", "- -e .[app,lab]"]
    assert {"app", "lab"} <= set(requirements())


def test_constraints_are_names_and_exact_versions_only():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", line)] == []


def test_everything_we_ask_for_has_a_version_that_was_tested():
    constrained = {line.split("==")[0].lower() for line in (ROOT / "constraints.txt").read_text().splitlines()}
    wanted = {name_of(r) for group in requirements().values() for r in group if "Windows'" not in r or "!=" in r}
    assert wanted - {"cifar-lab"} <= constrained


def test_nothing_is_listed_twice():
    names = [name_of(requirement) for group in requirements().values() for requirement in group]
    assert len(names) == len(set(names))


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_path_of_a_machine_or_a_package_registry():
    # Put together here, so that this file does not name them either.
    forbidden = re.compile("|".join(("/" + "root/", "/" + "work/", "/home/" + "u", "index" + "-url", "/simple" + "/")))
    text_endings = (".py", ".md", ".toml", ".txt", ".yml", ".ipynb", ".json", ".cfg", "")
    texts = {path.name: path.read_text(encoding="utf-8") for path in tracked() if path.suffix in text_endings}
    assert {name: forbidden.findall(text) for name, text in texts.items() if forbidden.search(text)} == {}


def test_no_picture_is_committed_but_our_own():
    pictures = [
        path for path in tracked() if path.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp", ".npz", ".npy", ".gif")
    ]
    kept = [f"data/models/{name}/test_predictions.npz" for name in ("cifar10", "digits", "tutorial")]
    kept += ["notebooks/upload_classifier.png", "app/page.png"]  # the widget and the page with our own drawings
    assert [name for path in pictures if (name := path.relative_to(ROOT).as_posix()) not in kept] == []


def test_kept_predictions_hold_no_pictures():
    for path in tracked():
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as kept:
                assert {name: kept[name].ndim for name in kept.files} == {"probabilities": 2, "labels": 1}


def test_gitignore_spares_the_data_package():
    assert ROOT / "cifar_lab" / "data" / "cifar10.py" in tracked()
    for path, ignored in (("data/cifar-10-batches-py/x", True), ("data/models/mine/card.json", True), ("runs/x", True)):
        result = subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT)
        assert (result.returncode == 0) == ignored, path


@pytest.fixture
def checkout(tmp_path):
    """What tools/install.py needs, in a folder with a space and an umlaut in its name."""
    folder = tmp_path / "my läb"
    (folder / "tools").mkdir(parents=True)
    for name in ("tools/install.py", "pyproject.toml", "constraints.txt"):
        (folder / name).write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def install(checkout, before: str = ""):
    """Run tools/install.py after some lines that change the Python it finds itself in."""
    run = "runpy.run_path('tools/install.py', run_name='__main__')"
    program = f"import sys, runpy\nsys.argv = ['install.py', 'lab']\n{before}\n{run}"
    return subprocess.run([sys.executable, "-c", program], cwd=checkout, capture_output=True, text=True)


def test_a_wrong_python_ends_in_one_sentence(checkout):
    result = install(checkout, "import shutil; sys.version_info = (3, 10, 2); shutil.which = lambda _: None")
    assert result.returncode == 1
    assert result.stderr.strip().startswith("Python 3.11, 3.12 or 3.13 is needed, but this is 3.10.")
    assert "make lab PYTHON=" in result.stderr


def test_a_missing_venv_module_ends_in_one_sentence(checkout):
    result = install(checkout, "sys.modules['ensurepip'] = None")
    assert result.returncode == 1
    assert "sudo apt install python3." in result.stderr
    assert "Traceback" not in result.stderr


def test_a_failed_installation_ends_in_one_sentence_and_is_tried_again(checkout):
    failing = "import subprocess; subprocess.call = lambda *_, **__: 1"
    for _ in range(2):
        result = install(checkout, failing)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert "could not be made" in result.stderr or "installation failed" in result.stderr
    assert not list(checkout.glob(".venv/installed-*"))


def test_a_finished_installation_is_not_done_again(checkout):
    calls = (
        "import subprocess, pathlib\n"
        "def call(command, **_):\n"
        "    print('CALL', *command[1:3], flush=True)\n"
        "    pathlib.Path('.venv').mkdir(exist_ok=True)\n"
        "    return 0\n"
        "subprocess.call = call"
    )
    first, second = (install(checkout, calls).stdout for _ in range(2))
    assert "CALL -m venv" in first and "CALL -m pip" in first
    assert "CALL -m venv" not in second and "CALL -m pip" not in second
    (checkout / "constraints.txt").write_text("numpy==2.4.6\n")
    assert "CALL -m pip" in install(checkout, calls).stdout
