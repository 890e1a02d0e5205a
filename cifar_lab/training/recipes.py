"""The named recipes: how the networks of this lab were trained."""

from cifar_lab.training.recipe import Recipe

# The fast recipe (`cifar_lab.models.airbench`, `cifar_lab.training.optimizers`): one family that differs in widths and
# epochs; for speed, the two smallest also use a cheaper activation and start on small images.
_FAST = Recipe(
    name="fast",
    model="fast",
    widths=(64, 128, 128),
    epochs=11,
    batch_size=512,
    optimizer="nesterov",
    learning_rate=0.75,  # scales with the batch size: 1.5 for 1,024
    schedule="triangle",
    momentum=0.85,
    l2=6.652e-4,
    bias_rate=64.0,
    label_smoothing=0.2,
    whitening=True,
    identity_start=True,
    look_ahead=True,
    flip="alternating",
    shift=2,
    keep="last",  # the schedule ends at a small learning rate, and choosing would bias the validation score
)

_TRANSFER = Recipe(name="transfer", model="transfer", start="cifar10", epochs=20, frozen_epochs=12, unfrozen_rate=0.1)

RECIPES = {
    recipe.name: recipe
    for recipe in (
        # The recipe of countless first tutorials, unchanged: the baseline for everything else.
        Recipe(name="tutorial"),
        # The least that beats the tutorial: with so few steps, a high learning rate helps and shifts hurt.
        _FAST.changed(
            name="fast-micro",
            widths=(16, 32, 64),
            epochs=3,
            activation="relu",
            learning_rate=1.2,
            shift=0,
            start_size=12,
        ),
        _FAST.changed(name="fast-mini", widths=(16, 64, 64), epochs=3, activation="relu", start_size=16),
        _FAST.changed(name="fast-small", widths=(32, 64, 64), epochs=8),
        _FAST,
        _FAST.changed(name="fast-large", widths=(64, 256, 256), epochs=10),
        _FAST.changed(name="fast-huge", widths=(128, 384, 384), epochs=15),
        # The first step to `data/models/cifar10` (`tools/shipped.py`): longer, and with zoom, since a
        # photograph may show an object larger or smaller than the dataset does.
        _FAST.changed(name="shipped", widths=(64, 256, 256), epochs=16, zoom=0.25),
        # The later steps: distil several such networks, starting from one of them.
        _FAST.changed(
            name="distilled",
            start="cifar10",
            teachers=("cifar10",),
            widths=(),
            whitening=False,
            identity_start=False,
            epochs=20,
            learning_rate=0.35,
            label_smoothing=0.0,
            zoom=0.25,
            blend=0.33,
            plain_epochs=3,
            keep="half-way",
        ),
        # From the shipped network to other classes (`cifar_lab.models.transfer`): train only a new last layer, either
        # throughout or first.
        _TRANSFER.changed(name="transfer-frozen", frozen_epochs=1000),  # more than anyone will train for
        _TRANSFER,
        # From ImageNet's weights (`cifar_lab.imagenet`): a new last layer, then brief fine-tuning of all layers,
        # which takes nearly all of the time. `--epochs 10` skips the fine-tuning.
        Recipe(name="mobilenet", model="mobilenet", start="imagenet", epochs=12, frozen_epochs=10, unfrozen_rate=0.05),
        # The recipe of `data/models/digits`: few images, rendered on different paper each time. No whitening, since
        # the clean images are grey and lack the colours of paper and ink. No flip.
        _FAST.changed(
            name="digits",
            widths=(32, 64, 64),
            activation="relu",
            epochs=100,
            batch_size=64,  # few images: smaller batches give more steps
            learning_rate=0.2,
            whitening=False,
            flip="none",
            shift=0,
            paper=True,
        ),
    )
}


def get(recipe: "str | Recipe", **changes) -> Recipe:
    """Look up a recipe by name, or take a `Recipe`, and change some of its fields.

    Raises:
        ValueError: no recipe has that name, or a change is invalid.
    """
    if isinstance(recipe, Recipe):
        return recipe.changed(**changes)
    if recipe not in RECIPES:
        raise ValueError(f"There is no recipe {recipe!r}. Choose one of: {', '.join(sorted(RECIPES))}.")
    return RECIPES[recipe].changed(**changes)
