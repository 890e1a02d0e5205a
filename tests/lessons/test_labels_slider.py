"""The labels slider: what it says is what its pictures teach, at every place."""

import re

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from cifar_lab.experiments import few_shot
from cifar_lab.lessons.widgets.labels_slider import LabelsSlider


@pytest.fixture(scope="module")
def views(stripes):
    """The mean over the rows tells upright stripes; a single pixel tells nothing."""
    splits = (stripes.train.images, stripes.test.images)
    return {
        "columns": tuple(images.mean(axis=(1, 3)).astype(np.float32).std(axis=1)[:, None] for images in splits),
        "pixel": tuple(images[:, 0, 0, :1].astype(np.float32) for images in splits),
    }


@pytest.fixture
def slider(stripes, views):
    return LabelsSlider(
        views, train=stripes.train, test=stripes.test, class_names=stripes.class_names, counts=(1, 5, 20)
    )


def picture(view) -> str:
    return re.search(r'src="data:image/png;base64,([^"]*)"', view.value).group(1)


def test_the_words_are_what_the_chosen_pictures_teach(slider, stripes, views):
    for count in (20, 5):
        slider.count.value = count
        chosen = few_shot.choose_labelled(stripes.train.labels, count)
        rates = []
        for name, (known, asked) in views.items():
            model = NearestCentroid().fit(known[chosen], stripes.train.labels[chosen])
            rates.append(f"{name} {model.score(asked, stripes.test.labels):.0%}")
        words = f"With {count} labels a class, {2 * count} in all, this much is right: {', '.join(rates)}."
        assert words in slider.message.value and words in slider.chart.value
    assert slider.accuracies["columns"] > 0.9
    assert 'role="status"' in slider.message.value and slider.alert.value == ""


def test_moving_it_draws_anew_and_other_pictures_are_others(slider):
    charts, sheets = [picture(slider.chart)], [picture(slider.sheet)]
    slider.count.value = 5
    charts.append(picture(slider.chart))
    sheets.append(picture(slider.sheet))
    slider.others.click()
    sheets.append(picture(slider.sheet))
    assert len(set(charts)) == 2 and len(set(sheets)) == 3
    assert 'alt="Accuracy against labels a class, with a line at 5. With 5 labels' in slider.chart.value


def test_the_control_has_a_name_and_what_is_stored_is_a_sentence(slider):
    assert slider.count.description == "labels a class"
    assert slider._repr_mimebundle_()["text/plain"].startswith("Labels slider: ")


def test_a_view_of_other_pictures_is_refused(stripes, views):
    wrong = {"columns": (views["columns"][0][:-1], views["columns"][1])}
    with pytest.raises(ValueError, match="'columns' knows of 199 and 40 pictures; there are 200 and 40"):
        LabelsSlider(wrong, train=stripes.train, test=stripes.test, class_names=stripes.class_names, counts=(1,))
    with pytest.raises(ValueError, match="there are 1 to 100"):
        LabelsSlider(views, train=stripes.train, test=stripes.test, class_names=stripes.class_names, counts=(1, 101))
