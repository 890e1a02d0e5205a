"""Options that several commands have."""

from pathlib import Path

import click

_WISHES = ("size", "balance", "augment", "copies", "keep_alike")


class RecipeName(click.ParamType):
    """The name of a recipe. The names are imported when one is checked, not for every `--help`."""

    name = "recipe"

    def convert(self, value, param, context):
        from cifar_lab.training.recipes import RECIPES

        return click.Choice(list(RECIPES)).convert(value, param, context)


recipe_option = click.option(
    "--recipe",
    type=RecipeName(),
    default="tutorial",
    show_default=True,
    help="How to train: tutorial, fast-mini and more; a wrong name lists all.",
)

own_dataset_option = click.option(
    "--dataset", help="auto, cifar10, sketches, digits or a folder of pictures (default: what it was trained on)."
)

held_out_option = click.option(
    "--held-out",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="cifar10: a file with the positions of the training images to keep for validation, one a line.",
)

framing_option = click.option(
    "--framing",
    "framings",
    type=click.Choice(["centre", "squash"]),
    multiple=True,
    default=["centre"],
    show_default=True,
    help="How a picture that is not square is framed; several are averaged.",
)


def precision_option(default: str):
    """`--precision`, for whatever writes a small network file."""
    return click.option(
        "--precision",
        type=click.Choice(["float32", "float16", "int8"]),
        default=default,
        show_default=True,
        help="How the weights of the small network file are stored.",
    )


def folder_options(command):
    """Add the options for a folder of pictures to a command; `folder_wishes` takes them out again."""
    for option in reversed(
        (
            click.option("--size", type=click.IntRange(8, 1024), help="A folder's images in pixels (default: 32)."),
            click.option(
                "--balance",
                type=click.Choice(["none", "down", "up"]),
                help="Learn from equally many of a folder's classes: fewer of the frequent, or copies of the rare.",
            ),
            click.option(
                "--augment",
                help="How copies are changed: some of shift,rotation,zoom,shear,noise (default: the first three).",
            ),
            click.option("--copies", type=click.IntRange(0), help="Changed copies of each of a folder's train images."),
            click.option("--keep-alike", is_flag=True, default=None, help="Use a folder's near-duplicates too."),
        )
    ):
        command = option(command)
    return command


def folder_wishes(options: dict) -> dict:
    """Take what was asked for a folder out of a command's options."""
    wishes = {name: options.pop(name) for name in _WISHES}
    if wishes["augment"]:
        wishes["augment"] = tuple(name.strip() for name in wishes["augment"].split(","))
    return {name: value for name, value in wishes.items() if value is not None}
