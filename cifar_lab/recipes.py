"""Recipes: everything that fixes a training run, under one name."""

from dataclasses import asdict, dataclass, fields, replace


@dataclass(frozen=True)
class Recipe:
    """What has to be known to train the same network again.

    Attributes:
        name: what the recipe is called; runs are named after it.
        model: the network, a name that `cifar_lab.models.build` knows.
        epochs: how often every training image is seen.
        batch_size: images a step.
        optimizer: a Keras optimiser by its name, such as `"adam"` or `"sgd"`.
        learning_rate: the optimiser's step size.
        seed: fixes the starting weights and the order of the images.
    """

    name: str
    model: str = "tutorial"
    epochs: int = 8
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 0.001
    seed: int = 0

    def __post_init__(self):
        for field, smallest in (("epochs", 1), ("batch_size", 1), ("seed", 0)):
            value = getattr(self, field)
            if not isinstance(value, int) or value < smallest:
                raise ValueError(f"{field} must be a whole number of at least {smallest}, but it is {value!r}.")
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0, but it is {self.learning_rate!r}.")

    def changed(self, **changes) -> "Recipe":
        """The same recipe with some fields changed; a change of `None` means "as it is".

        Raises:
            ValueError: a field does not exist, or its value makes no sense.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"A recipe has no {', '.join(unknown)}. It has: {', '.join(sorted(known))}.")
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def to_dict(self) -> dict:
        """The fields as plain values, for a run card."""
        return asdict(self)


RECIPES = {
    # The recipe of countless first tutorials, kept as it is: the line that everything else is measured against.
    "tutorial": Recipe(name="tutorial"),
}


def get(recipe: "str | Recipe", **changes) -> Recipe:
    """Look a recipe up by its name, or pass one through, with some fields changed.

    Raises:
        ValueError: no recipe has that name, or a change makes no sense.
    """
    if isinstance(recipe, Recipe):
        return recipe.changed(**changes)
    if recipe not in RECIPES:
        raise ValueError(f"There is no recipe {recipe!r}. Choose one of: {', '.join(sorted(RECIPES))}.")
    return RECIPES[recipe].changed(**changes)
