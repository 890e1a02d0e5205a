"""The space of a search: which values the fields of a recipe may take, and which combinations are tried."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cifar_lab.training.recipe import Recipe

_MOST = 10_000  # trials; more were not meant


@dataclass(frozen=True)
class Between:
    """Any number from `low` to `high`, each power of ten as likely as another; whole if both ends are.

    So are rates searched, whose good values may lie anywhere between 0.0001 and 1 (Bergstra and Bengio, 2012).

    Raises:
        ValueError: the ends are not above 0, or not in order.
    """

    low: float
    high: float

    def __post_init__(self):
        if not 0 < self.low < self.high < math.inf:
            raise ValueError(f"Between needs two numbers above 0 in rising order, not {self.low!r} and {self.high!r}.")

    def draw(self, generator: np.random.Generator) -> float | int:
        """One number, with three digits: more would only look exact."""
        drawn = math.exp(generator.uniform(math.log(self.low), math.log(self.high)))
        if isinstance(self.low, int) and isinstance(self.high, int):
            return round(drawn)
        return min(max(float(f"{drawn:.3g}"), self.low), self.high)


def draw_changes(choices: dict[str, Sequence | Between], *, trials: int | None, seed: int) -> list[dict]:
    """The combinations to try: all of them, or some by chance.

    Args:
        choices: for each field its values, or a `Between`.
        trials: how many, each another one; `None` for every combination, in order.
        seed: fixes which are drawn.

    Returns:
        One dictionary a trial, from field to value.

    Raises:
        ValueError: nothing is to be chosen, the values can't be counted and `trials` is missing, or there are too many
            or too few.
    """
    _check(choices, trials)
    listed = all(isinstance(values, list) for values in choices.values())
    count = math.prod(map(len, choices.values())) if listed else math.inf
    if trials is None or trials >= count:
        if count > _MOST:
            raise ValueError(
                f"These are {count:,} combinations. Say with trials=... how many of them to try by chance."
            )
        return [dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values())]
    drawn, generator = {}, np.random.default_rng([seed, 3])
    for _ in range(1000 * trials):
        changes = {field: _one_of(values, generator) for field, values in choices.items()}
        drawn.setdefault(repr(changes), changes)
        if len(drawn) == trials:
            return list(drawn.values())
    raise ValueError(f"Only {len(drawn)} different combinations could be drawn, not {trials}. Widen the choices.")


def _one_of(values: list | Between, generator: np.random.Generator):
    return values.draw(generator) if isinstance(values, Between) else values[generator.integers(len(values))]


def _check(choices: dict, trials: int | None) -> None:
    if not choices:
        raise ValueError("Give at least one field of the recipe several values, such as learning_rate=[0.001, 0.003].")
    for field, values in choices.items():
        if isinstance(values, list) and not values:
            raise ValueError(f"{field} has no values to try: the list is empty.")
    unlisted = [field for field, values in choices.items() if isinstance(values, Between)]
    if trials is None and unlisted:
        raise ValueError(f"{unlisted[0]} can be any number of a range: say with trials=... how many to try.")
    if trials is not None and not 1 <= trials <= _MOST:
        raise ValueError(f"trials must be a whole number from 1 to {_MOST:,}, but it is {trials!r}.")


def split_choices(fields: dict) -> tuple[dict, dict]:
    """Tell what is searched (a list, an array, a `Between`) from what is the same in every trial (all else)."""
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in fields.items()}
    searched = {name: value for name, value in plain.items() if isinstance(value, list | Between)}
    return searched, {name: value for name, value in plain.items() if name not in searched}


def recipe_with(recipe: Recipe, changes: dict) -> Recipe:
    """The recipe with a trial's values.

    Raises:
        ValueError: a value makes no sense for its field.
    """
    plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in changes.items()}
    plain = {name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()}
    try:
        return recipe.changed(**plain)
    except TypeError as error:  # such as a word where a number belongs
        raise ValueError(f"A recipe can't have {in_words(changes)}: {error}.") from error


def in_words(changes: dict) -> str:
    """The values of a trial in a few words, such as `learning_rate 0.001, batch_size 64`."""
    return ", ".join(f"{field} {value_in_words(value)}" for field, value in changes.items())


def value_in_words(value) -> str:
    """A value as it would be typed: `0.001`, `64`, `16/64/64`, `none`."""
    if isinstance(value, tuple | list):
        return "/".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
