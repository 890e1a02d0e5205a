"""Ablation: what each trick of a recipe is worth. Take it away, train again, and see what is lost.

    found = ablation.run(dataset, "fast-mini", seeds=3)  # hours on CIFAR-10; goes on where it was
    print(ablation.summary(found).table())

    recorded, _ = leaderboard.read_runs(folder)  # cards that `ablation.record` wrote: the same without training
    ablation.summary(recorded)

Figures of one run are not enough: two seeds of the same recipe differ by about as much as some tricks are worth.
`cifar_lab.plots.ablation` draws the result.
"""

from cifar_lab.experiments.ablation.running import run_ablation, without_each
from cifar_lab.experiments.ablation.worth import MIRROR, Ablation, Trick, summarise_ablation
from cifar_lab.experiments.leaderboard import write_records

__all__ = ["MIRROR", "Ablation", "Trick", "run_ablation", "summarise_ablation", "without_each", "write_records"]
