"""The labels slider: its accuracies agree with scikit-learn at every position."""

import re

import numpy as np
import pytest
from sklearn.neighbors import NearestCentroid

from cifar_lab.experiments import few_shot
from cifar_lab.lessons.widgets.labels_slider import LabelsSlider


@pytest.fixture(scope="module")
def views(stripes):
    """Features that separate the classes (column means), and one that does not (a single pixel)."""
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


def test_the_accuracies_agree_with_scikit_learn(slider, stripes, views):
    for count in (20, 5):
        slider.count.value = count
        chosen = few_shot.choose_labelled(stripes.train.labels, count)
        rates = []
        for name, (train_features, test_features) in views.items():
            model = NearestCentroid().fit(train_features[chosen], stripes.train.labels[chosen])
            rates.append(f"{name} {model.score(test_features, stripes.test.labels):.0%}")
        words = f"Accuracy with {count} labels per class ({2 * count} in total): {', '.join(rates)}."
        assert words in slider.message.value and words in slider.chart.value
    assert slider.accuracies["columns"] > 0.9
    assert 'role="status"' in slider.message.value and slider.alert.value == ""


def test_moving_the_slider_and_other_pictures_redraw(slider):
    charts, sheets = [picture(slider.chart)], [picture(slider.sheet)]
    slider.count.value = 5
    charts.append(picture(slider.chart))
    sheets.append(picture(slider.sheet))
    slider.others.click()
    sheets.append(picture(slider.sheet))
    assert len(set(charts)) == 2 and len(set(sheets)) == 3
    assert 'alt="Accuracy against labels per class, with a line at 5. ' in slider.chart.value


def test_the_slider_has_a_label_and_the_stored_output_is_text(slider):
    assert slider.count.description == "labels per class"
    assert slider._repr_mimebundle_()["text/plain"].startswith("Labels slider: ")


def test_features_and_counts_that_do_not_fit_are_refused(stripes, views):
    wrong = {"columns": (views["columns"][0][:-1], views["columns"][1])}
    with pytest.raises(ValueError, match="'columns' has features of 199 train and 40 test pictures"):
        LabelsSlider(wrong, train=stripes.train, test=stripes.test, class_names=stripes.class_names, counts=(1,))
    with pytest.raises(ValueError, match="1 to 100"):
        LabelsSlider(views, train=stripes.train, test=stripes.test, class_names=stripes.class_names, counts=(1, 101))
