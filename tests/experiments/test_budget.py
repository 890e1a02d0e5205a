"""The time budget: what is offered, what is chosen and how machines are compared, beside figures worked out by hand."""

import json

import numpy as np
import pytest

from cifar_lab import plots
from cifar_lab.experiments import budget, leaderboard
from cifar_lab.experiments.budget import Offer
from cifar_lab.lessons.widgets.time_budget import TimeBudget
from cifar_lab.training import build, recipes
from tests.helpers.run_records import run_card, write_run


def history(*accuracies):
    return [{"epoch": number, "validation_accuracy": it} for number, it in enumerate(accuracies, start=1)]


@pytest.fixture
def found(tmp_path):
    """Hand-written cards: two seeds of a recipe with even steps, one with a schedule, and some that are no offers."""
    even, scheduled = recipes.get("tutorial", epochs=3), recipes.get("fast-mini", epochs=2)
    cards = [
        run_card(0, recipe=even.changed(seed=0), minutes=3.0, history=history(0.5, 0.7, 0.6)),
        run_card(1, recipe=even.changed(seed=1), minutes=6.0, history=history(0.6, 0.5, 0.8)),
        run_card(2, recipe=scheduled, minutes=4.0, validation=0.75, history=history(0.3, 0.75)),
        run_card(3, recipe=recipes.get("tutorial", epochs=3, learning_rate=0.5), history=history(0.9, 0.9, 0.9)),
        run_card(4, recipe=recipes.get("fast-mini", name="fast-mini without shift", shift=0)),
        run_card(5, recipe=even, versions={"backend": "torch"}, minutes=0.1, history=history(0.9, 0.9, 0.9)),
        run_card(6, recipe={"name": "svm-hog", "model": "svm", "features": "hog", "seed": 0}),
    ]
    for number, card in enumerate(cards):
        write_run(tmp_path, f"run-{number}", card)
    return leaderboard.read_runs(tmp_path)[0]


def test_even_steps_may_stop_early_and_a_schedule_may_not(found):
    offers = budget.budget_offers(found)
    assert [(it.recipe, it.epochs, it.minutes, it.accuracy, it.seeds) for it in offers] == [
        ("tutorial", 1, pytest.approx(1.5), pytest.approx(0.55), 2),
        ("tutorial", 2, pytest.approx(3.0), pytest.approx(0.65), 2),  # each seed keeps its best epoch: 0.7 and 0.6
        ("fast-mini", 2, 4.0, 0.75, 1),
        ("tutorial", 3, pytest.approx(4.5), pytest.approx(0.75), 2),
    ]
    assert [(it.epochs, it.accuracy) for it in budget.budget_offers(found, backend="torch")] == [
        (1, 0.9),
        (2, 0.9),
        (3, 0.9),
    ]


def test_different_pictures_are_not_mixed(found):
    found[1].record["dataset"]["fingerprint"] = "another"
    with pytest.raises(ValueError, match="these runs are about different pictures"):
        budget.budget_offers(found)


OFFERS = [Offer("tutorial", 1, 0.5, 0.55), Offer("tutorial", 4, 2.0, 0.65), Offer("fast-mini", 3, 1.8, 0.74, 3)]


@pytest.mark.parametrize(
    ("minutes", "slowness", "chosen"),
    [(1, 1, ("tutorial", 1)), (1.8, 1, ("fast-mini", 3)), (9, 1, ("fast-mini", 3)), (9, 6, ("tutorial", 1))],
)
def test_the_best_that_fits_is_taken(minutes, slowness, chosen):
    best = budget.best_offer(OFFERS, minutes=minutes, slowness=slowness)
    assert (best.recipe, best.epochs) == chosen
    assert best.minutes == pytest.approx(slowness * {"tutorial": 0.5, "fast-mini": 1.8}[best.recipe])


def test_of_equals_the_quickest():
    assert budget.best_offer([*OFFERS, Offer("slower", 1, 1.9, 0.74)], minutes=5).recipe == "fast-mini"


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match=r"fits into 0\.2 minutes. The quickest is tutorial, 1 epoch: 55\.0% on valid"):
        budget.best_offer(OFFERS, minutes=0.2)
    with pytest.raises(ValueError, match="Nothing was measured"):
        budget.best_offer([], minutes=5)


def test_sentences_have_the_right_words():
    assert OFFERS[0].sentence() == "tutorial, 1 epoch: 55.0% on validation in about 30 seconds"
    assert OFFERS[2].sentence() == "fast-mini, 3 epochs: 74.0% on validation in about 1.8 minutes"


class Clock:
    """A machine on which a step takes two seconds, and the first one a minute."""

    def __init__(self):
        self.now, self.batches = 0.0, []

    def perf_counter(self):
        return self.now

    def train_on_batch(self, images, labels):
        self.now += 2.0 if self.batches else 60.0
        self.batches.append((len(images), len(labels)))


def test_slowness_is_the_ratio_of_the_steps(stripes, tmp_path, monkeypatch):
    clock = Clock()
    monkeypatch.setattr(build, "build_model", lambda *_: clock)
    monkeypatch.setattr("cifar_lab.experiments.budget.planning.time", clock)
    # 200 images in batches of 32 are 7 steps an epoch; 8 epochs in 28 minutes: 30 seconds a step.
    write_run(tmp_path, "run", run_card(recipe="tutorial", minutes=28.0))
    [reference] = leaderboard.read_runs(tmp_path)[0]
    assert budget.machine_slowness(reference, stripes, steps=10) == pytest.approx(2 / 30)
    assert set(clock.batches) == {(32, 32)}  # never the smaller batch at the end
    with pytest.raises(ValueError, match="A step takes 32 images, but there are only 20"):
        budget.machine_slowness(reference, stripes.subset(train=20))
    with pytest.raises(ValueError, match="At least one step"):
        budget.machine_slowness(reference, stripes, steps=0)


def test_steps_are_really_taken(stripes, tmp_path):
    write_run(tmp_path, "run", run_card(recipe="tutorial", minutes=0.1))
    [reference] = leaderboard.read_runs(tmp_path)[0]
    before = list(tmp_path.iterdir())
    assert 0 < budget.machine_slowness(reference, stripes, steps=2) < 1000
    assert list(tmp_path.iterdir()) == before


def test_the_chart_has_a_point_for_each_offer_a_line_and_a_ring():
    axes = plots.accuracy_within_minutes(OFFERS, minutes=1.9, slowness=0.5).axes[0]
    tutorial, fast, ring, line = axes.lines
    np.testing.assert_allclose(tutorial.get_xydata(), [(0.25, 0.55), (1.0, 0.65)])
    np.testing.assert_allclose(ring.get_xydata(), fast.get_xydata())
    assert list(line.get_xdata()) == [1.9, 1.9]
    assert tutorial.get_marker() != fast.get_marker()
    said = plots.describe_budget(OFFERS, minutes=1.9, slowness=0.5)
    assert "3 offers, and a line at 1.9 minutes" in said and said.endswith("74.0% on validation in about 54 seconds.")


def test_the_widget_follows_its_slider():
    widget = TimeBudget(OFFERS, slowness=2.0, minutes=5)
    assert widget.choice.recipe == "fast-mini"
    assert "Within 5.0 minutes: fast-mini, 3 epochs" in widget.message.value
    first = widget.view.value
    widget.minutes.value = 1.5
    assert "tutorial, 1 epoch: 55.0% on validation in about 1.0 minutes" in widget.message.value
    assert "training.train(dataset, &quot;tutorial&quot;, epochs=1)" in widget.code.value
    assert widget.view.value != first and 'alt="' in first and widget.alert.value == ""
    widget.minutes.value = 0  # the slider goes no lower than the quickest
    assert widget.choice.epochs == 1 and widget.alert.value == ""


def test_the_widget_refuses_what_makes_no_sense():
    for arguments in (([], 1.0, 5), (OFFERS, 0, 5), (OFFERS, 1.0, 0)):
        with pytest.raises(ValueError, match="A time budget needs offers"):
            TimeBudget(arguments[0], slowness=arguments[1], minutes=arguments[2])


def test_the_recorded_cards_are_offers():
    """What the notebook shows: cards without pictures, files or another machine's paths."""
    from cifar_lab.core import paths

    folder = paths.home() / "notebooks" / "experiments" / "ladder"
    recorded, problems = leaderboard.read_runs(folder)
    assert problems == {}
    assert {it.recipe for it in budget.budget_offers(recorded)} == {"tutorial", "fast-mini"}
    for path in folder.glob("*.json"):
        assert set(json.loads(path.read_text(encoding="utf-8"))) >= {"recipe", "metrics", "minutes", "machine"}
