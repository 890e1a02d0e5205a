"""`python -m cifar_lab` is the `cifar-lab` command."""

from cifar_lab.cli import main

main(prog_name="cifar-lab")
