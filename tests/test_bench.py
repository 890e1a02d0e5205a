"""`make bench`: its table against sums done by hand, its record, and what it says of what it can't measure."""

import json

import pytest
from click.testing import CliRunner

from benchmarks import __main__ as bench
from benchmarks import measure, record, start, suite
from benchmarks.measure import LeftOut, Row


def test_a_ratio_is_above_one_when_ours_is_better():
    assert Row("time", [10.0, 30.0], [5.0, 10.0]).ratios == [2.0, 3.0]
    assert Row("rate", [10.0, 30.0], [50.0, 60.0], more_is_better=True).ratios == [5.0, 2.0]


def test_a_line_has_medians_the_ratio_and_its_spread():
    row = Row("memory", [400.0, 600.0, 500.0], [40.0, 50.0, 200.0], unit="MB")
    # The ratios of the rounds are 10, 12 and 2.5: their median is 10, though that of the medians would be 10 too.
    assert row.line() == "| memory | 500 MB | 50 MB | **10** | 3: 2.5 to 12 |"
    assert Row("tests", [], [9.44], unit="min").line() == "| tests | - | 9.4 min | - | 1 |"


def test_a_hundred_rounds_say_what_99_of_them_stay_within():
    times = [float(ms) for ms in range(1, 102)]  # 1 to 101: the 99th percentile is 100, by hand
    assert Row("answers", times[::-1], times).line().startswith("| answers | 51 ms (p99 100) | 51 ms (p99 100) |")
    assert "p99" in Row("just enough", times[1:], times[1:]).line()
    assert "p99" not in Row("too few", times[2:], times[2:]).line()
    assert "p99" not in Row("rates", times, times, more_is_better=True).line()


def test_files_are_compared_in_megabytes(tmp_path):
    for name, size in (("model.keras", 6_000_000), ("model.tflite", 1_500_000)):
        with open(tmp_path / name, "wb") as file:
            file.truncate(size)
    assert start._sizes(tmp_path).line().endswith("| 6 MB | 1.5 MB | **4** | 1 |")


def test_a_machine_is_told_from_another_of_the_same_name(monkeypatch):
    told = {"model name": "AMD EPYC", "flags": "fpu avx2 avx512f"}
    monkeypatch.setattr(record, "_told", told.get)
    assert (record.machine()["model"], record.machine()["vectors"]) == ("AMD EPYC", "AVX-512")
    monkeypatch.setitem(told, "flags", "")
    assert record.machine()["vectors"] == ""


@pytest.mark.parametrize(
    ("figure", "expected"), [(12345.6, "12,346"), (34.4, "34"), (7.21, "7.2"), (0.194, "0.19"), (0.0, "0")]
)
def test_figures_have_as_many_digits_as_mean_something(figure, expected):
    assert measure.short(figure) == expected


def test_two_ways_take_turns_and_the_first_round_does_not_count(monkeypatch):
    done, clock = [], iter([0, 9, 9, 10, 20, 23, 30, 31])  # seconds: the first round takes 9 and 1, the next 3 and 1
    monkeypatch.setattr(measure.time, "perf_counter", lambda: next(clock))
    ways = (lambda: done.append("usual"), lambda: done.append("ours"))
    row = measure.compare("turns", *ways, rounds=1, items=6)
    assert done == ["usual", "ours"] * 2
    assert (row.usual, row.ours, row.ratios) == ([2.0], [6.0], [3.0])


@pytest.fixture
def run(tmp_path, monkeypatch):
    """`python -m benchmarks` with two measurements that take no time, and a folder of its own for the record."""

    def measured(name, *, quick):
        if name == "page":
            return [], "it needs Linux."
        return [Row(f"{name} {'roughly' if quick else 'well'}", [4.0], [2.0])], ""

    monkeypatch.setattr(bench, "measured", measured)
    monkeypatch.setattr(bench, "MEASUREMENTS", {"decode": "a", "page": "b"})
    monkeypatch.setattr(record, "FOLDER", tmp_path)
    return lambda *arguments: CliRunner().invoke(bench.main, arguments)


def test_each_measurement_is_recorded_and_printed(run, tmp_path):
    result = run()
    assert result.exit_code == 0, result.output
    assert "| decode well | 4 ms | 2 ms | **2** | 1 |" in result.stdout
    kept = json.loads((tmp_path / "last_run.json").read_text())
    assert kept["measurements"]["decode"]["rows"][0]["usual"] == [4.0]
    assert kept["measurements"]["page"]["left_out"] == "it needs Linux."
    text = (tmp_path / "last_run.md").read_text()
    assert "- page: it needs Linux." in text and kept["versions"]["numpy"] in text
    assert "| decode well | 4 ms | 2 ms |" in text


def test_one_measurement_replaces_only_its_own_figures_and_a_rough_look_none(run, tmp_path):
    run()
    path = tmp_path / "last_run.json"
    kept = json.loads(path.read_text())
    kept["measurements"]["decode"]["rows"][0]["ours"] = [1.0]
    path.write_text(json.dumps(kept))
    run("--only", "page")
    assert json.loads(path.read_text())["measurements"]["decode"]["rows"][0]["ours"] == [1.0]
    assert "roughly" in run("--quick").stdout
    assert json.loads(path.read_text())["measurements"]["decode"]["rows"][0]["ours"] == [1.0]
    run("--only", "decode")
    assert json.loads(path.read_text())["measurements"]["decode"]["rows"][0]["ours"] == [2.0]


@pytest.mark.parametrize("spoil", [lambda kept: kept["versions"].update(numpy="1.0"), lambda kept: kept.clear()])
def test_figures_of_another_machine_or_version_are_not_mixed_in(run, tmp_path, spoil):
    run()
    path = tmp_path / "last_run.json"
    kept = json.loads(path.read_text())
    spoil(kept)
    path.write_text(json.dumps(kept))
    assert record.begin()["measurements"] == {}


def test_every_measurement_is_a_module_that_measures():
    for name in bench.MEASUREMENTS:
        assert (record.FOLDER / f"{name}.py").is_file()
    result = CliRunner().invoke(bench.main, ["--list"])
    assert [line.split()[0] for line in result.output.splitlines()] == list(bench.MEASUREMENTS)


SUITE = '<testsuites><testsuite tests="{}" failures="{}" errors="0" skipped="2" time="{}"/></testsuites>'


def test_the_minutes_of_the_tests_come_from_what_pytest_wrote(tmp_path):
    with pytest.raises(LeftOut, match=r"no whole tests\.xml"):
        suite.measure(folder=tmp_path)
    (tmp_path / "tests.xml").write_text(SUITE.format(1200, 0, 480.0))
    (tmp_path / "notebooks.xml").write_text(SUITE.format(200, 0, 90.0))
    tests, notebooks = suite.measure(folder=tmp_path)
    assert (tests.what, tests.ours) == ("`make test`: 1,200 tests", [8.0])
    assert (notebooks.what, notebooks.ours) == ("`make test`: 200 notebook cells", [1.5])
    (tmp_path / "tests.xml").write_text(SUITE.format(1200, 3, 480.0))
    with pytest.raises(LeftOut, match="3 of 1200 tests failed"):
        suite.measure(folder=tmp_path)
