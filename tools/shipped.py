"""Make `data/models/cifar10`, the shipped classifier, from nothing: `KERAS_BACKEND=torch python -m tools.shipped`.

Some seven hours on two cores. Kill it whenever you like: the same command goes on. It needs CIFAR-10 (`cifar-lab check`
says whether that is here). `--others FILE.npz`, with an array `images` of other things, adds to the card how well those
are told apart. The three teachers stay in `data/models/` as classifiers; delete them when it is done.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from cifar_lab import card, data, recipes, runs, training

COMMAND = "KERAS_BACKEND=torch python -m tools.shipped"
HELD_OUT = Path(__file__).parent.parent / "data" / "held_out.txt"
LONGER = {"epochs": 28, "cutout": 8, "start_size": 24}
# Networks that err in different ways: longer training with a hidden patch is better on the dataset's own pictures, the
# shorter one on photographs.
TEACHERS = {"teacher-1": {}, "teacher-2": LONGER | {"plain_epochs": 3}, "teacher-3": LONGER}


def main():
    """Train what is not there yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--others", type=Path, help="an .npz file whose `images` show none of the classes")
    others = parser.parse_args().others
    dataset = data.load("cifar10", held_out=HELD_OUT)
    for name, changes in TEACHERS.items():
        if name not in card.available():
            export(trained(dataset, "shipped", **changes), name)
    last = trained(dataset, "distilled", start="teacher-1", teachers=tuple(TEACHERS))
    looks = ["--mirror", "--framing", "centre", "--framing", "squash", "--replace"]
    export(last, "cifar10", *looks, *(["--others", others] if others else []))


def trained(dataset, recipe, **changes):
    """The finished run of a recipe; trained now, or further from where it was stopped, if there is none."""
    recipe = recipes.get(recipe, **changes)
    finished = runs.find_finished(recipe, runs.dataset_facts(dataset))
    return finished or training.train(dataset, recipe, resume=True, command=COMMAND)


def export(run, name, *options):
    """Make a classifier of a run, in a process of its own: that takes TensorFlow, whatever training ran on."""
    command = ["export", run.folder, "--dataset", "cifar10", "--held-out", HELD_OUT, "--name", name]
    subprocess.run(
        [sys.executable, "-m", "cifar_lab", *command, "--precision", "int8", *options],
        env=os.environ | {"KERAS_BACKEND": "tensorflow"},
        check=True,
    )


if __name__ == "__main__":
    main()
