"""A guard over the stored notebooks, and a test of the test: nbval must notice when a stored fact is wrong.

Running the notebooks is nbval's part: `make test` calls it too.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXEMPT = ("NBVAL_IGNORE_OUTPUT", "NBVAL_SKIP", "nbval-ignore-output", "nbval-skip")
MACHINE_PATHS = re.compile(r"/(home|root|tmp|work|Users|opt)/|[A-Z]:\\\\")

every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path):
    return nbformat.read(path, as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]


def test_there_are_notebooks():
    there = {int(path.stem[:2]) for path in NOTEBOOKS}
    assert set(range(1, 10)) == there


@every_notebook
def test_is_a_valid_notebook_run_from_top_to_bottom(path):
    notebook = read(path)
    nbformat.validate(notebook)
    counts = [cell.execution_count for cell in code_cells(notebook)]
    # A cell without a count is compared by nbval with nothing at all.
    assert counts == list(range(1, len(counts) + 1))


@every_notebook
def test_stores_no_errors_and_no_error_stream(path):
    outputs = [output for cell in code_cells(read(path)) for output in cell.outputs]
    assert [o for o in outputs if o.output_type == "error"] == []
    assert [o.text for o in outputs if o.output_type == "stream" and o.name == "stderr"] == []


@every_notebook
def test_stores_nothing_of_the_machine_that_ran_it(path):
    notebook = read(path)
    assert "widgets" not in notebook.metadata
    assert "version" not in notebook.metadata.get("language_info", {})
    assert not any("execution" in cell.metadata for cell in notebook.cells)
    assert not MACHINE_PATHS.findall(path.read_text(encoding="utf-8"))


@every_notebook
def test_is_small(path):
    assert path.stat().st_size < 1_500_000


@every_notebook
def test_nearly_every_cell_is_compared(path):
    cells = code_cells(read(path))
    exempt = [c for c in cells if any(t in c.source or t in c.metadata.get("tags", []) for t in EXEMPT)]
    assert len(exempt) <= 0.2 * len(cells)


@every_notebook
def test_every_figure_has_a_description(path):
    for cell in code_cells(read(path)):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                description = output.data["text/plain"]
                assert len(description) > 40, f"too short to picture it: {description!r}"
                assert "<Figure" not in description


@every_notebook
def test_code_cells_are_short_and_stand_between_prose(path):
    cells = read(path).cells
    for cell in code_cells(read(path)):
        assert len([line for line in cell.source.splitlines() if line.strip()]) <= 12, cell.source
    in_a_row = 0
    for cell in cells:
        in_a_row = in_a_row + 1 if cell.cell_type == "code" else 0
        assert in_a_row <= 2, f"three code cells in a row, the last: {cell.source!r}"


@every_notebook
def test_opens_and_closes_as_the_others_do(path):
    notebook = read(path)
    opening = notebook.cells[0].source + notebook.cells[1].source
    for phrase in ("What you'll do", "What you'll learn", "What you'll need", "minutes on 2 cores"):
        assert phrase in opening
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for heading in ("## Recap", "## Exercises"):
        assert heading in text


def run_nbval(path: Path) -> subprocess.CompletedProcess:
    options = ["--nbval", "--nbval-current-env", f"--nbval-sanitize-with={ROOT / 'notebooks' / 'sanitize.cfg'}"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, str(path)]
    environment = os.environ | {"CIFAR_LAB_DATASET": "sketches", "TQDM_DISABLE": "1"}
    return subprocess.run(command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300)


def test_a_wrong_stored_fact_is_noticed(tmp_path):
    """Cut the first notebook after its first printed number, change that number, and let nbval judge it.

    That nbval finds no fault with the right ones is seen in the run over all notebooks, in `make test`.
    """
    notebook = read(ROOT / "notebooks" / "01_dataset.ipynb")
    position, number = next(
        (position, number)
        for position, cell in enumerate(notebook.cells)
        for number, output in enumerate(cell.get("outputs", []))
        if output.output_type == "stream" and re.search(r"\d", output.text)
    )
    notebook.cells = notebook.cells[: position + 1]
    (tmp_path / "conftest.py").write_text((ROOT / "notebooks" / "conftest.py").read_text())
    stored = notebook.cells[-1].outputs[number]
    stored.text = re.sub(r"\d", lambda digit: str((int(digit.group()) + 1) % 10), stored.text, count=1)
    nbformat.write(notebook, tmp_path / "wrong.ipynb")
    wrong = run_nbval(tmp_path / "wrong.ipynb")
    assert wrong.returncode == 1, wrong.stdout
    assert "1 failed" in wrong.stdout
