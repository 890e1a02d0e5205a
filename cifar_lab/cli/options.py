"""Options that several commands share."""

from pathlib import Path

import click

_FOLDER_OPTIONS = ("size", "balance", "augment", "copies", "keep_alike")


class RecipeName(click.ParamType):
    """The name of a recipe; the known names are imported only when a value is checked, so that `--help` stays fast."""

    name = "recipe"

    def convert(self, value, param, context):
        from cifar_lab.training.recipes import RECIPES

        return click.Choice(list(RECIPES)).convert(value, param, context)


recipe_option = click.option(
    "--recipe",
    type=RecipeName(),
    default="tutorial",
    show_default=True,
    help="Training recipe: tutorial, fast-mini, ...; an unknown name lists all.",
)

dataset_option = click.option(
    "--dataset", default="auto", show_default=True, help="auto, cifar10, sketches, digits, or a folder of pictures."
)

own_dataset_option = click.option(
    "--dataset", help="auto, cifar10, sketches, digits, or a folder of pictures (default: the one it was trained on)."
)

held_out_option = click.option(
    "--held-out",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="For cifar10: file with the indices of the training images to use for validation, one per line.",
)

epochs_option = click.option(
    "--epochs", type=click.IntRange(1), help="Passes over the training images (default: the recipe's)."
)

seed_option = click.option(
    "--seed", type=click.IntRange(0), help="Random seed for the initial weights and the order of the images."
)

model_option = click.option("--model", help="Name or folder of a classifier (default: the best bundled one).")

replace_option = click.option("--replace", is_flag=True, help="Replace an existing classifier of the same name.")

framing_option = click.option(
    "--framing",
    "framings",
    type=click.Choice(["centre", "squash"]),
    multiple=True,
    default=["centre"],
    show_default=True,
    help="How to make a picture square: crop the centre or squash it. Give both to average them.",
)


def precision_option(default: str):
    """Return the option `--precision` with the given default."""
    return click.option(
        "--precision",
        type=click.Choice(["float32", "float16", "int8"]),
        default=default,
        show_default=True,
        help="How to store the weights in model.tflite.",
    )


def folder_options(command):
    """Add the options that apply to a folder of pictures; `pop_folder_options` collects their values."""
    for option in reversed(
        (
            click.option(
                "--size", type=click.IntRange(8, 1024), help="For a folder: image size in pixels (default: 32)."
            ),
            click.option(
                "--balance",
                type=click.Choice(["none", "down", "up"]),
                help="For a folder: use fewer images of frequent classes (down) or repeat those of rare ones (up).",
            ),
            click.option(
                "--augment",
                help="For a folder: how to augment copies, some of shift,rotation,zoom,shear,noise "
                "(default: the first three).",
            ),
            click.option("--copies", type=click.IntRange(0), help="For a folder: augmented copies per training image."),
            click.option(
                "--keep-alike", is_flag=True, default=None, help="For a folder: keep near-duplicate pictures."
            ),
        )
    ):
        command = option(command)
    return command


def pop_folder_options(options: dict) -> dict:
    """Remove the values of `folder_options` from `options` and return those that were given."""
    given = {name: options.pop(name) for name in _FOLDER_OPTIONS}
    if given["augment"]:
        given["augment"] = tuple(name.strip() for name in given["augment"].split(","))
    return {name: value for name, value in given.items() if value is not None}
