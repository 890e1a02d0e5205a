"""The threshold slider: the shares it states are those of the scores, at every place."""

import re

import numpy as np
import pytest

from cifar_lab import evaluation
from cifar_lab.lessons.widgets.threshold_slider import ThresholdSlider


@pytest.fixture(scope="module")
def scores():
    generator = np.random.default_rng(0)
    return generator.beta(5, 2, 400), {"noise": generator.beta(2, 5, 100), "digits": generator.beta(3, 3, 50)}


@pytest.fixture
def slider(scores):
    return ThresholdSlider(*scores, threshold=0.4)


def picture(slider) -> str:
    return re.search(r'src="data:image/png;base64,([^"]*)"', slider.view.value).group(1)


def test_the_words_are_the_shares(slider, scores):
    known, others = scores
    for threshold in (0.0, 0.25, 0.7, 1.0):
        slider.threshold.value = threshold
        accepted = sum(score >= threshold for score in known) / len(known)
        refused = [sum(score < threshold for score in found) / len(found) for found in others.values()]
        words = f"At {threshold:.2f}, {accepted:.0%} of the known pictures are accepted."
        assert f"{words} Refused: noise {refused[0]:.0%}, digits {refused[1]:.0%}." in slider.message.value
    assert 'role="status"' in slider.message.value


def test_the_shares_lie_on_the_roc_curve(slider, scores):
    known, others = scores
    _, accepted, fooled = evaluation.known_curve(known, others["noise"])
    shares = slider.shares
    assert np.interp(shares["noise"], fooled, accepted) >= shares["known"] - 1e-9


def test_moving_it_draws_anew_and_tells_those_who_cannot_see(slider):
    before = picture(slider)
    slider.threshold.value = 0.6
    assert picture(slider) != before
    assert 'alt="Histogram of the scores and ROC curve. At 0.60, ' in slider.view.value
    assert slider.alert.value == ""


def test_the_control_has_a_name_and_what_is_stored_is_a_sentence(slider):
    assert slider.threshold.description == "threshold"
    assert slider._repr_mimebundle_()["text/plain"].startswith("Threshold slider: ")


@pytest.mark.parametrize(
    ("known", "others", "threshold", "name"),
    [
        (np.array([]), {"noise": np.array([0.5])}, 0.5, "known"),
        (np.array([0.5]), {"noise": np.array([5.0])}, 0.5, "noise"),
        (np.array([0.5]), {"noise": np.array([np.nan])}, 0.5, "noise"),
        (np.array([0.5]), {"noise": np.array([0.5])}, 2, "threshold"),
    ],
)
def test_what_is_no_score_is_refused(known, others, threshold, name):
    with pytest.raises(ValueError, match=f"scores from 0 to 1, at least one of each kind; look at '{name}'"):
        ThresholdSlider(known, others, threshold=threshold)


def test_other_pictures_are_needed():
    with pytest.raises(ValueError, match="scores of other pictures too"):
        ThresholdSlider(np.array([0.5]), {})
