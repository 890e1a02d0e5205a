"""The README and its sisters: every command, file, setting and error text in them is real, and the cheap ones are run.

`tests/test_setup.py` runs `make lab`, tests/app the page, `tests/cli/test_cli.py` the way from training to an answer.
"""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from cifar_lab.cli import main
from cifar_lab.data import sketches
from cifar_lab.training import recipes
from tests.helpers.datasets import replace_load

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
FOLDERS = (".", "app", "benchmarks", "cifar_lab/**", "data", "data/models", "notebooks", "tests")
PAGES = sorted({path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*.md")} - {ROOT / "CHANGELOG.md"})
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Programs that are not ours; only how they are called is looked at.
FOREIGN = set(
    ["cd", "conda", "curl", "docker", "export", "find", "git", "jupyter", "pip", "py", "ray", "source", "tensorboard"]
)
# What others say, in the table of troubles.
SAID_BY_OTHERS = {
    "CERTIFICATE_VERIFY_FAILED",  # Python's ssl
    "Connection in use",  # gunicorn
    "Could not find cuda drivers",  # TensorFlow
    "Error displaying widget",  # JupyterLab
    "Killed",  # the shell
    "No module named 'cifar_lab'",
    "No space left on device",
    "VBox(children=...)",  # ipywidgets as text
}

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def blocks(text: str) -> list[tuple[str, str]]:
    """The code blocks of a page: language and content."""
    return re.findall(r"^```(\w*)\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    """The lines of a page's blocks that are no Python, without remarks; lines that go on are joined."""
    shell = "\n".join(content for language, content in blocks(text) if language in ("", "bash", "sh"))
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in shell.replace("\\\n", " ").splitlines())
    return [part.strip() for line in lines if line for part in re.split(r"&&|(?<=\s)\|(?=\s)", line)]


def words(command: str) -> list[str]:
    found = shlex.split(command.replace("\\", "/"))
    while found and re.fullmatch(r"[A-Z_]+=.*", found[0]):  # settings before the command
        found.pop(0)
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with what the commands name: a drawing, a folder of drawings by class, and no dataset anywhere."""
    pictures = sketches.sample_pictures(64)
    for name in ("truck", "ship"):
        (tmp_path / "FOLDER" / name).mkdir(parents=True)
        pictures[name].save(tmp_path / "FOLDER" / name / "1.png")
    pictures["truck"].save(tmp_path / "photo.jpg")
    (tmp_path / "my-photos").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "held_out.txt").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CIFAR_LAB_DATA", raising=False)
    monkeypatch.delenv("CIFAR_LAB_MODELS", raising=False)
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    monkeypatch.setattr("cifar_lab.data.cifar10.locate_cifar10", lambda: None)
    return tmp_path


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.output


# --- commands ---


def parse(command: click.Command, arguments: list[str]) -> None:
    """Let click read a command line as it would before it runs it."""
    with command.make_context(command.name, arguments) as context:
        rest = [*getattr(context, "_protected_args", ()), *context.args]
        if isinstance(command, click.Group) and rest:
            _, further, remaining = command.resolve_command(context, rest)
            parse(further, remaining)


def check_python(arguments: list[str]) -> None:
    if arguments[0] == "tools/install.py":
        assert set(arguments[1].split(",")) <= set(PROJECT["optional-dependencies"])
    elif arguments[:2] == ["-m", "waitress"]:
        assert any(text.startswith("waitress") for text in PROJECT["optional-dependencies"]["app"])  # on Windows
    elif arguments[0] == "-m":
        assert importlib.util.find_spec(arguments[1]), f"no module {arguments[1]}"
        check_installation(arguments[2:])


def check_installation(arguments: list[str]) -> None:
    for extras in re.findall(r"\.\[([a-z,]+)\]", " ".join(arguments)):
        assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])


def check_make(arguments: list[str]) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert {word for word in arguments if "=" not in word} <= targets
    assert {word.split("=")[0] for word in arguments if "=" in word} <= set(re.findall(r"\$[({](\w+)[)}]", MAKEFILE))


@every_page
def test_every_command_is_one_that_exists(path, here):
    for command in commands(path.read_text(encoding="utf-8")):
        program, *arguments = words(command) or ["source"]
        if "..." in arguments:
            continue
        if program.endswith("cifar-lab"):
            parse(main, arguments)
        elif Path(program).name in ("python", "python3"):
            check_python(arguments)
        elif program == "make":
            check_make(arguments)
        else:
            assert program in FOREIGN, command
            check_installation(arguments)


@every_page
def test_commands_and_options_in_the_text_exist(path):
    text = path.read_text(encoding="utf-8")
    for name, rest in re.findall(r"`cifar-lab ([a-z]+)([^`]*)`", text):
        known = {option for parameter in main.commands[name].params for option in parameter.opts} | {"--help"}
        assert set(re.findall(r"--[a-z-]+", rest)) <= known, f"cifar-lab {name}{rest}"
    assert set(re.findall(r"`make ([a-z]+)`", text)) <= set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


def test_every_command_has_help_and_is_in_the_readme():
    for name in main.commands:
        assert max(map(len, run(name, "--help").splitlines())) <= 100
        assert f"cifar-lab {name}" in README


def test_the_first_look_around(here):
    assert "classifier cifar10" in run("check")
    assert "No matching runs yet" in run("runs")
    assert run("predict", "photo.jpg").startswith("photo.jpg: truck 9")


def test_a_folder_is_looked_through_and_classified(here):
    assert "truck" in run("data", "check", "FOLDER")
    run("classify", "FOLDER", "--output", "answers.csv", "--workers", "1")
    rows = (here / "answers.csv").read_text().splitlines()
    assert len(rows) == 3 and sum("truck/1.png" in row and ',"truck",' in row for row in rows) == 1


@pytest.mark.parametrize("name", ["cifar10", "tutorial"])
def test_the_accuracy_in_the_readme_is_that_of_the_shipped_classifier(here, name):
    accuracy = re.search(r"accuracy\D*([\d.]+) ?%", run("evaluate", name)).group(1)
    assert f"{float(accuracy):.1f} %" in README


# --- Python ---


def test_the_library_in_a_few_lines(here, stripes, monkeypatch):
    """The README's lines as they stand, on stripes instead of ten classes, for one epoch."""
    (snippet,) = (content for language, content in blocks(README) if language == "python")
    replace_load(monkeypatch, lambda name: {"auto": stripes}[name])
    monkeypatch.setitem(recipes.RECIPES, "tutorial", recipes.get("tutorial", epochs=1))
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(here / "models"))
    names = {}
    exec(compile(snippet, "README.md", "exec"), names)
    assert names["prediction"].label in stripes.class_names
    assert names["picture"].mode == "RGB"
    assert len(names["result"].confusion) == 2
    assert (here / "models" / "my-first" / "card.json").is_file()


@every_page
def test_every_snippet_compiles(path):
    for language, content in blocks(path.read_text(encoding="utf-8")):
        if language == "python":
            compile(content, str(path), "exec")


def test_a_teacher_sees_the_answers():
    ((_, snippet),) = (
        block for block in blocks((ROOT / "notebooks" / "TEACHING.md").read_text(encoding="utf-8")) if block[0]
    )
    lines = snippet.splitlines()
    lines[-1] = f"answer = {lines[-1]}"
    names = {}
    exec("\n".join(lines), names)
    assert names["answer"] in sketches.CLASS_NAMES


# --- files, links, texts ---


def slug(heading: str) -> str:
    """How GitHub names a heading's anchor."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@every_page
def test_every_link_leads_somewhere(path):
    text = path.read_text(encoding="utf-8")
    anchors = {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("#"):
            assert target[1:] in anchors, target
        elif "://" not in target:
            assert (path.parent / target.split("#")[0]).exists(), target


@every_page
def test_every_file_that_is_named_is_here(path):
    folders = "app|benchmarks|cifar_lab|data/models|notebooks|tests|tools|\\.github"
    for name in re.findall(rf"`((?:{folders})/[\w./-]+)`", path.read_text(encoding="utf-8")):
        name = name.rstrip("/")
        assert any((place / name).exists() for place in (ROOT, path.parent)), name


def test_the_notebooks_are_all_in_both_tables():
    there = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for page in (README, (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")):
        assert set(re.findall(r"^\| `(\d\d_\w+)`", page, re.MULTILINE)) == there


def test_every_error_text_in_the_table_of_troubles_is_said_by_somebody():
    table = README.split("## When something goes wrong")[1].split("\n## ")[0]
    quoted = {text for line in table.splitlines() for text in re.findall(r"`([^`]+)`", line.rsplit(" | ", 1)[0])}
    quoted = {text for text in quoted if not text.startswith(("cifar-lab ", "make "))}
    sources = [path for folder in ("cifar_lab", "app", "tools") for path in (ROOT / folder).rglob("*.py")]
    ours = " ".join(path.read_text(encoding="utf-8") for path in sources) + MAKEFILE
    joined = re.sub(r'"\s+f?"', "", ours)  # a sentence may stand on several lines
    assert len(quoted) > 10
    assert {text for text in quoted if text not in joined} <= SAID_BY_OTHERS
    assert quoted >= SAID_BY_OTHERS


def test_every_setting_is_explained_and_no_other():
    sources = [path for folder in ("cifar_lab", "app") for path in (ROOT / folder).rglob("*.py")]
    read = {name for path in sources for name in re.findall(r'"(CIFAR_LAB_[A-Z_]+)"', path.read_text(encoding="utf-8"))}
    pages = README + (ROOT / "app" / "README.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\|.*?`(CIFAR_LAB_[A-Z_]+)`", pages, re.MULTILINE))
    assert read - explained == set()
    assert {name for name in explained if name not in read} == set()
