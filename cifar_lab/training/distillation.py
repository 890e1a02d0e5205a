"""Knowledge distillation: train a network on the predictions of teachers instead of labels (Hinton et al., 2015).

A label is a single class, "cat". The probabilities of a good teacher carry more information: mostly a cat, a little
like a dog, nothing like a ship. And while a label belongs to the original image, a teacher can predict any image. So
the teachers predict the very images that the student sees at each step: shifted, zoomed and mixed (Beyer et al.,
"Knowledge distillation: A good teacher is patient and consistent", 2022). One network then combines what several have
learnt, at the inference cost of one.

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
    """Images with class probabilities instead of labels.

    Attributes:
        images: `(n, height, width, 3)` uint8, 0-255.
        labels: `(n, classes)` float32, 0-1; each row sums to 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def one_hot(split: Split, class_count: int) -> SoftLabels:
    """Return a split with one-hot labels."""
    return SoftLabels(split.images, np.eye(class_count, dtype=np.float32)[split.labels])


class Teachers(Callback):
    """Callback that replaces the labels with the predictions of a recipe's teachers."""

    def __init__(self, recipe: Recipe, dataset: Dataset):
        """Load the teachers.

        Args:
            recipe: a recipe with `teachers`.
            dataset: the dataset that the student is trained on.

        Raises:
            ValueError: a teacher does not exist, is damaged, or has different classes or another image size.
        """
        self._recipe = recipe
        self._teachers = [Classifier.load(name) for name in recipe.teachers]
        size = dataset.train.images.shape[1]
        for name, teacher in zip(recipe.teachers, self._teachers, strict=True):
            if teacher.class_names != dataset.class_names or teacher.card.input_size != size:
                raise ValueError(
                    f"The teacher {name!r} does not fit {dataset.name}: it has {len(teacher.class_names)} classes "
                    f"({', '.join(teacher.class_names[:3])}, ...) and images of {teacher.card.input_size} pixels. "
                    "Use one that was trained on the same classes and image size."
                )

    def on_epoch_begin(self, job) -> None:
        """Seed the random choices of the epoch with the recipe's seed and the epoch."""
        self._rng = np.random.default_rng([self._recipe.seed, job.epoch, 3])

    def on_batch_begin(self, job, images, labels) -> tuple[np.ndarray, np.ndarray]:
        """Replace the labels by the predictions of one teacher, chosen at random, for these very images.

        Over the steps this amounts to the mean of all teachers, at the cost of one. If the recipe flips images, the
        teacher sees either the batch or its mirror image, at random. Before that, the fraction `Recipe.blend` of the
        images is mixed.

        Args:
            job: the training run.
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
    """Mix the first images of a batch with others from the same batch, drawn at random (mixup).

    Args:
        images: `(n, height, width, 3)` uint8, 0-255, in random order.
        share: fraction of the images to mix, 0 to 1.
        rng: generator for the partners and the mixing weights.

    Returns:
        A new array of the same shape and dtype.
    """
    count = round(share * len(images))
    others = images[rng.permutation(len(images))[:count]]
    return np.concatenate([overlay(images[:count], others, rng.random(count)), images[count:]])
