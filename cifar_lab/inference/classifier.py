"""A saved classifier that labels pictures without TensorFlow.

    classifier = Classifier.load("tutorial")
    prediction = classifier.predict("cat.jpg")
    prediction.label, prediction.score, prediction.known

A classifier is a folder: `card.json` is its model card and states its files, `model.tflite` predicts (on LiteRT),
`model.keras` is for training on and explaining. Only files whose SHA-256 the card states are opened.

It can be a single file too, `friend.cifarlab`, made by `Classifier.save`. It can be pickled, to be sent to other
processes and machines. Send people the file, not a pickle: opening a pickle can run code.
"""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cifar_lab import images
from cifar_lab.core import files
from cifar_lab.core.batching import predict_in_batches
from cifar_lab.core.probabilities import apply_temperature, average_views
from cifar_lab.inference import archive, litert
from cifar_lab.inference import model_card as cards
from cifar_lab.inference.model_card import ModelCard


class Guess(NamedTuple):
    """One line of a top-k list: the class, its index, and its probability, 0-1."""

    label: str
    index: int
    score: float


@dataclass(frozen=True)
class Prediction:
    """The prediction for one picture.

    Attributes:
        label: the most probable class.
        index: its position in the card's class names.
        score: its calibrated probability, 0-1.
        known: False for "none of these": the score is below the threshold that keeps 95 % of known pictures (or the
            score next to that of "none of these", see `Classifier.known_scores`).
        top: the most probable classes, the best first.
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
            engine: computes the probabilities, from `cifar_lab.inference.litert`.
            threads: as in `load`.
        """
        self.card = card
        self._engine = engine
        self._threads = threads

    @classmethod
    def load(cls, name: str | Path, *, threads: int | None = None) -> "Classifier":
        """Load a classifier by its name in `data/models/`, or by the path of its folder or of its single file.

        Args:
            name: such as `"tutorial"`, or a path made by `cifar-lab export` or by `save`.
            threads: cores that one call may use; all of them when not given. A server with several calls at once
                should give each one core.

        Raises:
            ValueError: there is no such classifier, or a file is missing, damaged or not the one its card states.
        """
        return cls._of(ModelCard.load(name), threads)

    @classmethod
    def _of(cls, card: ModelCard, threads: int | None) -> "Classifier":
        try:
            return cls(card, litert.load_engine(card, threads=threads or os.cpu_count() or 1), threads=threads)
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"The classifier {card.folder.name!r} cannot be loaded: {error}") from error

    def save(self, path: str | Path, *, replace: bool = False) -> Path:
        """Save the classifier as a single file, which `load` opens.

        Args:
            path: of the new file; its extension is `.cifarlab`.
            replace: replace an existing file.

        Returns:
            The path.

        Raises:
            ValueError: the path has another extension or exists, or a file of the classifier is missing, unknown, too
                large or not the one its card states.
        """
        contents = {name: self.card.read_verified(name) for name in sorted(self.card.content["files"])}
        archive.write_archive(Path(path), self.card.content, contents, replace=replace)
        return Path(path)

    def __reduce__(self):
        """Support pickling: carry the card and the model file, verified now and when it is loaded."""
        file = litert.LITERT_FILE
        carried = {file: self.card.read_verified(file)}
        # The folder as text: a path of Linux cannot be unpickled on Windows.
        return _restore, (str(self.card.folder), self.card.content, carried, self._threads)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes, in the order of the network's outputs."""
        return self.card.class_names

    def predict(self, pictures, top: int = 3) -> "Prediction | list[Prediction]":
        """Predict the class of one picture, or of each of several.

        Args:
            pictures: a path, bytes, file object, PIL image or array `(height, width, 3)` uint8; or a list of those, or
                a generator, which is advanced only after the picture before has been framed.
            top: how many classes to list, at least 1, at most all.

        Returns:
            A `Prediction`; for a list or generator a list, in its order.

        Raises:
            PictureError: a picture cannot be read; it says why.
            ValueError: `top` is below 1.
        """
        if top < 1:
            raise ValueError(f"top must be at least 1, but it is {top}.")
        many = isinstance(pictures, list | tuple | Generator) or getattr(pictures, "ndim", 0) == 4
        # Frames are kept, pictures are not: a decoded one can take 100 MB (and `map` holds no reference to the last).
        frames = list(map(self.frame, pictures if many else [pictures]))
        predictions = self.predict_frames(frames, top=top)
        return predictions if many else predictions[0]

    def predict_frames(self, frames: Sequence[list[np.ndarray]], top: int = 3) -> list["Prediction"]:
        """Predict for pictures that were framed, all in one batch.

        Args:
            frames: what `frame` returned for each picture.
            top: how many classes to list.
        """
        all_outputs = self._predict_views(frames)
        return [self._prediction(outputs, views[0], top) for outputs, views in zip(all_outputs, frames, strict=True)]

    def see(self, picture) -> np.ndarray:
        """Convert a picture to this network's input, in the first of its framings: `(size, size, 3)` uint8, 0-255.

        Raises:
            PictureError: the picture cannot be read; it says why.
        """
        return images.to_input(picture, size=self.card.input_size, framing=self.card.framings[0])

    def frame(self, picture) -> list[np.ndarray]:
        """Convert one picture to the views that the network gets: each of the card's framings.

        Where they are all the same, as for a square picture, the view and its mirror image, if the card asks for that.
        Mirroring each framing too would take twice the time and gains nothing on photographs.

        Args:
            picture: as in `predict`.

        Returns:
            Views `(size, size, 3)` uint8, 0-255; the first is the one to show.

        Raises:
            PictureError: the picture cannot be read; it says why.
        """
        opened = images.open_picture(picture)
        framings = self.card.framings if opened.width != opened.height else self.card.framings[:1]
        views = [images.to_input(opened, size=self.card.input_size, framing=framing) for framing in framings]
        return [views[0], views[0][:, ::-1]] if self.card.mirror and len(views) == 1 else views

    def _predict_views(self, frames: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
        """Return calibrated outputs of the network for each picture; all views of all pictures are one batch."""
        if not frames:
            return []
        raw = self._predict(np.stack([view for views in frames for view in views]))
        parts = np.split(raw, np.cumsum([len(views) for views in frames])[:-1])
        averaged = np.concatenate([average_views(part[None]) for part in parts])
        return list(apply_temperature(averaged, self.card.temperature))

    def probabilities(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Predict calibrated class probabilities for images of the network's input size.

        Args:
            inputs: `(n, size, size, 3)` uint8, 0-255.
            progress: show a progress bar.

        Returns:
            `(n, classes)` float32, 0-1, every row adding up to 1.

        Raises:
            ValueError: the array has another shape or dtype.
        """
        return self._of_classes(self._outputs(inputs, progress=progress))

    def known_scores(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Compute the scores that decide about "none of these": a picture below the card's threshold is rejected.

        Args:
            inputs: as in `probabilities`.
            progress: show a progress bar.

        Returns:
            `(n,)` float32, 0-1: the largest class probability; for a network with an output for "none of these", the
            largest of the others, before that one is left out.

        Raises:
            ValueError: the array has another shape or dtype.
        """
        return self._outputs(inputs, progress=progress)[:, : len(self.class_names)].max(axis=1)

    def raw_probabilities(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        """Predict without calibration; arguments, shapes and errors as in `probabilities`.

        If the card asks for mirroring, the image and its mirror image are averaged.
        """
        return self._of_classes(self._raw_outputs(inputs, progress=progress))

    def _of_classes(self, outputs: np.ndarray) -> np.ndarray:
        """Leave out the output for "none of these", if there is one: `(n, classes)`, every row adding up to 1."""
        if not self.card.has_none_output:
            return outputs
        classes = np.maximum(outputs[:, :-1], np.finfo(outputs.dtype).tiny)
        return classes / classes.sum(axis=1, keepdims=True)

    def _outputs(self, inputs: np.ndarray, *, progress: bool) -> np.ndarray:
        return apply_temperature(self._raw_outputs(inputs, progress=progress), self.card.temperature)

    def _raw_outputs(self, inputs: np.ndarray, *, progress: bool) -> np.ndarray:
        size = self.card.input_size
        if inputs.ndim != 4 or inputs.shape[1:] != (size, size, 3) or inputs.dtype != np.uint8:
            raise ValueError(
                f"This network takes images (n, {size}, {size}, 3) of uint8, but got {inputs.shape} of {inputs.dtype}. "
                "Use Classifier.predict for pictures of any size."
            )
        sides = [inputs, inputs[:, :, ::-1]] if self.card.mirror else [inputs]
        return average_views(np.stack([self._predict(side, progress=progress) for side in sides], axis=1))

    def _predict(self, inputs: np.ndarray, *, progress: bool = False) -> np.ndarray:
        if not len(inputs):
            return np.empty((0, self.card.output_count), np.float32)
        return predict_in_batches(
            self._engine, inputs, self._engine.at_once, description=f"predict with {self.card.name}", progress=progress
        )

    def _prediction(self, outputs: np.ndarray, image: np.ndarray, top: int) -> Prediction:
        row, known_score = self._of_classes(outputs[None])[0], outputs[: len(self.class_names)].max()
        order = np.argsort(-row, kind="stable")[:top]
        guesses = tuple(Guess(self.class_names[i], int(i), float(row[i])) for i in order)
        best = guesses[0]
        known = bool(known_score >= self.card.known_threshold)
        return Prediction(best.label, best.index, best.score, known, guesses, image)


def _restore(folder: str, content: dict, contents: dict[str, bytes], threads: int | None) -> Classifier:
    return Classifier._of(ModelCard(Path(folder), content, contents).checked(), threads)


def unpack(path: str | Path, name: str | None = None, *, replace: bool = False) -> Classifier:
    """Unpack a single file, made by `Classifier.save`, into the models folder.

    Args:
        path: path of the file.
        name: name of the new classifier; by default the one on its card.
        replace: replace an existing classifier of that name.

    Raises:
        ValueError: the file is missing, damaged or not a classifier, or the name is taken or invalid.
    """
    if not Path(path).is_file():
        raise ValueError(f"There is no file {str(path)!r} to unpack.")
    packed = ModelCard.load(Path(path))
    name = packed.name if name is None else name
    with cards.new_folder(name, replace=replace) as unfinished:
        for file, content in packed.contents.items():  # their names and SHA-256 were verified
            (unfinished / file).write_bytes(content)
        files.write_json(unfinished / cards.CARD, packed.content | {"name": name})
        Classifier.load(unfinished)  # refuse a classifier that cannot be loaded
    return Classifier.load(name)


def load_classifiers(*, threads: int | None = None) -> tuple[dict[str, Classifier], list[str]]:
    """Load every classifier in the models folder.

    Args:
        threads: as in `Classifier.load`.

    Returns:
        The classifiers by name, the default one first; and a message for each that can't be loaded.
    """
    default, loaded, left_out = cards.default_classifier(), {}, []
    for name in sorted(cards.list_classifiers(), key=lambda name: (name != default, name)):
        try:
            loaded[name] = Classifier.load(name, threads=threads)
        except ValueError as error:
            left_out.append(str(error))
    return loaded, left_out
