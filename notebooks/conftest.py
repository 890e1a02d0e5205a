"""How pytest compares the notebooks: `pytest --nbval notebooks` runs each and compares it with its stored outputs."""


def pytest_collectstart(collector):
    """Leave the error stream out of the comparison: native libraries write there, and not the same everywhere.

    That nothing is *stored* there is checked by `tests/test_notebooks.py`.
    """
    if collector.fspath and collector.fspath.ext == ".ipynb":
        collector.skip_compare += ("stderr",)
