"""The command `cifar-lab` as if it had been typed."""

import sys

import pytest
from click.testing import CliRunner, Result

from cifar_lab.cli import main


def lab(*arguments) -> Result:
    """Run the command in this process; the cards it writes find what was typed in `sys.argv`."""
    typed = [str(argument) for argument in arguments]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cifar-lab", *typed])
        return CliRunner().invoke(main, typed)
