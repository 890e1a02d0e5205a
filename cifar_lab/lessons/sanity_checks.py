"""Four cheap sanity checks that find most faults of a network before a long training.

    report = lessons.run_sanity_checks(model, dataset)
    print(report)

After Karpathy, "A Recipe for Training Neural Networks" (2019); the random labels are from Zhang et al., "Understanding
deep learning requires rethinking generalization" (2017).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cifar_lab.core.keras_backend import build_metrics, keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset, Split
from cifar_lab.evaluation import cross_entropy

START, BATCH, BLACK, RANDOM = TESTS = (
    "loss at the start",
    "overfit one batch",
    "images against black",
    "random labels",
)
_LOOK_FOR = {
    START: "pixels that are not scaled, initial weights that are too large, a network that was already trained",
    BATCH: "a learning rate that is far too large or small, a missing or second softmax, a layer that blocks the "
    "gradient",
    BLACK: "images and labels that do not belong together; if the check above failed too, the same cause",
    RANDOM: "the same pictures in train and validation",
}
_BATCH = 32
_IMAGES = 200  # for the random labels: few enough to memorise in part
_STEPS = {BATCH: 60, BLACK: 140, RANDOM: 40}  # at most; BLACK: 20 on black images and 120 on the real ones
_BLACK_STEPS = 20  # black images only teach the class frequencies
_CHECK_EVERY = 20  # steps; a check that has passed stops early


@dataclass(frozen=True)
class SanityFinding:
    """The result of one check.

    Attributes:
        test: the name of the check, one of `TESTS`.
        passed: whether the network passed it.
        measured: the measurements, in words.
    """

    test: str
    passed: bool
    measured: str

    @property
    def look_for(self) -> str:
        """The usual causes of a failure."""
        return _LOOK_FOR[self.test]


@dataclass(frozen=True)
class SanityReport:
    """The findings of all checks, in order; print it to read them."""

    findings: tuple[SanityFinding, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(finding.test for finding in self.findings if not finding.passed)

    def __str__(self) -> str:
        lines = []
        for finding in self.findings:
            lines.append(f"{finding.test:<24}{'passed' if finding.passed else 'FAILED'}")
            lines.append(f"  measured here: {finding.measured}")
            if not finding.passed:
                lines.append(f"  look for: {finding.look_for}")
        return "\n".join(lines)


def run_sanity_checks(model: keras.Model, dataset: Dataset, *, seed: int = 0, progress: bool = True) -> SanityReport:
    """Run four sanity checks on a network before training it on a dataset.

    They take at most 240 steps of 32 images, and a few evaluations on up to 500 validation images. Afterwards the
    weights and the optimiser are as before.

    Args:
        model: untrained and compiled with the optimiser and loss it will be trained with; maps images to class
            probabilities.
        dataset: the dataset to train on; only train and validation are used.
        seed: fixes the choice and order of images, and the random labels.
        progress: show a progress bar.

    Raises:
        ValueError: the network is not compiled, or does not fit the dataset.
    """
    _check(model, dataset)
    build_metrics(model)
    start = _Start(model)
    validation = _sample(dataset.validation, 500, seed)
    with progress_bar(total=sum(_STEPS.values()), unit="step", desc="checking", shown=progress) as steps_bar:
        try:
            findings = [_loss_at_the_start(model, _sample(dataset.train, 256, seed), len(dataset.class_names))]
            for test in (_overfit_one_batch, _images_against_black, _random_labels):
                start.restore()
                findings.append(test(model, dataset.train, validation, seed, steps_bar))
        finally:
            start.restore()
    return SanityReport(tuple(findings))


class _Start:
    """The initial state of the network and its optimiser, restored before each check."""

    def __init__(self, model: keras.Model):
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._variables = [*model.weights, *model.optimizer.variables]
        self._values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]

    def restore(self) -> None:
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)


def _loss_at_the_start(model, split: Split, class_count: int) -> SanityFinding:
    """Check that the initial loss is about ln k, that of a probability of 1 / k for each of k classes."""
    expected = float(np.log(class_count))
    loss = cross_entropy(_probabilities(model, split.images, training=False), split.labels)
    measured = f"loss {loss:.2f}; guessing among {class_count} classes gives ln {class_count} = {expected:.2f}"
    return SanityFinding(START, abs(loss - expected) < 0.5, measured)


def _overfit_one_batch(model, train: Split, _validation, seed: int, steps_bar) -> SanityFinding:
    """Check that the network can memorise a single batch."""
    batch = _sample(train, _BATCH, seed)
    learnt = lambda: cross_entropy(_probabilities(model, batch.images), batch.labels) < 0.05  # noqa: E731
    steps_taken = _train(model, batch, _STEPS[BATCH], seed, steps_bar, enough=learnt)
    probabilities = _probabilities(model, batch.images)
    loss, right = cross_entropy(probabilities, batch.labels), int(np.sum(probabilities.argmax(axis=1) == batch.labels))
    measured = f"after {steps_taken} steps, loss {loss:.2f} and {right} of {len(batch)} images right"
    # 0.69 for ten classes; with a second softmax, the loss cannot fall below 1.46.
    return SanityFinding(BATCH, bool(loss < 0.3 * np.log(probabilities.shape[1])), measured)


def _images_against_black(model, train: Split, validation: Split, seed: int, steps_bar) -> SanityFinding:
    """Check that the network learns more from images than from the labels alone."""
    start = _Start(model)
    black_train, black = (Split(np.zeros_like(split.images), split.labels) for split in (train, validation))
    _train(model, black_train, _BLACK_STEPS, seed, steps_bar)
    unseen = _accuracy(model, black)
    start.restore()
    mark = unseen + _margin(validation)
    better = lambda: _accuracy(model, validation) > mark  # noqa: E731
    steps_taken = _train(model, train, _STEPS[BLACK] - _BLACK_STEPS, seed, steps_bar, enough=better)
    seen = _accuracy(model, validation)
    measured = f"validation accuracy {seen:.0%} after {steps_taken} steps, {unseen:.0%} with all images black"
    return SanityFinding(BLACK, seen > mark, measured)


def _random_labels(model, train: Split, validation: Split, seed: int, steps_bar) -> SanityFinding:
    """Check that random labels cannot be predicted for validation images.

    Random labels can only be memorised, and equal images get equal labels. So a network that does better than chance
    on validation has seen some of its images in training.
    """
    sample = _sample(train, _IMAGES, seed)
    labels = _draw_labels(np.concatenate([sample.images, validation.images]), model.output_shape[-1], seed)
    _train(model, Split(sample.images, labels[: len(sample)]), _STEPS[RANDOM], seed, steps_bar)
    drawn = Split(validation.images, labels[len(sample) :])
    share, chance = _accuracy(model, drawn), _chance(drawn)
    measured = f"validation accuracy {share:.0%} on labels that cannot be predicted; chance is {chance:.0%}"
    return SanityFinding(RANDOM, share < chance + _margin(drawn), measured)


def _draw_labels(images: np.ndarray, class_count: int, seed: int) -> np.ndarray:
    """Draw a random label for each distinct image, `(n,)` int64."""
    drawn, generator = {}, np.random.default_rng(seed)
    return np.array([drawn.setdefault(image.tobytes(), generator.integers(class_count)) for image in images])


def _train(model, split: Split, steps: int, seed: int, steps_bar, *, enough: Callable[[], bool] = lambda: False) -> int:
    """Train for `steps` batches in a new order each epoch, or until `enough`; return the number of steps."""
    generator, rounds = np.random.default_rng(seed), -(-steps * _BATCH // len(split))
    order = np.concatenate([generator.permutation(len(split)) for _ in range(rounds)])
    for steps_taken, batch in enumerate(order[: steps * _BATCH].reshape(steps, _BATCH), start=1):
        model.train_on_batch(split.images[batch], split.labels[batch])
        steps_bar.update()
        if steps_taken % _CHECK_EVERY == 0 and enough():
            break
    steps_bar.update(steps - steps_taken)
    return steps_taken


def _probabilities(model, images: np.ndarray, *, training: bool = True) -> np.ndarray:
    """Predict in training mode by default: the moving averages of batch normalisation need longer to settle."""
    return keras.ops.convert_to_numpy(model(images, training=training))


def _accuracy(model, split: Split) -> float:
    return float(np.mean(_probabilities(model, split.images).argmax(axis=1) == split.labels))


def _chance(split: Split) -> float:
    """Return the accuracy of always predicting the most frequent class."""
    return float(np.bincount(split.labels).max() / len(split))


def _margin(split: Split) -> float:
    """Return four standard errors of guessing, exceeded by luck once in 30,000 times."""
    chance = _chance(split)
    return 4 * float(np.sqrt(chance * (1 - chance) / len(split)))


def _sample(split: Split, count: int, seed: int) -> Split:
    chosen = np.random.default_rng(seed).permutation(len(split))[:count]
    return split.take(chosen)


def _check(model, dataset: Dataset) -> None:
    if not getattr(model, "compiled", False):
        raise ValueError("The network is not compiled: call model.compile(optimizer=..., loss=...) first.")
    takes, has = tuple(model.input_shape[1:]), dataset.train.images.shape[1:]
    if any(size not in (None, found) for size, found in zip(takes, has, strict=False)) or len(takes) != len(has):
        raise ValueError(f"The network takes images of {takes}, but those of {dataset.name} are {has}.")
    if model.output_shape[-1] != len(dataset.class_names):
        raise ValueError(
            f"The network outputs {model.output_shape[-1]} probabilities, but {dataset.name} has "
            f"{len(dataset.class_names)} classes."
        )
    if min(len(dataset.train), len(dataset.validation)) == 0:
        raise ValueError(
            f"The sanity checks need images in both train and validation of {dataset.name}; one of them is empty."
        )
