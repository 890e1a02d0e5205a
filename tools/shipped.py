"""Make `data/models/cifar10`, the shipped classifier, from nothing: `KERAS_BACKEND=torch python -m tools.shipped`.

Estimated at six to eleven hours on two cores; four with `--precision bfloat16` on a processor that supports it
(AVX-512 BF16). It can be interrupted at any time: the same command resumes. It needs CIFAR-10 (`cifar-lab check` says
whether it is there). `--others FILE.npz`, with an array `images` of things that are none of the classes, adds to the
card how well those are rejected. The teachers stay in `data/models/` as classifiers; delete them when it is done.
"""

import argparse
import os
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from cifar_lab import data, training
from cifar_lab.data import cifar10
from cifar_lab.data.dataset import Dataset
from cifar_lab.inference import model_card
from cifar_lab.training import export, recipes, runs
from cifar_lab.training.recipe import COMPUTE_PRECISIONS
from cifar_lab.training.runs import Run

HELD_OUT, EXACT = (Path(__file__).parent.parent / "data" / name for name in ("held_out.txt", "exact.txt"))
SHIPPED = "cifar10"
# One after the other; each becomes a classifier, which later ones start from and learn from. Teachers 2 and 3 have two
# and a half times the work to do for an image, and so know more than could be shipped.
_WIDE = {"recipe": "fast-huge", "zoom": 0.25, "plain_epochs": 2, "start_size": 20}
STEPS = {
    "teacher-1": {"recipe": "shipped"},
    "teacher-2": {**_WIDE, "epochs": 18, "seed": 1},
    "teacher-3": {**_WIDE, "epochs": 16, "cutout": 8, "seed": 2},
    "student-1": {"recipe": "distilled", "start": "teacher-1", "teachers": ("teacher-1", "teacher-2")},
    "student-2": {"recipe": "distilled", "start": "student-1", "teachers": ("student-1", "teacher-2", "teacher-3")},
    # A few small steps, on `mostly_exact`.
    SHIPPED: {
        "recipe": "distilled",
        "start": "student-2",
        "teachers": ("student-2", "teacher-2", "teacher-3"),
        "epochs": 4,
        "learning_rate": 0.1,
        "plain_epochs": 2,
        "keep": "last",
    },
}


def main():
    """Make what is not there yet, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--others", type=Path, help="an .npz file whose `images` show none of the classes")
    parser.add_argument("--precision", choices=COMPUTE_PRECISIONS, default="float32", help="what to compute with")
    parser.add_argument("--export", choices=STEPS, metavar="NAME", help="no more than that, of a run that has finished")
    wishes = parser.parse_args()
    whole = data.load("cifar10", held_out=HELD_OUT)
    for name, changes in STEPS.items():
        dataset = mostly_exact(whole) if name == SHIPPED else whole
        recipe = recipes.get(**changes, precision=wishes.precision)
        if wishes.export == name:
            run = finished(recipe, dataset) or sys.exit(f"No run of {name} has finished: leave out --export first.")
            make_classifier(run, dataset, name, wishes.others)
        elif not wishes.export and (name == SHIPPED or name not in model_card.list_classifiers()):
            finished(recipe, dataset) or training.train(dataset, recipe, resume=True, command=typed())
            # In a process of its own: that takes TensorFlow, whatever training ran on.
            again = [sys.executable, "-m", "tools.shipped", *sys.argv[1:], "--export", name]
            subprocess.run(again, env=os.environ | {"KERAS_BACKEND": "tensorflow"}, check=True)


def mostly_exact(whole: Dataset) -> Dataset:
    """All training images that did not go through JPEG, and twice as many that did.

    Of the copy that was learnt from, those are a third then, and not a twelfth. Photographs that are made small have no
    traces of JPEG either.
    """
    held_out, official = (cifar10.read_positions(path) for path in (HELD_OUT, EXACT))
    exact = np.isin(np.setdiff1d(np.arange(50_000), held_out), official)
    others = np.random.default_rng(1).permutation(np.flatnonzero(~exact))[: 2 * exact.sum()]
    told = f" To learn from: {exact.sum():,} of its images whose pixels are the official ones, and twice as many more."
    train = whole.train.take(np.concatenate([np.flatnonzero(exact), others]))
    return replace(whole, train=train, origin=whole.origin + told)


def finished(recipe, dataset: Dataset) -> Run | None:
    """The newest finished run of a recipe on a dataset, or None."""
    return runs.find_finished_run(recipe, runs.describe_dataset(dataset))


def make_classifier(run: Run, dataset: Dataset, name: str, others: Path | None) -> None:
    """Turn a run into the classifier NAME. What is shipped looks at a picture twice, and counts everybody's minutes."""
    looks = {"precision": "int8", "replace": True, "progress": True}
    if name == SHIPPED:
        before = [model_card.ModelCard.load(step).content["trained"]["minutes"] for step in STEPS if step != SHIPPED]
        run = Run(run.folder, run.record | {"minutes": round(run.record["minutes"] + sum(before), 2)})
        looks |= {"mirror": True, "framings": ("centre", "squash")}
        if others:
            looks["others"] = np.load(others, allow_pickle=False)["images"]
    export.export_run(run, dataset, name, facts={"command": typed()}, **looks)


def typed() -> str:
    """The command that was given, for the cards."""
    backend = os.environ.get("KERAS_BACKEND")
    command = shlex.join(["python", "-m", "tools.shipped", *sys.argv[1:]])
    return f"KERAS_BACKEND={backend} {command}" if backend else command


if __name__ == "__main__":
    main()
