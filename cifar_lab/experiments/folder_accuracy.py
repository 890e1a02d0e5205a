"""Evaluate a classifier on folders of photographs that are not part of any dataset.

A folder named after a class has pictures of it. All other folders have out-of-distribution pictures, which measure how
well the classifier rejects them as "none of these".
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
    """The result of `evaluate_folder`.

    Attributes:
        count: number of photographs of known classes.
        accuracy: fraction of them with the correct label, 0-1, whether accepted or rejected.
        interval: its 95 % interval (Wilson).
        accepted: fraction of them that was accepted, 0-1.
        other_count: number of out-of-distribution photographs.
        other_refused: fraction of those that was rejected as "none of these", 0-1; `None` without any.
        auroc: probability that a photograph of a known class scores higher than an out-of-distribution one; `None`
            without any.
        broken: files that could not be read, with the reason.
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
        """Return the figures as plain values; `broken` becomes the number of files."""
        return vars(self) | {"interval": list(self.interval), "broken": len(self.broken)}

    def lines(self) -> list[str]:
        """Return the report, one sentence per line."""
        low, high = self.interval
        lines = [f"{path}: {reason}" for path, reason in self.broken.items()]
        lines.append(
            f"{self.count} photographs of known classes: accuracy {self.accuracy:.1%} "
            f"(95 % interval {low:.1%} to {high:.1%}), {self.accepted:.1%} accepted"
        )
        if self.other_count:
            lines.append(
                f"{self.other_count} photographs of other things: {self.other_refused:.1%} rejected as none of these, "
                f"AUROC {self.auroc:.3f}"
            )
        return lines


def evaluate_folder(
    classifier: Classifier, folder: Path, *, keep: bool = False, progress: bool = False
) -> FolderAccuracy:
    """Evaluate a classifier on the photographs in the subfolders of a folder.

    Args:
        classifier: the classifier to evaluate.
        folder: has one subfolder per class, named after it, and any number of others.
        keep: store the report in the model card under `metrics.photographs`, without file names.
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
    known = [(name, prediction) for name, prediction in found if name in classifier.class_names]
    others = [prediction for name, prediction in found if name not in classifier.class_names]
    if not known:
        names = ", ".join(classifier.class_names)
        raise ValueError(f"{folder} has no picture in a subfolder named after a class. The classes are: {names}.")
    right = sum(name == prediction.label for name, prediction in known)
    known_scores = np.array([prediction.score for _, prediction in known])
    other_scores = np.array([prediction.score for prediction in others])
    report = FolderAccuracy(
        count=len(known),
        accuracy=right / len(known),
        interval=evaluation.wilson_interval(right, len(known)),
        accepted=sum(prediction.known for _, prediction in known) / len(known),
        other_count=len(others),
        other_refused=sum(not prediction.known for prediction in others) / len(others) if others else None,
        auroc=evaluation.known_auroc(known_scores, other_scores) if others else None,
        broken=broken,
    )
    if keep:
        card = ModelCard.load(classifier.card.folder)
        card.write(metrics=card.content.get("metrics", {}) | {"photographs": report.to_dict()})
    return report
