"""The run table: grouping, figures, ranking and broken records, from records written by hand."""

import json
import statistics

import pytest

from cifar_lab.experiments import run_table
from cifar_lab.training import recipes, runs
from tests.helpers.run_records import run_card, write_run


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    monkeypatch.setenv("CIFAR_LAB_MODELS", str(tmp_path / "models"))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def rows(folder) -> list[run_table.RunRow]:
    found, problems = run_table.read_runs()
    assert problems == {}
    return run_table.run_rows(found)


def test_runs_that_differ_only_in_the_seed_are_one_row(folder):
    for seed, (validation, test, minutes) in enumerate([(0.7, 0.71, 1.0), (0.72, 0.7, 2.0), (0.77, 0.75, 6.0)]):
        card = run_card(seed, validation=validation, test=test, minutes=minutes)
        write_run(folder, f"tutorial-{seed}", card)
    [row] = rows(folder)
    assert (row.kind, row.name, row.dataset, row.train) == ("run", "tutorial", "stripes", 200)
    assert row.seeds == (0, 1, 2) and row.runs == ("tutorial-0", "tutorial-1", "tutorial-2")
    assert row.validation.mean == pytest.approx(0.73) and row.test.mean == pytest.approx(0.72)
    assert row.validation.deviation == pytest.approx(statistics.stdev([0.7, 0.72, 0.77]))
    assert (row.minutes.mean, row.minutes.count) == (3.0, 3)
    assert (row.parameters, row.bytes, row.calibration_error) == (167_562, 2_000_000, pytest.approx(0.02))


def test_a_repeated_seed_counts_once_and_evaluated_runs_are_preferred(folder):
    write_run(folder, "old", run_card(3, validation=0.5, test=0.6))
    write_run(folder, "new", run_card(3, validation=0.5, finished="2026-02-01T00:00:00+00:00"))
    write_run(folder, "other", run_card(4, validation=0.7))
    [row] = rows(folder)
    assert row.runs == ("old", "other") and row.seeds == (3, 4)
    assert (row.validation.count, row.test.count, row.test.deviation) == (2, 1, None)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"recipe": recipes.get("fast", whitening=False, widths=(8, 8))}, "fast, widths 8/8, no whitening"),
        ({"versions": {"backend": "torch"}}, "tutorial, on torch"),
        ({"recipe": {"name": "forest", "seed": 0}, "versions": {"backend": "scikit-learn"}}, "forest"),
        ({"images": "B"}, "tutorial"),
    ],
)
def test_runs_that_differ_in_more_than_the_seed_have_their_own_row(folder, changes, name):
    write_run(folder, "a", run_card(0))
    write_run(folder, "b", run_card(1, **changes))
    assert sorted(row.name for row in rows(folder)) == sorted(["tutorial", name])


def test_fields_missing_from_old_records_default_to_off(folder):
    old = run_card(0)
    del old["recipe"]["start_size"], old["recipe"]["zoom"], old["dataset"]["test_fingerprint"]
    write_run(folder, "old", old)
    write_run(folder, "new", run_card(1))
    write_run(folder, "other", run_card(recipe="fast"))
    assert [row.seeds for row in rows(folder)] == [(0, 1), (0,)]
    assert len(run_table.rank_rows(rows(folder))) == 1  # the same test images


def test_a_result_on_other_test_images_is_ignored(folder):
    card = run_card(0, test=0.99)
    card["metrics"]["test"] |= {"test_fingerprint": "those of another dataset"}
    write_run(folder, "a", card)
    [row] = rows(folder)
    assert row.test is None and row.calibration_error is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ("{}", "has no recipe and no dataset and no metrics and no versions"),
        (json.dumps(run_card() | {"minutes": "long"}), "has no minutes"),
        (json.dumps(run_card() | {"recipe": {"name": 3}}), "has no recipe name"),
        (json.dumps(run_card() | {"metrics": {"validation": {"accuracy": True}}}), "has no accuracy"),
    ],
)
def test_a_broken_record_is_reported_and_the_others_are_read(folder, content, sentence):
    write_run(folder, "good", run_card())
    (folder / "broken").mkdir()
    (folder / "broken" / "run.json").write_text(content)
    (folder / "unfinished").mkdir()
    found, problems = run_table.read_runs()
    assert [run.folder.name for run in found] == ["good"]
    assert list(problems) == ["broken"] and sentence in problems["broken"]


def test_written_records_are_short_and_give_the_same_rows(folder, tmp_path):
    card = run_card(1, test=0.7)
    card["metrics"]["test"] |= {"confusion": [[1]], "classes": [], "predictions": {"sha256": "0"}}
    write_run(folder, "a", card)
    run_table.write_records(run_table.read_runs()[0], tmp_path / "records")
    found, problems = run_table.read_runs(tmp_path / "records")
    assert problems == {} and run_table.run_rows(found) == rows(folder)
    text = (tmp_path / "records" / "a.json").read_text()
    assert "confusion" not in text and "sha256" not in text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("test", [["better", "good", "unmeasured"], ["elsewhere"]]),
        ("validation", [["elsewhere"], ["unmeasured", "good", "better"]]),
        ("minutes", [["elsewhere"], ["unmeasured", "better", "good"]]),
    ],
)
def test_rows_are_ranked_per_set_of_test_images(folder, sort, expected):
    for name, test, validation, minutes, images in [
        ("good", 0.9, 0.5, 3, "A"),
        ("better", 0.95, 0.4, 2, "A"),
        ("unmeasured", None, 0.99, 1, "A"),
        ("elsewhere", 0.99, 0.3, 9, "B"),
    ]:
        recipe = recipes.get("tutorial").changed(name=name)
        card = run_card(test=test, validation=validation, minutes=minutes, images=images, recipe=recipe)
        write_run(folder, name, card)
    assert sorted([row.name for row in section] for section in run_table.rank_rows(rows(folder), sort)) == expected


def test_classifiers_have_their_own_rows(folder, tmp_path):
    card = {
        "name": "mine",
        "class_names": ["level", "upright"],
        "input_size": 16,
        "temperature": 1.0,
        "known_threshold": 0.5,
        "files": {"model.tflite": {"sha256": "0", "bytes": 1234}},
        "trained": {"minutes": 2.5, "dataset": run_card()["dataset"], "recipe": {"seed": 7}},
        "metrics": run_card(test=0.8)["metrics"],
    }
    for name, content in (("mine", card), ("broken", {})):
        (tmp_path / "models" / name).mkdir(parents=True)
        (tmp_path / "models" / name / "card.json").write_text(json.dumps(content))
    write_run(folder, "run", run_card(test=0.7))
    found, problems = run_table.classifier_rows()
    assert list(problems) == ["broken"] and "class_names" in problems["broken"]
    [section] = run_table.rank_rows(rows(folder) + found)  # the same test images
    assert [(row.kind, row.name) for row in section] == [("classifier", "mine"), ("run", "tutorial")]
    assert (section[0].bytes, section[0].minutes.mean, section[0].test.mean) == (1234, 2.5, 0.8)


def test_a_finished_run_is_found_by_recipe_seed_dataset_and_backend(folder):
    write_run(folder, "first", run_card(1))
    write_run(folder, "broken", {})
    facts = run_card()["dataset"]
    recipe = recipes.get("tutorial", seed=1)
    assert runs.find_finished_run(recipe, facts).folder.name == "first"
    assert runs.find_finished_run(recipe, facts, backend="torch") is None
    assert runs.find_finished_run(recipe, facts | {"fingerprint": "another"}) is None
    assert runs.find_finished_run(recipe.changed(epochs=9), facts) is None


def test_add_metrics_keeps_metrics_that_were_added_meanwhile(folder):
    write_run(folder, "a", run_card())
    first, second = runs.open_run("a"), runs.open_run("a")
    first.add_metrics(one={"accuracy": 0.1})
    assert second.add_metrics(two={"accuracy": 0.2}).record["metrics"]["one"] == {"accuracy": 0.1}
