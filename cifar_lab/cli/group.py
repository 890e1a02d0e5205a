"""The `cifar-lab` command itself: its first help, the order of the commands, and errors as one sentence."""

import shlex
import sys
from pathlib import Path

import click

import cifar_lab

# The order in `cifar-lab --help`; commands that are missing here come last.
_ORDER = (
    *("check", "data", "train", "evaluate", "export", "predict", "classify", "make", "runs", "compare", "search"),
    *("baseline", "mobilenet", "pack", "unpack"),
)


class Commands(click.Group):
    """A group that lists its commands in the order of a first walk through, and turns errors into one sentence."""

    def list_commands(self, context):
        return sorted(self.commands, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            mend = "python -m pip install -e '.[lab]' -c constraints.txt"
            raise click.ClickException(f"{error.name} is not installed here. Install the lab: {mend}") from error
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)  # the shell's word for "interrupted"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(cifar_lab.__version__, prog_name="cifar-lab")
def main():
    """A hands-on lab for image classification.

    \b
    A first walk through:
      cifar-lab check                        what is here, and what is missing
      cifar-lab train                        train the tutorial network
      cifar-lab evaluate RUN                 measure it on the test split
      cifar-lab export RUN --name mine       make a classifier of it
      cifar-lab predict cat.jpg --model mine
    """


def typed() -> str:
    """The command as it was typed, so that a card says how to do it again; of a folder only its name.

    A card goes along with the classifier: nobody else is to read where its maker keeps pictures.
    """
    return shlex.join(["cifar-lab", *map(_without_place, sys.argv[1:])])


def _without_place(argument: str) -> str:
    option, sign, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    path = Path(value).expanduser()
    if value and (path.is_absolute() or ".." in path.parts or path.is_dir()):
        return option + sign + (path.name if path.name not in ("", "..") else path.resolve().name)
    return argument
