"""Distillation: a network learns what others answer, instead of what the labels say (Hinton et al., 2015).

A label says "cat". A good network says "cat, a little like a dog, and nothing like a ship": there is more to learn from
that. And it can be asked about any picture, while a label is about the picture as it was: so the teachers are asked at
each step, about the images just as the student is shown them, shifted, zoomed, and blended with each other (Beyer et
al., "Knowledge distillation: A good teacher is patient and consistent", 2022). What several networks know together
then answers at the price of one.

    cifar-lab train --recipe distilled --start one --teachers one,another
"""

from dataclasses import dataclass

import numpy as np

from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.images.augmentation import overlay
from cifar_lab.inference.classifier import Classifier
from cifar_lab.training.callbacks import Callback
from cifar_lab.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """Images with probabilities in the place of labels.

    Attributes:
        images: `(n, height, width, 3)` uint8, 0-255.
        labels: `(n, classes)` float32, 0-1, every row adding up to 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def one_hot(split: Split, class_count: int) -> SoftLabels:
    """A split whose labels have become probabilities: all of it for the class that it is."""
    return SoftLabels(split.images, np.eye(class_count, dtype=np.float32)[split.labels])


class Teachers(Callback):
    """The classifiers that a recipe learns from."""

    def __init__(self, recipe: Recipe, dataset: Dataset):
        """Load them.

        Args:
            recipe: with `teachers`.
            dataset: what the student is shown.

        Raises:
            ValueError: one does not exist, is damaged, or knows other classes or images of another size.
        """
        self._recipe = recipe
        self._teachers = [Classifier.load(name) for name in recipe.teachers]
        size = dataset.train.images.shape[1]
        for name, teacher in zip(recipe.teachers, self._teachers, strict=True):
            if teacher.class_names != dataset.class_names or teacher.card.input_size != size:
                raise ValueError(
                    f"The teacher {name!r} cannot say what is in {dataset.name}: it knows {len(teacher.class_names)} "
                    f"classes ({', '.join(teacher.class_names[:3])}, ...) of images of {teacher.card.input_size} "
                    f"pixels. Take one that was trained on the same classes and size."
                )

    def on_epoch_begin(self, job) -> None:
        """Draw the random choices of the epoch from the recipe's seed and the epoch's number."""
        self._rng = np.random.default_rng([self._recipe.seed, job.epoch, 3])

    def on_batch_begin(self, job, images, labels) -> tuple[np.ndarray, np.ndarray]:
        """Replace the labels by what one teacher, chosen at random, predicts for these very images.

        Over the steps this comes to the mean of all teachers, at the cost of one. If the recipe flips images, the
        teacher sees each batch or its mirror image. Some of the images are mixed with others first, as the recipe says.

        Args:
            job: the run.
            images: `(n, height, width, 3)` uint8, 0-255.
            labels: not used.

        Returns:
            Images of the same shape, and probabilities `(n, classes)` float32.
        """
        mixed = mix_images(images, self._recipe.blend_in(job.epoch), self._rng)
        teacher = self._teachers[self._rng.integers(len(self._teachers))]
        mirrored = self._recipe.flip != "none" and self._rng.random() < 0.5
        return mixed, teacher.raw_probabilities(mixed[:, :, ::-1] if mirrored else mixed)


def mix_images(images: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Lay another image of the batch over each of the first ones.

    Args:
        images: `(n, height, width, 3)` uint8, 0-255, in no particular order.
        share: how many of them are blended, 0 to 1.
        rng: which other image, and how much of each.

    Returns:
        The same shape and dtype, new.
    """
    count = round(share * len(images))
    others = images[rng.permutation(len(images))[:count]]
    return np.concatenate([overlay(images[:count], others, rng.random(count)), images[count:]])
