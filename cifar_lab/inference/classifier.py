"""The classifier: a trained network, or another method, on disk that answers for pictures, without TensorFlow.

    classifier = Classifier.load("tutorial")
    prediction = classifier.predict("cat.jpg")
    prediction.label, prediction.score, prediction.known

A classifier is a folder: `card.json` says what it is and which files belong to it, `model.tflite` answers (on LiteRT),
`model.keras` is there to train on and explain. A baseline has `model.skops` instead of both, which scikit-learn answers
from. Only files whose SHA-256 the card states are opened.

It can be a single file too, `friend.cifarlab`, made by `Classifier.save`. And it can be pickled, to be handed to other
processes and machines: what answers goes along. Mail the file, not a pickle: whoever opens a pickle runs what is in it.
"""

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cifar_lab import images
from cifar_lab.core.probabilities import apply_temperature, average_views
from cifar_lab.inference import archive, engines
from cifar_lab.inference import model_card as cards
from cifar_lab.inference.model_card import ModelCard


class Guess(NamedTuple):
    """One line of a top-k list: the class, its index, and its probability, 0-1."""

    label: str
    index: int
    score: float


@dataclass(frozen=True)
class Prediction:
    """What a classifier says of one picture.

    Attributes:
        label: the most probable class.
        index: its position in the card's class names.
        score: its calibrated probability, 0-1.
        known: False for "none of these": the network is less sure than it is of 95 % of the pictures it knows.
        top: the best guesses, the most probable first.
        image: what the network saw, `(size, size, 3)` uint8, 0-255.
    """

    label: str
    index: int
    score: float
    known: bool
    top: tuple[Guess, ...]
    image: np.ndarray = field(repr=False, compare=False)


class Classifier:
    """A trained network and its card. Any number of threads may call one at once."""

    def __init__(self, card: ModelCard, engine, *, threads: int | None = None):
        """Use `Classifier.load`.

        Args:
            card: the model card.
            engine: what answers, from `cifar_lab.inference.engines`.
            threads: how many cores were asked for, as in `load`.
        """
        self.card = card
        self._engine = engine
        self._threads = threads

    @classmethod
    def load(cls, name: str | Path, *, threads: int | None = None) -> "Classifier":
        """Load a classifier by its name in `data/models/`, or by the path of its folder or of its single file.

        Args:
            name: such as `"tutorial"`, or a path made by `cifar-lab export` or by `save`.
            threads: cores one call may use; all of them when not given. A server that answers several calls at once
                gives each one.

        Raises:
            ValueError: there is no such classifier, or a file is missing, damaged or not the one its card states.
        """
        return cls._of(ModelCard.load(name), threads)

    @classmethod
    def _of(cls, card: ModelCard, threads: int | None) -> "Classifier":
        try:
            return cls(card, engines.load_engine(card, threads=threads or os.cpu_count() or 1), threads=threads)
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"The classifier {card.folder.name!r} cannot be loaded: {error}") from error

    def save(self, path: str | Path, *, replace: bool = False) -> Path:
        """Save the classifier as a single file, with all that its card states. `load` takes it as it is.

        Args:
            path: where to; it ends in `.cifarlab`.
            replace: put it in the place of a file that is there.

        Returns:
            The path.

        Raises:
            ValueError: the path has another ending, there is a file already, or one of the classifier's own files is
                missing or not the one its card states.
        """
        path = Path(path)
        stated = ((name, self.card.read_verified(name)) for name in sorted(self.card.content["files"]))
        archive.write_archive(path, self.card.content, stated, replace=replace)
        return path

    def __reduce__(self):
        """Go along with a pickle: the card and the file that answers, verified now and when it is opened again."""
        file = engines.file_of(self.card)
        carried = {file: self.card.read_verified(file)}
        # The folder as text: a path of Linux cannot be unpickled on Windows.
        return _restore, (str(self.card.folder), self.card.content, carried, self._threads)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the network's outputs."""
        return self.card.class_names

    def predict(self, pictures, top: int = 3) -> "Prediction | list[Prediction]":
        """Say what is in one picture, or in each of a list of them.

        Args:
            pictures: a path, bytes, file object, PIL image or array `(height, width, 3)` uint8; or a list of those, or
                a generator, from which one is asked for only when the one before is down to the network's size.
            top: how many guesses to list, from 1; no more than there are classes are given.

        Returns:
            A `Prediction`; for a list or generator a list, in its order.

        Raises:
            PictureError: a picture cannot be read; it says why.
            ValueError: `top` is below 1.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, but it is {top}.")
        many = isinstance(pictures, list | tuple | Generator) or getattr(pictures, "ndim", 0) == 4
        framed = list(map(self._frame, pictures if many else [pictures]))  # map holds on to no picture
        rows = self._answers(framed)
        predictions = [self._prediction(row, views[0], top) for row, views in zip(rows, framed, strict=True)]
        return predictions if many else predictions[0]

    def see(self, picture) -> np.ndarray:
        """Turn a picture into what this network sees, or sees first: `(size, size, 3)` uint8, 0-255.

        Raises:
            PictureError: the picture cannot be read; it says why.
        """
        return images.to_input(picture, size=self.card.input_size, framing=self.card.framings[0])

    def _frame(self, picture) -> list[np.ndarray]:
        """The views of one picture: each of the card's framings, or, where they are all the same, both mirror images.

        Not the mirror images of each framing too: that takes twice the time and gains nothing on photographs.
        """
        opened = images.open_picture(picture)
        framings = self.card.framings if opened.width != opened.height else self.card.framings[:1]
        views = [images.to_input(opened, size=self.card.input_size, framing=framing) for framing in framings]
        return [views[0], views[0][:, ::-1]] if self.card.mirror and len(views) == 1 else views

    def _answers(self, framed: list[list[np.ndarray]]) -> list[np.ndarray]:
        """Calibrated probabilities, `(classes,)`, for each picture; all views of all pictures go in together."""
        if not framed:
            return []
        raw = self._run_all(np.stack([image for views in framed for image in views]))
        parts = np.split(raw, np.cumsum([len(views) for views in framed])[:-1])
        averaged = np.concatenate([average_views(part[None]) for part in parts])
        return list(apply_temperature(averaged, self.card.temperature))

    def probabilities(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Calibrated class probabilities for images of the network's own size.

        Args:
            inputs: `(n, size, size, 3)` uint8, 0-255.
            progress: show a progress bar.

        Returns:
            `(n, classes)` float32, 0-1, every row adding up to 1.

        Raises:
            ValueError: the array has another shape or dtype.
        """
        return apply_temperature(self.raw_probabilities(inputs, progress=progress), self.card.temperature)

    def raw_probabilities(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """What the network itself says, before calibration: same arguments, shapes and errors as `probabilities`.

        A network whose card asks for both mirror images answers from the two together.
        """
        size = self.card.input_size
        if inputs.ndim != 4 or inputs.shape[1:] != (size, size, 3) or inputs.dtype != np.uint8:
            raise ValueError(
                f"This network takes images (n, {size}, {size}, 3) of uint8, but got {inputs.shape} of {inputs.dtype}. "
                "Use Classifier.predict for pictures of any size."
            )
        sides = [inputs, inputs[:, :, ::-1]] if self.card.mirror else [inputs]
        return average_views(np.stack([self._run_all(side, progress=progress) for side in sides], axis=1))

    def _run_all(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        count = self._engine.at_once
        starts = range(0, len(inputs), count)
        if progress:
            from cifar_lab.core.progress import progress_bar  # the page does without it

            starts = progress_bar(starts, desc=f"asking {self.card.name}", unit="batch")
        parts = [self._engine(inputs[first : first + count]) for first in starts]
        return np.concatenate(parts) if parts else np.empty((0, len(self.class_names)), np.float32)

    def _prediction(self, row: np.ndarray, image: np.ndarray, top: int) -> Prediction:
        order = np.argsort(-row, kind="stable")[:top]
        guesses = tuple(Guess(self.class_names[i], int(i), float(row[i])) for i in order)
        best = guesses[0]
        return Prediction(best.label, best.index, best.score, best.score >= self.card.known_threshold, guesses, image)


def _restore(folder: str, content: dict, carried: dict[str, bytes], threads: int | None) -> Classifier:
    return Classifier._of(ModelCard(Path(folder), content, carried).checked(), threads)


def load_classifiers(*, threads: int | None = None) -> tuple[dict[str, Classifier], list[str]]:
    """Load every classifier of the models folder, for a choice of them.

    Args:
        threads: as in `Classifier.load`.

    Returns:
        The classifiers by name, the default one first; and a sentence on each that can't be loaded.
    """
    default, loaded, left_out = cards.default_classifier(), {}, []
    for name in sorted(cards.list_classifiers(), key=lambda name: (name != default, name)):
        try:
            loaded[name] = Classifier.load(name, threads=threads)
        except ValueError as error:
            left_out.append(str(error))
    return loaded, left_out
