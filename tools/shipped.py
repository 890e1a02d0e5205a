"""Make `data/models/cifar10`, the shipped classifier, from nothing: `KERAS_BACKEND=torch python -m tools.shipped`.

By estimate six hours on two cores; three with `--precision bfloat16` on a processor that is quick with it (AVX-512).
Kill it whenever you like: the same command goes on. It needs CIFAR-10 (`cifar-lab check` says whether that is here).
`--others FILE.npz`, with an array `images` of other things, adds to the card how well those are told apart. The two
teachers stay in `data/models/` as classifiers; delete them when it is done.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

from cifar_lab import card, data, recipes, runs, training
from cifar_lab.recipe import PRECISIONS

HELD_OUT = Path(__file__).parent.parent / "data" / "held_out.txt"
# The first is as large as what is to be shipped, which starts as it. The second has two and a half times the work to
# do for an image, and so knows more than could be shipped.
TEACHERS = {
    "teacher-1": {"recipe": "shipped"},
    "teacher-2": {"recipe": "fast-huge", "epochs": 18, "zoom": 0.25, "plain_epochs": 2, "start_size": 20, "seed": 1},
}


def main():
    """Train what is not there yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--others", type=Path, help="an .npz file whose `images` show none of the classes")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="what to compute with")
    wishes = parser.parse_args()
    dataset = data.load("cifar10", held_out=HELD_OUT)
    for name, changes in TEACHERS.items():
        if name not in card.available():
            export(trained(dataset, **changes, precision=wishes.precision), name)
    changes = {"start": "teacher-1", "teachers": tuple(TEACHERS), "precision": wishes.precision}
    last = trained(dataset, "distilled", **changes)
    looks = ["--mirror", "--framing", "centre", "--framing", "squash", "--replace"]
    export(last, "cifar10", *looks, *(["--others", wishes.others] if wishes.others else []))


def trained(dataset, recipe, **changes):
    """The finished run of a recipe; trained now, or further from where it was stopped, if there is none."""
    recipe = recipes.get(recipe, **changes)
    finished = runs.find_finished(recipe, runs.dataset_facts(dataset))
    return finished or training.train(dataset, recipe, resume=True, command=typed())


def typed() -> str:
    """The command that was given, for the cards."""
    backend = os.environ.get("KERAS_BACKEND")
    command = shlex.join(["python", "-m", "tools.shipped", *sys.argv[1:]])
    return f"KERAS_BACKEND={backend} {command}" if backend else command


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
