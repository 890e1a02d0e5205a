"""Ablation: which recipes are trained, resuming, and the summary of run records against hand calculation."""

import json

import numpy as np
import pytest
from scipy import stats

from cifar_lab import plots, training
from cifar_lab.experiments import ablation, evaluate, leaderboard
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
    assert changed == {
        "whitening": {"whitening": False},
        "identity start": {"identity_start": False},
        "look-ahead": {"look_ahead": False},
        "fast biases": {"bias_rate": 1.0},
        "label smoothing": {"label_smoothing": 0.0},
        "pull to zero": {"l2": 0.0},
        "alternating flip": {"flip": "random"},
        "flip": {"flip": "none"},
        "shift": {"shift": 0},
        "schedule": {"schedule": "constant", "learning_rate": pytest.approx(0.75 * 0.55)},
        "momentum": {"momentum": 0.0, "learning_rate": pytest.approx(5.0)},
        "small images first": {"start_size": 0},
    }
    assert lacking["flip"].name == "fast-mini without flip"


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


def test_recipes_are_trained_seed_by_seed_and_only_once(trained, stripes, capsys):
    found = ablation.run_ablation(stripes, SMALL, seeds=2, tricks=["shift", "look-ahead"])
    names = ["small", "small without shift", "small without look-ahead"]
    assert trained == [(name, seed) for seed in (0, 1) for name in names]
    assert [run.record["recipe"]["name"] for run in found] == names * 2
    assert "6 of 6: small without look-ahead, seed 1" in capsys.readouterr().out
    again = ablation.run_ablation(stripes, SMALL, seeds=3, tricks=["shift", "look-ahead"], progress=False)
    assert trained[6:] == [(name, 2) for name in names]
    result = ablation.summarise_ablation(again)
    assert result.accuracies == (0.9, 0.875, 0.85)
    assert result.tricks[0].lost == pytest.approx(0.125) and result.tricks[0].accuracies == (0.75,) * 3


def test_a_killed_ablation_resumes(trained, stripes, monkeypatch):
    real = evaluate.evaluate_mirror

    def kill(run, *_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(evaluate, "evaluate_mirror", kill)
    with pytest.raises(KeyboardInterrupt):
        ablation.run_ablation(stripes, SMALL, seeds=1, tricks=["shift"], progress=False)
    monkeypatch.setattr(evaluate, "evaluate_mirror", real)
    ablation.run_ablation(stripes, SMALL, seeds=1, tricks=["shift"], progress=False)
    assert trained == [("small", 0), ("small without shift", 0)]  # the first run is evaluated again, not trained


def test_a_diverged_run_is_left_out(trained, stripes, monkeypatch, capsys):
    real = training.train

    def explode(dataset, recipe, **options):
        if "momentum" in recipe.name:
            raise training.DivergedError("The loss is no longer a number.")
        return real(dataset, recipe, **options)

    monkeypatch.setattr(training, "train", explode)
    found = ablation.run_ablation(stripes, SMALL, seeds=1, tricks=["momentum", "shift"], progress=False)
    assert [run.record["recipe"]["name"] for run in found] == ["small", "small without shift"]
    assert "Left out small without momentum, seed 0: The loss is no longer" in capsys.readouterr().out


def test_an_unused_trick_is_refused(stripes):
    with pytest.raises(ValueError, match="small does not use zoom"):
        ablation.run_ablation(stripes, SMALL, tricks=["zoom"])


def test_an_ablation_without_stubs(folder, stripes):
    """Run the smallest possible ablation end to end."""
    base = recipes.get("tutorial", name="small", epochs=1, batch_size=100)
    found = ablation.run_ablation(stripes, base, seeds=1, progress=False)
    assert [run.folder.name for run in found] == ["small-stripes-seed0"]
    predict = found[0].load_model().predict_on_batch
    views = [predict(images) for images in (stripes.test.images, stripes.test.images[:, :, ::-1])]
    both = np.exp(np.mean(np.log(views), axis=0)).argmax(axis=1)  # the mean of the logits
    one, two = (np.mean(predicted == stripes.test.labels) for predicted in (views[0].argmax(axis=1), both))
    result = ablation.summarise_ablation(found)
    assert result.accuracies == (two,)
    assert [(trick.name, trick.accuracies) for trick in result.tricks] == [(ablation.MIRROR, (one,))]


# --- the summary of run records ---

FULL, NO_SHIFT, NO_FLIP = (0.80, 0.82, 0.81), (0.70, 0.74, 0.72), (0.81, 0.80, 0.83)
ONE_VIEW = (0.79, 0.81, 0.79)


@pytest.fixture
def cards(tmp_path):
    """Return nine hand-written runs of an ablation."""
    for recipe, accuracies in (("fast", FULL), ("fast without shift", NO_SHIFT), ("fast without flip", NO_FLIP)):
        for seed, accuracy in enumerate(accuracies):
            one_view = ONE_VIEW[seed] if recipe == "fast" else 0.1
            card = run_card(seed, recipe=recipes.get("fast", name=recipe), test=one_view, minutes=2.0 + seed)
            card["metrics"]["test"] |= {"confusion": [[1]], "classes": [], "predictions": {"sha256": "0"}}
            card["metrics"]["test_mirror"] = card["metrics"]["test"] | {"accuracy": accuracy}
            write_run(tmp_path / "cards", f"{recipe}-{seed}", card)
    return leaderboard.read_runs(tmp_path / "cards")[0]


def test_the_summary_against_hand_calculation(cards):
    result = ablation.summarise_ablation(cards)
    assert (result.recipe, result.dataset, result.accuracies) == ("fast", "stripes", FULL)
    assert [trick.name for trick in result.tricks] == ["shift", ablation.MIRROR, "flip"]
    shift, mirror, flip = result.tricks
    assert shift.lost == pytest.approx(0.09) and shift.minutes.mean == 3.0
    assert shift.difference.p_value == pytest.approx(stats.ttest_ind(FULL, NO_SHIFT, equal_var=False).pvalue)
    assert mirror.lost == pytest.approx(0.04 / 3)
    assert mirror.difference.p_value == pytest.approx(stats.ttest_rel(FULL, ONE_VIEW).pvalue)
    assert flip.lost == pytest.approx(-0.01 / 3)
    assert [bool(trick.difference.better) for trick in result.tricks] == [True, False, False]
    lines = result.table().splitlines()
    assert lines[2] == "| nothing: the full recipe | 81.0 ± 1.0 % |  |  | 3.0 | 3 |"
    assert lines[3].startswith("| shift | 72.0 ± 2.0 % | 9.0 | ")


def test_a_single_seed_has_no_interval(cards):
    result = ablation.summarise_ablation([run for run in cards if run.record["recipe"]["seed"] == 0])
    assert [trick.difference for trick in result.tricks] == [None] * 3
    assert "| shift | 70.0 % | 10.0 | - | 2.0 | 1 |" in result.table()
    assert len(plots.ablation_bars(result).axes[0].patches) == 3


def test_written_records_give_the_same_summary(cards, tmp_path):
    ablation.write_records(cards, tmp_path / "recorded")
    recorded, problems = leaderboard.read_runs(tmp_path / "recorded")
    assert problems == {} and ablation.summarise_ablation(recorded) == ablation.summarise_ablation(cards)
    names = sorted(path.name for path in (tmp_path / "recorded").iterdir())
    assert len(names) == 9 and names[0] == "fast without flip-0.json"
    text = (tmp_path / "recorded" / names[0]).read_text()
    assert json.loads(text)["recipe"]["name"] == "fast without flip"
    assert "confusion" not in text and "sha256" not in text


def test_runs_of_no_full_recipe_or_of_two_datasets_are_refused(cards):
    with pytest.raises(ValueError, match="one full recipe on one dataset; the full recipes are: none"):
        ablation.summarise_ablation([run for run in cards if "without" in run.record["recipe"]["name"]])
    cards[0].record["dataset"]["fingerprint"] = "another"
    with pytest.raises(ValueError, match="one full recipe on one dataset"):
        ablation.summarise_ablation(cards)


def test_bars_show_the_points_lost_and_are_grey_without_significance(cards):
    result = ablation.summarise_ablation(cards)
    axes = plots.ablation_bars(result).axes[0]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([9, 4 / 3, -1 / 3])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["shift", ablation.MIRROR, "flip"]
    colours = [bar.get_facecolor() for bar in axes.patches]
    assert colours[0] != colours[1] == colours[2]
    dots, interval = axes.lines[0], axes.lines[1]
    assert sorted(dots.get_xdata()) == pytest.approx([7, 9, 11])
    assert list(interval.get_xdata()) == pytest.approx([100 * end for end in result.tricks[0].difference.interval])
    said = plots.describe_ablation(result)
    assert "3 tricks of fast on stripes, 3 seeds" in said
    assert said.endswith("More than chance: shift (9.0 points).")
