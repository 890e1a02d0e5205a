"""Measuring a classifier on photographs in folders: the pictures that a dataset never saw.

A folder with the name of a class holds pictures of it; every other folder holds things that are none of them, and
says how well "none of these" works.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_lab import evaluation
from cifar_lab.core.progress import progress_bar
from cifar_lab.images import PictureError
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import ModelCard


@dataclass(frozen=True)
class FolderAccuracy:
    """What `evaluate_folder` found.

    Attributes:
        count: photographs of known classes.
        accuracy: the share of them that got the right label, 0-1, whether or not they were taken for known.
        interval: its 95 % interval (Wilson).
        accepted: the share of them that was taken for known.
        other_count: photographs of other things.
        other_refused: the share of those that was called "none of these"; `None` without any.
        auroc: the chance that a known photograph scores higher than another one; `None` without any.
        broken: the files that could not be read, with the reason.
    """

    count: int
    accuracy: float
    interval: tuple[float, float]
    accepted: float
    other_count: int
    other_refused: float | None
    auroc: float | None
    broken: dict[str, str]

    def to_dict(self) -> dict:
        """The figures as plain values; of the broken files only how many there are."""
        return vars(self) | {"interval": list(self.interval), "broken": len(self.broken)}

    def lines(self) -> list[str]:
        """The report as sentences."""
        low, high = self.interval
        lines = [f"{path}: {reason}" for path, reason in self.broken.items()]
        lines.append(
            f"{self.count} photographs of known classes: {self.accuracy:.1%} right "
            f"(95 % interval {low:.1%} to {high:.1%}), {self.accepted:.1%} taken for known"
        )
        if self.other_count:
            lines.append(
                f"{self.other_count} of other things: {self.other_refused:.1%} called none of these; "
                f"a known one scores higher than another with a chance of {self.auroc:.3f} (AUROC)"
            )
        return lines


def evaluate_folder(
    classifier: Classifier, folder: Path, *, keep: bool = False, progress: bool = False
) -> FolderAccuracy:
    """Classify every photograph in the subfolders of a folder.

    Args:
        classifier: what is measured.
        folder: holds one folder a class, by the class's name, and any others.
        keep: keep the report on the classifier's card, without the files' names, under `metrics.photographs`.
        progress: show a progress bar.

    Raises:
        ValueError: there is no readable photograph of a known class.
    """
    paths = sorted(path for path in folder.glob("*/*") if path.is_file() and not path.name.startswith("."))
    found, broken = [], {}
    for path in progress_bar(paths, unit="picture", shown=progress):
        try:
            found.append((path.parent.name, classifier.predict(path)))
        except PictureError as error:
            broken[str(path)] = str(error)
    known = [(name, answer) for name, answer in found if name in classifier.class_names]
    others = [answer for name, answer in found if name not in classifier.class_names]
    if not known:
        wanted = ", ".join(classifier.class_names)
        raise ValueError(f"{folder} has no picture in a subfolder named after a class. The classes are: {wanted}.")
    right = sum(name == answer.label for name, answer in known)
    scores = [np.array([answer.score for answer in answers]) for answers in ([a for _, a in known], others)]
    report = FolderAccuracy(
        count=len(known),
        accuracy=right / len(known),
        interval=evaluation.wilson_interval(right, len(known)),
        accepted=sum(answer.known for _, answer in known) / len(known),
        other_count=len(others),
        other_refused=sum(not answer.known for answer in others) / len(others) if others else None,
        auroc=evaluation.known_auroc(*scores) if others else None,
        broken=broken,
    )
    if keep:
        card = ModelCard.load(classifier.card.folder)
        card.write(metrics=card.content.get("metrics", {}) | {"photographs": report.to_dict()})
    return report
