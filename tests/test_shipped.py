"""How the shipped classifier is made: what its last step learns from. (The steps themselves take hours.)"""

import numpy as np
import pytest

from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.training import recipes
from tools import shipped


@pytest.fixture(scope="module")
def numbered() -> Dataset:
    """As CIFAR-10 with what is held out; each image is one pixel that says its position."""
    held_out = {int(line) for line in shipped.HELD_OUT.read_text().splitlines() if line.isdigit()}
    positions = np.array([position for position in range(50_000) if position not in held_out])
    pixels = np.stack([positions // 256, positions % 256, 0 * positions], axis=1).astype(np.uint8)
    train = Split(pixels[:, None, None], positions % 10)
    none = train.take(np.arange(0))
    return Dataset("cifar10", tuple("abcdefghij"), train, none, none, "Numbers.")


def test_a_third_of_what_the_last_step_learns_from_is_exact(numbered):
    chosen = shipped.mostly_exact(numbered).train
    positions = chosen.images[:, 0, 0, 0].astype(int) * 256 + chosen.images[:, 0, 0, 1]
    exact = {int(line) for line in shipped.EXACT.read_text().splitlines() if line.isdigit()}
    assert len(set(positions)) == len(positions) == 3 * 4170
    assert sum(position in exact for position in positions) == 4170
    np.testing.assert_array_equal(chosen.labels, positions % 10)


def test_each_step_starts_from_and_learns_from_earlier_ones():
    made = set()
    for name, changes in shipped.STEPS.items():
        recipe = recipes.get(**changes)
        assert {recipe.start, *recipe.teachers} - {""} <= made
        made.add(name)
    assert name == shipped.SHIPPED
