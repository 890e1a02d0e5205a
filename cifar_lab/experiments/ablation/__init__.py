"""Ablation: the effect of each trick of a recipe, measured by training without it.

    runs = ablation.run_ablation(dataset, "fast-mini", seeds=3)  # hours on CIFAR-10; run it again to resume
    print(ablation.summarise_ablation(runs).table())

    recorded, _ = leaderboard.read_runs(folder)  # records from `write_records`: the same without training
    ablation.summarise_ablation(recorded)

Use several seeds: two seeds of the same recipe differ by about as much as some tricks are worth. `cifar_lab.plots`
draws the result (`ablation_bars`).
"""

from cifar_lab.experiments.ablation.running import run_ablation, without_each
from cifar_lab.experiments.ablation.worth import MIRROR, Ablation, Trick, summarise_ablation
from cifar_lab.experiments.leaderboard import write_records

__all__ = ["MIRROR", "Ablation", "Trick", "run_ablation", "summarise_ablation", "without_each", "write_records"]
