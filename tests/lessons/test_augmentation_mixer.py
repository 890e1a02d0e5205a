"""The augmentation mixer applies the library's transforms, and its controls are accessible."""

import base64
import io
import re
import threading

import numpy as np
import pytest
from PIL import Image

from cifar_lab.images import augmentation
from cifar_lab.lessons.widgets import augmentation_mixer
from cifar_lab.lessons.widgets.augmentation_mixer import CONTROLS, AugmentationMixer, augmentation_still, mix


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (14, 16, 16, 3), dtype=np.uint8)


def pictured(mixer) -> np.ndarray:
    """Cut the images out of the mixer's `<img>`."""
    encoded = re.search(r"base64,([^\"]+)", mixer.picture.value).group(1)
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))
    assert sheet.shape == (2 * 16 + 2, 6 * 16 + 5 * 2, 3)  # two rows of six, two pixels between them
    return np.stack([sheet[y : y + 16, x : x + 16] for y in (0, 18) for x in range(0, 108, 18)])


def test_initially_twelve_images_are_unchanged(images):
    mixer = AugmentationMixer(images)
    np.testing.assert_array_equal(pictured(mixer), images[:12])
    assert 'alt="12 images, as they are"' in mixer.picture.value


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.name)
def test_every_control_changes_images_caption_and_code(images, control):
    mixer = AugmentationMixer(images)
    mixer.controls[control.name].value = control.largest or True
    assert not np.array_equal(pictured(mixer), images[:12])
    assert "as they are" not in mixer.picture.value + mixer.caption.value
    assert f"augmentation.{control.name}(" in mixer.caption.value


def test_the_code_shown_reproduces_the_images_shown(images):
    mixer = AugmentationMixer(images)
    for name, strength in (("mirror", True), ("shift", 3), ("rotate", 20), ("zoom", 0.3), ("noise", 10)):
        mixer.controls[name].value = strength
    mixer.again.click()
    names = {"images": images[:12], "np": np, "augmentation": augmentation}
    exec(re.search(r"<pre[^>]*>(.*)</pre>", mixer.caption.value, re.DOTALL).group(1), names)
    np.testing.assert_array_equal(names["images"], pictured(mixer))


def test_one_transform_does_not_change_the_random_numbers_of_another(images):
    mirrored = mix(images, mirror=True)
    both = mix(images, mirror=True, cutout=4)
    outside = ~np.all(both == 128, axis=3)
    np.testing.assert_array_equal(both[outside], mirrored[outside])


def test_new_random_draw_and_reset(images):
    mixer = AugmentationMixer(images)
    mixer.controls["noise"].value = 20
    first = pictured(mixer)
    mixer.again.click()
    assert not np.array_equal(pictured(mixer), first)
    mixer.controls["flip_vertical"].value = True
    mixer.reset.click()
    assert not any(mixer.strengths.values())
    np.testing.assert_array_equal(pictured(mixer), images[:12])


def test_simultaneous_moves_end_with_the_latest_values(images, monkeypatch):
    mixer, threads = AugmentationMixer(images), []

    def slowly(*arguments, **strengths):
        if not threads:  # a second thread moves a slider while the first is drawing
            threads.append(threading.Thread(target=mixer.controls["shift"].set_trait, args=("value", 3)))
            threads[0].start()
            threads[0].join(timeout=0.5)
        return mix(*arguments, **strengths)

    monkeypatch.setattr(augmentation_mixer, "mix", slowly)
    mixer.controls["mirror"].value = True
    threads[0].join()
    np.testing.assert_array_equal(pictured(mixer), mix(images[:12], mirror=True, shift=3))
    assert "shifted by up to 3" in mixer.picture.value and "augmentation.shift" in mixer.caption.value


def test_the_controls_and_the_result_are_accessible(images):
    mixer = AugmentationMixer(images)
    mixer.controls["shift"].value = 3
    mixer.controls["rotate"].value = 20
    words = "12 images, rotated by up to 20 degrees, shifted by up to 3 pixels"
    assert f'alt="{words}"' in mixer.picture.value
    assert f'<div role="status" aria-live="polite">{words}</div>' in mixer.caption.value
    for control in mixer.controls.values():
        assert control.description  # every control has a label
        assert type(control).__name__ in ("Checkbox", "IntSlider", "FloatSlider")  # all work with the keyboard


def test_the_text_version_says_to_run_the_cell(images):
    assert "run this cell" in AugmentationMixer(images)._repr_mimebundle_()["text/plain"]


def test_the_still_figure_equals_the_widget(images):
    mixer = AugmentationMixer(images)
    mixer.controls["shear"].value = 0.5
    panels = augmentation_still(images, shear=0.5).axes
    assert [axes.get_title() for axes in panels] == ["before"] * 12 + ["after"] * 12
    drawn = np.stack([axes.images[0].get_array() for axes in panels])
    np.testing.assert_array_equal(drawn, np.concatenate([images[:12], pictured(mixer)]))


def test_fewer_and_smaller_images_are_accepted():
    small = np.zeros((3, 8, 8, 3), np.uint8)
    mixer = AugmentationMixer(small)
    for name, control in mixer.controls.items():
        control.value = next(c.largest or True for c in CONTROLS if c.name == name)
    assert "3 images" in mixer.picture.value


@pytest.mark.parametrize(
    "images",
    [np.zeros((0, 32, 32, 3), np.uint8), np.zeros((4, 32, 32, 3)), np.zeros((4, 32, 30, 3), np.uint8), np.zeros(3)],
    ids=["none", "floats", "not square", "no images"],
)
def test_wrong_shapes_and_dtypes_are_refused(images):
    with pytest.raises(ValueError, match=r"images must be \(n, size, size, 3\) uint8"):
        AugmentationMixer(images)


def test_an_unknown_transform_lists_the_transforms(images):
    with pytest.raises(ValueError, match=r"no transform blur\. Choose from: mirror, flip_vertical"):
        augmentation_mixer.augmentation_still(images, blur=3)
