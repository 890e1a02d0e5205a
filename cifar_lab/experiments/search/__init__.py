"""Search: which settings work best, judged on the validation images.

    from cifar_lab.experiments import search

    found = search.find_recipe(dataset, "tutorial", learning_rate=[0.0003, 0.001, 0.003], batch_size=[32, 64], epochs=4)
    print(found.table())
    run = training.train(dataset, found.best, seed=1)

`find_recipe` tries recipes, stops the bad ones early, and goes on where it was when killed; with `cluster="auto"` it
spreads its trials over many machines (`README.md` in this folder). `cifar_lab.experiments.search.grid` is
scikit-learn's grid search, over a network or a baseline. `cifar_lab.plots.search` draws what was found.
"""

from cifar_lab.experiments.search.recipe_search import find_recipe
from cifar_lab.experiments.search.space import Between
from cifar_lab.experiments.search.state import Search, Trial, open_search

__all__ = ["Between", "Search", "Trial", "find_recipe", "open_search"]
