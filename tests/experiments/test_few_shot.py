"""Few-shot accuracy: the choice of images, and the classifier against scikit-learn's."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from cifar_lab import plots
from cifar_lab.experiments import few_shot, run_table
from tests.helpers.run_records import run_card

CARDS = Path(__file__).parent.parent.parent / "notebooks" / "experiments" / "transfer"


@pytest.fixture(scope="module")
def points():
    """Return three classes of points in a plane: 20 for training and 30 for testing each, with labels."""
    generator = np.random.default_rng(0)

    def split(count):
        labels = np.arange(3 * count) % 3
        return (labels[:, None] * [2.0, -1.0] + generator.normal(0, 1, (3 * count, 2))).astype(np.float32), labels

    return *split(20), *split(30)


def test_larger_choices_contain_smaller_ones(points):
    _, labels, _, _ = points
    few, more = (few_shot.choose_labelled(labels, count, seed=3) for count in (2, 7))
    assert np.bincount(labels[more]).tolist() == [7, 7, 7] and len(set(more)) == 21
    assert set(few) < set(more)
    assert set(few) != set(few_shot.choose_labelled(labels, 2, seed=4))


@pytest.mark.parametrize("count", [0, 21])
def test_choosing_too_few_or_too_many_is_refused(points, count):
    with pytest.raises(ValueError, match=f"1 to 20, .* but it is {count}"):
        few_shot.choose_labelled(points[1], count)


def test_nearest_mean_agrees_with_scikit_learn(points):
    known, labels, asked, _ = points
    expected = NearestCentroid().fit(known, labels).predict(asked)
    assert np.array_equal(few_shot.nearest_mean(known, labels, asked), expected)


def test_there_is_one_accuracy_per_seed(points):
    known, labels, asked, truth = points
    views = {"plane": (known, asked), "line": (known[:, :1], asked[:, :1])}
    found = few_shot.few_shot_accuracies(views, labels, truth, counts=(2, 20), seeds=(0, 1))
    assert list(found) == ["plane", "line"] and list(found["line"]) == [2, 20]
    whole = NearestCentroid().fit(known, labels).score(asked, truth)
    assert found["plane"][20] == pytest.approx([whole, whole])  # all are chosen, whatever the seed


def test_run_records_are_grouped_by_recipe_and_labels_per_class():
    from cifar_lab.training.runs import Run

    cards = [run_card(test=0.6), run_card(1, test=0.7), run_card(test=0.5, recipe="fast"), run_card()]
    cards[1]["dataset"]["sizes"]["train"] = 20
    found = few_shot.accuracies_of_runs(Run(None, card) for card in cards)
    assert found == {"tutorial": {100: [0.6], 10: [0.7]}, "fast": {100: [0.5]}}


def test_the_chart_shows_the_means():
    figure = plots.few_shot_curves({"a": {10: [0.5, 0.7], 1: [0.2]}, "b": {1: [0.1]}}, chance=0.1, marked=10)
    [axes] = figure.axes
    first, second, level, mark = axes.lines
    assert first.get_xdata().tolist() == [1, 10] and first.get_ydata().tolist() == pytest.approx([0.2, 0.6])
    assert second.get_ydata().tolist() == [0.1]
    assert level.get_ydata()[0] == 0.1 and mark.get_xdata()[0] == 10
    assert [text.get_text() for text in axes.get_xticklabels()] == ["1", "10"]


def test_the_recorded_transfer_runs_start_from_a_network_that_never_saw_their_classes():
    cards, problems = run_table.read_runs(CARDS)
    start_of = {run.folder.name: run.record for run in cards}
    learnt = [run.record for run in cards if run.record["recipe"]["name"] in ("frozen", "fine-tuned")]
    assert learnt and not problems
    for card in learnt:
        start = start_of[card["recipe"]["start"]]
        assert card["start"]["sha256"] == start["model_sha256"]
        assert card["dataset"]["class_names"] == ["cat", "dog"]
        assert not {"cat", "dog"} & set(start["dataset"]["class_names"])
