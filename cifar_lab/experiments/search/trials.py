"""A trial in training: from its checkpoint on, for as many epochs as it is allowed."""

from collections.abc import Callable

from cifar_lab.data.dataset import Dataset
from cifar_lab.experiments.search.state import Search, Trial
from cifar_lab.training import loop
from cifar_lab.training.callbacks import Callback
from cifar_lab.training.finish import finish
from cifar_lab.training.prepare import prepare


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
    job = prepare(dataset, recipe, progress=progress, command=search.command)
    job.facts["dataset"] = search.dataset_facts  # of the whole dataset: a trial has no test images
    job.printed = False
    job.resume(trial.folder)
    trial.history = job.state.history  # the same list: it grows with the training
    for row in job.state.history:
        after_epoch(row)
    job.callbacks.append(_AfterEpoch(after_epoch))
    try:
        loop.train_epochs(job, until=until)
    except loop.DivergedError as error:
        trial.problem = str(error)
        return
    if trial.finished:
        finish(job)


class _AfterEpoch(Callback):
    def __init__(self, after_epoch: Callable[[dict], None]):
        self._after_epoch = after_epoch

    def on_epoch_end(self, job, row) -> None:
        self._after_epoch(row)
