"""The threshold slider: its shares agree with the scores at every position."""

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


def test_the_message_gives_the_shares(slider, scores):
    known, others = scores
    for threshold in (0.0, 0.25, 0.7, 1.0):
        slider.threshold.value = threshold
        accepted = sum(score >= threshold for score in known) / len(known)
        rejected = [sum(score < threshold for score in found) / len(found) for found in others.values()]
        words = f"At {threshold:.2f}, {accepted:.0%} of the known pictures are accepted."
        assert f"{words} Rejected: noise {rejected[0]:.0%}, digits {rejected[1]:.0%}." in slider.message.value
    assert 'role="status"' in slider.message.value


def test_the_shares_lie_on_the_roc_curve(slider, scores):
    known, others = scores
    _, accepted, fooled = evaluation.known_curve(known, others["noise"])
    shares = slider.shares
    assert np.interp(shares["noise"], fooled, accepted) >= shares["known"] - 1e-9


def test_moving_the_slider_redraws_and_updates_the_alt_text(slider):
    before = picture(slider)
    slider.threshold.value = 0.6
    assert picture(slider) != before
    assert 'alt="Histogram of the scores and ROC curve. At 0.60, ' in slider.view.value
    assert slider.alert.value == ""


def test_the_slider_has_a_label_and_the_stored_output_is_text(slider):
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
def test_invalid_scores_and_thresholds_are_refused(known, others, threshold, name):
    with pytest.raises(ValueError, match=f"'{name}' is wrong"):
        ThresholdSlider(known, others, threshold=threshold)


def test_scores_of_other_pictures_are_required():
    with pytest.raises(ValueError, match="other pictures"):
        ThresholdSlider(np.array([0.5]), {})
