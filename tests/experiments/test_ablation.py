"""Ablation: which recipes are trained, resuming, and the summary of run records against hand calculation."""

import numpy as np
import pytest
from scipy import stats

from cifar_lab import plots, training
from cifar_lab.core import paths
from cifar_lab.experiments import ablation, evaluate, run_table
from cifar_lab.training import recipes, runs
from tests.helpers.run_records import run_card, write_run

SMALL = recipes.get("fast", name="small", widths=(4, 4), epochs=1, batch_size=100, learning_rate=0.1)


def test_each_variant_lacks_exactly_one_trick():
    base = recipes.get("fast-mini")
    lacking = ablation.without_each("fast-mini")
    changed = {
        trick: {key: value for key, value in recipe.to_dict().items() if value != base.to_dict()[key] and key != "name"}
        for trick, recipe in lacking.items()
    }
    assert len(changed) == 12 and lacking["flip"].name == "fast-mini without flip"
    assert changed["momentum"] == {"momentum": 0.0, "learning_rate": pytest.approx(0.75 / 0.15)}
    assert changed["alternating flip"] == {"flip": "random"} and changed["flip"] == {"flip": "none"}
    assert {trick for trick, fields in changed.items() if len(fields) != 1} == {"momentum", "schedule"}


def test_without_the_schedule_the_mean_learning_rate_is_the_same():
    from cifar_lab.training.optimizers import triangular_schedule

    mean = np.mean([triangular_schedule(step, 10_000) for step in range(10_000)])
    lacking = ablation.without_each("fast")["schedule"]
    assert lacking.learning_rate == pytest.approx(recipes.get("fast").learning_rate * mean, rel=1e-3)


def test_unused_tricks_are_not_ablated():
    assert ablation.without_each("tutorial") == {}
    assert "alternating flip" not in ablation.without_each(recipes.get("tutorial", flip="random"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("cifar_lab.core.paths.runs_folder", lambda: tmp_path / "runs")
    return tmp_path / "runs"


@pytest.fixture
def trained(folder, stripes, monkeypatch):
    """Replace training by a stub that writes a record; return the list of (recipe, seed) that it was called with."""
    calls = []

    def train(dataset, recipe, *, resume, **_):
        assert resume
        calls.append((recipe.name, recipe.seed))
        name = f"{recipe.name}-{recipe.seed}".replace(" ", "-")
        write_run(folder, name, run_card(recipe.seed, recipe=recipe, dataset=runs.describe_dataset(dataset)))
        return runs.open_run(name)

    def probabilities(run, images, **_):
        wrong = 10 if "without" in run.folder.name else 4 + run.record["recipe"]["seed"]
        right = np.arange(len(images)) >= wrong
        predicted = np.where(right, stripes.test.labels, 1 - stripes.test.labels)
        return np.eye(2, dtype=np.float32)[predicted] * 0.5 + 0.25

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(runs.Run, "probabilities", probabilities)
    return calls


def test_recipes_are_trained_seed_by_seed_and_only_once(trained, stripes, monkeypatch):
    def kill(run, *_, **__):
        raise KeyboardInterrupt

    names = ["small", "small without shift", "small without look-ahead"]
    options = {"tricks": ["shift", "look-ahead"], "progress": False}
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(evaluate, "evaluate_mirror", kill)
        ablation.run_ablation(stripes, SMALL, seeds=2, **options)
    assert trained == [("small", 0)]  # evaluated again below, not trained
    found = ablation.run_ablation(stripes, SMALL, seeds=2, **options)
    assert trained == [(name, seed) for seed in (0, 1) for name in names]
    assert [run.record["recipe"]["name"] for run in found] == names * 2
    result = ablation.summarise_ablation(ablation.run_ablation(stripes, SMALL, seeds=3, **options))
    assert trained[6:] == [(name, 2) for name in names]
    assert result.full.accuracies == (0.9, 0.875, 0.85)
    assert result.tricks[0].lost == pytest.approx(0.125) and result.tricks[0].accuracies == (0.75,) * 3


def test_a_diverged_run_is_left_out(trained, stripes, monkeypatch, capsys):
    real = training.train

    def explode(dataset, recipe, **options):
        if "momentum" in recipe.name:
            raise training.DivergedError("The loss is no longer a number.")
        return real(dataset, recipe, **options)

    monkeypatch.setattr(training, "train", explode)
    found = ablation.run_ablation(stripes, SMALL, seeds=1, tricks=["momentum", "shift"])
    assert [run.record["recipe"]["name"] for run in found] == ["small", "small without shift"]
    printed = capsys.readouterr().out
    assert "Left out small without momentum, seed 0: The loss is no longer" in printed
    assert "3 of 3: small without shift, seed 0" in printed


def test_an_unused_trick_is_refused(stripes):
    with pytest.raises(ValueError, match="small does not use zoom"):
        ablation.run_ablation(stripes, SMALL, tricks=["zoom"])


def test_an_ablation_without_stubs(folder, stripes):
    base = recipes.get("tutorial", name="small", epochs=1, batch_size=100)
    [run] = ablation.run_ablation(stripes, base, seeds=1, progress=False)
    predict = run.load_model().predict_on_batch
    views = [predict(images) for images in (stripes.test.images, stripes.test.images[:, :, ::-1])]
    both = np.exp(np.mean(np.log(views), axis=0)).argmax(axis=1)  # the mean of the logits
    one, two = (np.mean(predicted == stripes.test.labels) for predicted in (views[0].argmax(axis=1), both))
    result = ablation.summarise_ablation([run])
    assert result.full.accuracies == (two,)
    assert [(trick.name, trick.accuracies) for trick in result.tricks] == [(ablation.MIRROR, (one,))]


# --- the summary of run records ---

FULL, NO_SHIFT, NO_FLIP = (0.80, 0.82, 0.81), (0.70, 0.74, 0.72), (0.81, 0.80, 0.83)
ONE_VIEW = (0.79, 0.81, 0.79)


@pytest.fixture
def found(tmp_path):
    """Return nine hand-written runs of an ablation."""
    for recipe, accuracies in (("fast", FULL), ("fast without shift", NO_SHIFT), ("fast without flip", NO_FLIP)):
        for seed, accuracy in enumerate(accuracies):
            one_view = ONE_VIEW[seed] if recipe == "fast" else 0.1
            card = run_card(seed, recipe=recipes.get("fast", name=recipe), test=one_view, minutes=2.0 + seed)
            card["metrics"]["test_mirror"] = card["metrics"]["test"] | {"accuracy": accuracy}
            write_run(tmp_path / "cards", f"{recipe}-{seed}", card)
    return run_table.read_runs(tmp_path / "cards")[0]


def test_the_summary_against_hand_calculation(found):
    result = ablation.summarise_ablation(found)
    assert (result.recipe, result.dataset, result.full.accuracies) == ("fast", "stripes", FULL)
    assert [trick.name for trick in result.tricks] == ["shift", ablation.MIRROR, "flip"]
    shift, mirror, flip = result.tricks
    assert shift.lost == pytest.approx(0.09) and shift.minutes == 3.0
    assert shift.difference.p_value == pytest.approx(stats.ttest_ind(FULL, NO_SHIFT, equal_var=False).pvalue)
    assert mirror.lost == pytest.approx(0.04 / 3)
    assert mirror.difference.p_value == pytest.approx(stats.ttest_rel(FULL, ONE_VIEW).pvalue)
    assert flip.lost == pytest.approx(-0.01 / 3)
    lines = result.table().splitlines()
    assert lines[2] == "| nothing: the full recipe | 81.0 ± 1.0 % |  | - | 3.0 | 3 |"
    assert lines[3].startswith("| shift | 72.0 ± 2.0 % | 9.0 | ")


def test_a_single_seed_has_no_interval(found):
    result = ablation.summarise_ablation([run for run in found if run.record["recipe"]["seed"] == 0])
    assert [trick.difference for trick in result.tricks] == [None] * 3
    assert "| shift | 70.0 % | 10.0 | - | 2.0 | 1 |" in result.table()
    assert len(plots.ablation_bars(result).axes[0].patches) == 3


def test_runs_of_no_full_recipe_or_of_two_datasets_are_refused(found):
    with pytest.raises(ValueError, match="one full recipe on one dataset; the full recipes are: none"):
        ablation.summarise_ablation([run for run in found if "without" in run.record["recipe"]["name"]])
    found[0].record["dataset"]["fingerprint"] = "another"
    with pytest.raises(ValueError, match="one full recipe on one dataset"):
        ablation.summarise_ablation(found)


def test_bars_show_the_points_lost_and_are_grey_without_significance(found):
    result = ablation.summarise_ablation(found)
    axes = plots.ablation_bars(result).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([9, 4 / 3, -1 / 3])
    significant, other = [container for container in axes.containers if hasattr(container, "patches")]
    assert (significant.get_label(), len(significant)) == ("more than chance", 1)
    assert (other.get_label(), len(other)) == ("could be chance", 2)
    [[start, end]] = significant.errorbar[2][0].get_segments()
    assert [start[0], end[0]] == pytest.approx([100 * end for end in result.tricks[0].difference.interval])
    assert sorted(axes.lines[-4].get_xdata()) == pytest.approx([7, 9, 11])  # dots, and the line at 0 is the last
    assert plots.describe_ablation(result).endswith("More than chance: shift (9.0 points).")


def test_the_kept_records_are_summarised():
    kept = run_table.read_runs(paths.home() / "notebooks" / "experiments" / "ablation")[0]
    result = ablation.summarise_ablation(kept)
    assert result.recipe == "fast-mini" and len(result.tricks) == 13
