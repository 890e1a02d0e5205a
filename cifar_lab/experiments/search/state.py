"""A search on disk: its plan and how far each trial has come, so that one that was killed goes on where it was."""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cifar_lab.core import files, paths
from cifar_lab.core.text import text_table
from cifar_lab.experiments.search.space import in_words, value_in_words
from cifar_lab.training import runs
from cifar_lab.training.recipe import Recipe

FILE_NAME = "search.json"


@dataclass
class Trial:
    """One recipe that is tried.

    Attributes:
        number: which trial of its search, from 1.
        recipe: how it is trained.
        changes: what is special about it: the searched fields with their values.
        folder: where its checkpoint lies, and when it has had all its epochs its network and card.
        history: one dictionary an epoch so far: epoch, loss, accuracy, validation_loss, validation_accuracy.
        problem: why it can't go on, in a sentence; empty if it can.
    """

    number: int
    recipe: Recipe
    changes: dict
    folder: Path
    history: list[dict] = field(default_factory=list)
    problem: str = ""

    @property
    def finished(self) -> bool:
        """Whether it has had all the epochs of its recipe."""
        return len(self.history) >= self.recipe.epochs

    def accuracy(self, epochs: int | None = None) -> float:
        """The share of right answers on validation, 0-1, of the network that it would keep after some epochs.

        Args:
            epochs: look at so many; all it has had when not given.
        """
        shares = [row["validation_accuracy"] for row in self.history[:epochs]]
        if not shares or self.problem:
            return 0.0
        return shares[-1] if self.recipe.keep == "last" else max(shares)

    def recall(self) -> bool:
        """Take the history from its run card, if it has one: whether it has had all its epochs."""
        if runs.record_path(self.folder).is_file():
            self.history = runs.open_run(self.folder).history
        return self.finished

    def sentence(self) -> str:
        """How it does, in a sentence."""
        if self.problem:
            return f"trial {self.number} ({in_words(self.changes)}): {self.problem}"
        done = f"after {len(self.history)} of {self.recipe.epochs} epochs"
        return f"trial {self.number} ({in_words(self.changes)}): {self.accuracy():.1%} on validation {done}"

    @property
    def state(self) -> str:
        """`finished`, `failed`, or after how many epochs it was stopped."""
        if self.problem:
            return "failed"
        return "finished" if self.finished else f"stopped after {len(self.history)}"


@dataclass
class Search:
    """A search, under way or at its end.

    Attributes:
        folder: where it lies: `search.json`, and a folder for each trial.
        trials: all of them, in the order in which they were drawn.
        plan: what has to be the same for a search to go on: the dataset's fingerprint, `first` and `reduction`.
        dataset_facts: what run cards say of the dataset.
        finished: when it ended, in ISO format; empty before.
        command: what was typed to start it.
    """

    folder: Path
    trials: list[Trial]
    plan: dict
    dataset_facts: dict
    finished: str = ""
    command: str = ""

    @property
    def epochs(self) -> int:
        """How many epochs all its trials have had."""
        return sum(len(trial.history) for trial in self.trials)

    def ranked(self) -> list[Trial]:
        """The trials, best first: those that came farther, then those that are right more often."""
        return sorted(self.trials, key=lambda t: (bool(t.problem), -len(t.history), -t.accuracy(), t.number))

    @property
    def best_trial(self) -> Trial:
        """The finished trial that is right most often on validation.

        Raises:
            ValueError: no trial has finished.
        """
        done = [trial for trial in self.trials if trial.finished and not trial.problem]
        if not done:
            problem = next((f" The first one: {trial.problem}" for trial in self.trials if trial.problem), "")
            raise ValueError(f"No trial of the search {self.folder.name} has finished.{problem}")
        return max(done, key=lambda trial: (trial.accuracy(), -trial.number))

    @property
    def best(self) -> Recipe:
        """The recipe of the best trial, for `training.train`."""
        return self.best_trial.recipe

    @property
    def best_run(self) -> runs.Run:
        """The best trial's run, with its network: no need to train it again."""
        return runs.open_run(self.best_trial.folder)

    def table(self) -> str:
        """The trials as lines of text, best first."""
        fields = list(self.trials[0].changes)
        rows = [["trial", *fields, "validation", "epochs", ""]]
        for trial in self.ranked():
            values = [value_in_words(trial.changes[name]) for name in fields]
            share = f"{trial.accuracy():.1%}" if trial.history and not trial.problem else "-"
            rows.append([str(trial.number), *values, share, f"{len(trial.history)}/{trial.recipe.epochs}", trial.state])
        return text_table(rows, left=(len(rows[0]) - 1,))

    def sentence(self) -> str:
        """What came out, in a sentence."""
        best = self.best_trial
        early = sum(not trial.finished and not trial.problem for trial in self.trials)
        return (
            f"The best of {len(self.trials)} trials is number {best.number}, {in_words(best.changes)}: "
            f"{best.accuracy():.1%} on validation after {best.recipe.epochs} epochs. {early} were stopped early."
        )

    def save(self) -> None:
        """Write it to its folder, whole or not at all."""
        trials = [
            {"changes": t.changes, "recipe": t.recipe.to_dict(), "history": t.history, "problem": t.problem}
            for t in self.trials
        ]
        content = {"format": 1, "name": self.folder.name, "plan": self.plan, "dataset": self.dataset_facts}
        content |= {
            "command": self.command,
            "finished": self.finished,
            "machine": runs.describe_machine(),
            "trials": trials,
        }
        files.write_json(self.folder / FILE_NAME, content)

    def finish(self) -> None:
        """Mark it as ended; what stopped trials would need to go on is not needed any more."""
        self.finished = datetime.now(UTC).isoformat(timespec="seconds")
        self.save()
        for trial in self.trials:
            (trial.folder / "checkpoint.npz").unlink(missing_ok=True)


def start_search(
    recipes: list[tuple[dict, Recipe]], *, plan: dict, dataset_facts: dict, command: str, parent: Path
) -> Search:
    """Begin a search in a folder of its own.

    Args:
        recipes: for each trial what is special about it, and its recipe.
        plan: see `Search`.
        dataset_facts: what run cards say of the dataset.
        command: what was typed to start it.
        parent: the folder to make its folder in.
    """
    recipe = recipes[0][1]
    name = recipe.name.removesuffix("-trial1")
    folder = files.new_folder(
        parent, re.sub(r"[^A-Za-z0-9.]+", "-", f"search-{name}-{dataset_facts['name']}-seed{recipe.seed}")
    )
    search = Search(folder, [], plan, dataset_facts, command=command)
    for number, (changes, recipe) in enumerate(recipes, start=1):
        search.trials.append(Trial(number, recipe, changes, folder / f"trial-{number}"))
    search.save()
    return search


def find_unfinished_search(recipes: list[tuple[dict, Recipe]], *, plan: dict, parent: Path) -> Search | None:
    """The newest unfinished search of just these recipes by just this plan, or `None`."""
    begun = sorted(parent.glob(f"*/{FILE_NAME}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in begun:
        try:
            search = open_search(path.parent)
        except ValueError:  # not ours to mend
            continue
        if not search.finished and search.plan == plan and [t.recipe for t in search.trials] == [r for _, r in recipes]:
            return search
    return None


def open_search(search: str | Path) -> Search:
    """Open a search by its name in `runs/`, or by its folder.

    Raises:
        ValueError: there is no such search, or its file cannot be read.
    """
    folder = next((p for p in (Path(search), paths.runs_folder() / search) if (p / FILE_NAME).is_file()), None)
    if folder is None:
        raise ValueError(f"There is no search {str(search)!r}: a folder with a {FILE_NAME} was expected.")
    try:
        content = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        trials = [_read_trial(number, trial, folder) for number, trial in enumerate(content["trials"], start=1)]
        return Search(folder, trials, content["plan"], content["dataset"], content["finished"], content["command"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{folder / FILE_NAME} cannot be read: {error!r}") from error


def _read_trial(number: int, content: dict, folder: Path) -> Trial:
    fields, changes = (_with_tuples(content[part]) for part in ("recipe", "changes"))
    history, problem = content["history"], content["problem"]
    trial = Trial(number, Recipe(**fields), changes, folder / f"trial-{number}", history, problem)
    if trial.finished and not runs.record_path(trial.folder).is_file():
        history.pop()  # killed after its last epoch, while its network was being saved: it has to go on a little
    return trial


def _with_tuples(fields: dict) -> dict:
    """JSON knows no tuples; recipes know no lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
