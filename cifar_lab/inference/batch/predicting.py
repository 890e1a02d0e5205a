"""From paths to answers: what every worker does, in a process of this machine or on a cluster."""

import os
import stat
from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from cifar_lab import images
from cifar_lab.inference import litert
from cifar_lab.inference import model_card as cards
from cifar_lab.inference.classifier import Classifier
from cifar_lab.inference.model_card import ModelCard

_MEMORY = 64 * 2**20  # bytes of images of the network's size that wait for it together
ENDED = "worker_ended"


@dataclass(frozen=True, kw_only=True)
class Model(ModelCard):
    """A classifier on its way to a worker, which may be on a machine without its folder: its card and its file.

    Attributes:
        file: the name of the file that answers.
        file_content: what is in it, verified.
    """

    file: str
    file_content: bytes

    @classmethod
    def load(cls, name: str | Path | None) -> "Model":
        """Read a classifier, and try whether it can be used, before anything is begun.

        Raises:
            ValueError: there is none of that name, or it is damaged.
        """
        card = Classifier.load(name or cards.default_classifier(), threads=1).card
        file = litert.LITERT_FILE
        return cls(folder=card.folder, content=card.content, file=file, file_content=card.read_verified(file))

    @property
    def facts(self) -> dict:
        """All that its answers follow from; metrics that are put onto the card later change nothing."""
        wanted = ("class_names", "input_size", "temperature", "known_threshold", "framings", "mirror")
        stated = {name: self.content[name] for name in wanted if name in self.content}
        return stated | {"sha256": self.content["files"][self.file]["sha256"]}

    def read_verified(self, file_name: str) -> bytes:
        """The content of its file, which was verified when it was read."""
        if file_name != self.file:
            raise ValueError(f"only {self.file} went along")
        return self.file_content

    def classifier(self) -> Classifier:
        """The classifier, for one thread on one core: there is a worker for each."""
        return Classifier(self, litert.load_engine(self, threads=1))


def answer(
    classifier: Classifier,
    paths: list[bytes],
    *,
    opening: Callable[[int], None] = lambda position: None,
    passed_over: Collection[int] = (),
) -> list[list]:
    """Classify the files of one part.

    Args:
        classifier: answers for several pictures at once.
        paths: the files, from the root.
        opening: is told the position of each file before it is opened.
        passed_over: positions of files that ended their worker before: they are not opened again.

    Returns:
        For each path, in order, `[index, score, known]`, or `[code, sentence]` for one that cannot be read.
    """
    results: list = [None] * len(paths)
    waiting = iter(range(len(paths)))
    while positions := list(islice(waiting, _at_once(classifier))):
        readable, frames = [], []
        for position in positions:
            opening(position)
            try:
                if position in passed_over:
                    raise images.PictureError(ENDED, "Reading it ended the worker process each time. Look at it alone.")
                frames.append(classifier.frame(_read(paths[position])))
            except images.PictureError as error:
                results[position] = [error.code, str(error)]
                continue
            readable.append(position)
        for position, prediction in zip(readable, classifier.predict_frames(frames, top=1), strict=True):
            results[position] = [prediction.index, prediction.score, bool(prediction.known)]
    return results


def _at_once(classifier: Classifier) -> int:
    views = max(2, len(classifier.card.framings))
    return max(1, min(256, _MEMORY // (views * 3 * classifier.card.input_size**2)))


def _read(path: bytes) -> bytes:
    """The content of a file; the sentences name no path, which stands beside them and differs between machines."""
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise images.PictureError("no_file", _about_folder(path))
        if not stat.S_ISREG(kind):  # a pipe would be waited on for ever
            raise images.PictureError("no_file", "This is a pipe, a socket or a device, not a file.")
        with open(path, "rb") as file:
            return file.read(images.MAX_BYTES + 1)
    except FileNotFoundError:
        raise images.PictureError("no_file", "The file does not exist.") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, images.PictureError):
            raise
        raise images.PictureError("no_file", f"The file cannot be read: {_reason(error)}.") from error


def _about_folder(path: bytes) -> str:
    if os.path.islink(path):
        return "This is a link to a folder, and those are not followed: nothing in it was classified."
    try:
        with os.scandir(path):
            return "This is a folder, not a picture: nothing in it was classified."
    except OSError as error:
        return f"The folder cannot be read: {_reason(error)}. Nothing in it was classified."


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
