"""A time budget: which recipe is the most accurate in so many minutes, on this machine.

    offers = experiments.budget_offers(recorded)  # from the run records
    slowness = budget.slowness(recorded[0], dataset)  # a few steps of training here
    plan = budget.best(offers, minutes=5, slowness=slowness)
    training.train(dataset, plan.recipe, epochs=plan.epochs)

It offers what was measured and nothing else: no accuracy is guessed, and only the minutes are carried over from one
machine to another. `cifar_lab.plots.budget` draws the choice.
"""

from cifar_lab.experiments.budget.planning import Offer, best_offer, budget_offers, machine_slowness

__all__ = ["Offer", "best_offer", "budget_offers", "machine_slowness"]
