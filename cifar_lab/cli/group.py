"""The `cifar-lab` command group: its help text, the order of the commands, and errors in one sentence."""

import shlex
import sys
from pathlib import Path

import click

import cifar_lab

# The order in `cifar-lab --help`; commands that are missing here come last.
_ORDER = [
    "check",
    "data",
    "train",
    "evaluate",
    "export",
    "predict",
    "classify",
    "make",
    "runs",
    "compare",
    "search",
    "baseline",
    "photos",
    "imagenet",
    "pack",
    "unpack",
]
_INSTALL = "python -m pip install -e '.[lab]' -c constraints.txt"


class Commands(click.Group):
    """A group that lists its commands in a fixed order and prints errors as one sentence."""

    def list_commands(self, context):
        return sorted(self.commands, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))

    def invoke(self, context):
        try:
            return super().invoke(context)
        except ModuleNotFoundError as error:
            raise click.ClickException(f"{error.name} is not installed here. Install the lab: {_INSTALL}") from error
        except (ValueError, OSError) as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            sys.exit(130)  # 128 + SIGINT, as shells report it


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(cifar_lab.__version__, prog_name="cifar-lab")
def main():
    """A hands-on lab for image classification.

    \b
    First steps:
      cifar-lab check                        check the installation
      cifar-lab train                        train the tutorial network
      cifar-lab evaluate RUN                 evaluate it on the test split
      cifar-lab export RUN --name mine       export it as a classifier
      cifar-lab predict cat.jpg --model mine
    """


def typed_command() -> str:
    """Return the command line as typed, with paths reduced to their last part.

    It is recorded in model cards, which are passed on to others: it must not reveal local paths.
    """
    return shlex.join(["cifar-lab", *map(_without_folders, sys.argv[1:])])


def _without_folders(argument: str) -> str:
    option, sign, value = argument.partition("=") if argument.startswith("-") else ("", "", argument)
    path = Path(value).expanduser()
    if value and (path.is_absolute() or ".." in path.parts or path.is_dir()):
        return option + sign + (path.name if path.name not in ("", "..") else path.resolve().name)
    return argument
