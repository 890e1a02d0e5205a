"""A trial in training: from its checkpoint on, for as many epochs as it is allowed."""

from collections.abc import Callable

from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.search.state import Search, Trial
from cifar_lab.training import build, checkpoint, loop


def advance(
    trial: Trial,
    search: Search,
    dataset: Dataset,
    *,
    until: int,
    progress: bool = False,
    after_epoch: Callable[[dict], None],
) -> None:
    """Train a trial on from its checkpoint; one that goes its way in parts ends as one that goes it at once.

    Args:
        trial: its `history` grows, and `problem` says so if the loss is no longer a number.
        search: what it belongs to.
        dataset: what to learn; its test split is not looked at.
        until: stop after so many epochs, counted from the first.
        progress: show a progress bar.
        after_epoch: called with the row of each epoch that it has had, those of its checkpoint first.

    Raises:
        ValueError: the recipe makes no sense, or the checkpoint does not fit.
    """
    if trial.recall():
        return
    recipe = trial.recipe
    model = build.build_model(dataset, recipe)
    state = checkpoint.restore_checkpoint(trial.folder, model)
    trial.history = state.history  # the same list: it grows with the training
    for row in state.history:
        after_epoch(row)
    try:
        folder, say = trial.folder, loop._silent
        loop._run_epochs(model, dataset, recipe, state, folder, say, progress, until=until, after_epoch=after_epoch)
    except loop.DivergedError as error:
        trial.problem = str(error)
        return
    if trial.finished:
        facts = {"command": search.command, "dataset": search.dataset_facts}
        loop._finish(model, dataset, recipe, state, trial.folder, facts)
