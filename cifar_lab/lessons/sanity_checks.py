"""The model doctor: four cheap tests that find most of what is wrong with a network before hours are spent on it.

    report = doctor.examine(model, dataset)
    print(report)

After Karpathy, "A Recipe for Training Neural Networks" (2019), and Zhang and others, "Understanding deep learning
requires rethinking generalization" (2017), for the labels drawn by lot.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cifar_lab.core.keras_backend import build_metrics, keras
from cifar_lab.core.progress import progress_bar
from cifar_lab.data.dataset import Dataset, Split

START, BATCH, BLACK, LOTS = TESTS = (
    "loss at the start",
    "one batch by heart",
    "pictures against black",
    "labels drawn by lot",
)
_LOOK_FOR = {
    START: "pixels that are not scaled, starting weights that are too large, a network that is not fresh",
    BATCH: "a learning rate that is far too large or small, a softmax too many or missing, a layer that lets nothing "
    "through",
    BLACK: "images and labels that do not belong together; or, if the test before failed too, the same cause",
    LOTS: "the same pictures in training and in validation",
}
_BATCH = 32
_IMAGES = 200  # for the labels drawn by lot: few enough to be learnt by heart in part
_STEPS = {BATCH: 60, BLACK: 140, LOTS: 40}  # at most; BLACK: 20 with black pictures, and 120 with the real ones
_BLACK_STEPS = 20  # all there is to learn from black is how frequent the classes are
_LOOK_EVERY = 20  # steps; a test that is passed already need not take the rest


@dataclass(frozen=True)
class SanityFinding:
    """What one test found.

    Attributes:
        test: which one, of `TESTS`.
        passed: whether the network is as it should be there.
        measured: the figures, in words.
    """

    test: str
    passed: bool
    measured: str

    @property
    def look_for(self) -> str:
        """What usually causes a failure of this test."""
        return _LOOK_FOR[self.test]


@dataclass(frozen=True)
class SanityReport:
    """The findings of all tests, in their order; as text when printed."""

    findings: tuple[SanityFinding, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the tests that failed."""
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
    """Examine a network that is about to be trained on a dataset; it is handed back as it came.

    It takes 240 steps of 32 images, fewer where a test is passed sooner, and looks at up to 500 validation images a few
    times.

    Args:
        model: fresh and compiled, with the optimiser and the loss that it is to be trained with; from images to class
            probabilities.
        dataset: what it is to learn; only train and validation are used.
        seed: which images, in which order, and which lots.
        progress: show a progress bar.

    Raises:
        ValueError: the network is not compiled, or does not fit the dataset.
    """
    _check(model, dataset)
    build_metrics(model)
    start = _Start(model)
    validation = _some(dataset.validation, 500, seed)
    with progress_bar(total=sum(_STEPS.values()), unit="step", desc="examining", shown=progress) as steps_bar:
        try:
            findings = [_loss_at_the_start(model, _some(dataset.train, 256, seed), len(dataset.class_names))]
            for test in (_one_batch_by_heart, _pictures_against_black, _labels_drawn_by_lot):
                start.restore()
                findings.append(test(model, dataset.train, validation, seed, steps_bar))
        finally:
            start.restore()
    return SanityReport(tuple(findings))


class _Start:
    """The network and its optimiser as they were, to go back to before each test."""

    def __init__(self, model: keras.Model):
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        self._variables = [*model.weights, *model.optimizer.variables]
        self._values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in self._variables]

    def restore(self) -> None:
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)


def _loss_at_the_start(model, split: Split, class_count: int) -> SanityFinding:
    """A fresh network gives every class about the same probability, 1 / k: then the loss is ln k."""
    expected = float(np.log(class_count))
    loss = _loss(_probabilities(model, split.images, training=False), split.labels)
    measured = f"a loss of {loss:.2f}; guessing among {class_count} classes has ln {class_count} = {expected:.2f}"
    return SanityFinding(START, abs(loss - expected) < 0.5, measured)


def _one_batch_by_heart(model, train: Split, _validation, seed: int, steps_bar) -> SanityFinding:
    batch = _some(train, _BATCH, seed)
    learnt = lambda: _loss(_probabilities(model, batch.images), batch.labels) < 0.05  # noqa: E731
    taken = _train(model, batch, _STEPS[BATCH], seed, steps_bar, enough=learnt)
    probabilities = _probabilities(model, batch.images)
    loss, right = _loss(probabilities, batch.labels), int(np.sum(probabilities.argmax(axis=1) == batch.labels))
    measured = f"after {taken} steps a loss of {loss:.2f}, and {right} of {len(batch)} images right"
    # 0.69 for ten classes; a softmax too many cannot get below 1.46.
    return SanityFinding(BATCH, bool(loss < 0.3 * np.log(probabilities.shape[1])), measured)


def _pictures_against_black(model, train: Split, validation: Split, seed: int, steps_bar) -> SanityFinding:
    """What is learnt from pictures must be more than what is learnt from labels alone."""
    start = _Start(model)
    black_train, black = (Split(np.zeros_like(split.images), split.labels) for split in (train, validation))
    _train(model, black_train, _BLACK_STEPS, seed, steps_bar)
    unseen = _accuracy(model, black)
    start.restore()
    mark = unseen + _margin(validation)
    better = lambda: _accuracy(model, validation) > mark  # noqa: E731
    taken = _train(model, train, _STEPS[BLACK] - _BLACK_STEPS, seed, steps_bar, enough=better)
    seen = _accuracy(model, validation)
    measured = f"{seen:.0%} of the validation images right after {taken} steps, {unseen:.0%} with all of them black"
    return SanityFinding(BLACK, seen > mark, measured)


def _labels_drawn_by_lot(model, train: Split, validation: Split, seed: int, steps_bar) -> SanityFinding:
    """Labels without any sense can be learnt by heart, but nobody can know those of new pictures.

    The same picture draws the same label wherever it turns up: so a network that knows them has seen the picture.
    """
    some = _some(train, _IMAGES, seed)
    labels = _lots(np.concatenate([some.images, validation.images]), model.output_shape[-1], seed)
    _train(model, Split(some.images, labels[: len(some)]), _STEPS[LOTS], seed, steps_bar)
    drawn = Split(validation.images, labels[len(some) :])
    share, chance = _accuracy(model, drawn), _chance(drawn)
    measured = f"{share:.0%} of the validation images right, where nothing can be known; chance is {chance:.0%}"
    return SanityFinding(LOTS, share < chance + _margin(drawn), measured)


def _lots(images: np.ndarray, class_count: int, seed: int) -> np.ndarray:
    """A random label for every different picture, `(n,)` int64."""
    drawn, generator = {}, np.random.default_rng(seed)
    return np.array([drawn.setdefault(image.tobytes(), generator.integers(class_count)) for image in images])


def _train(model, split: Split, steps: int, seed: int, steps_bar, *, enough: Callable[[], bool] = lambda: False) -> int:
    """Batches of one size, each round over the images in an order of its own, until it is enough; the steps taken."""
    generator, rounds = np.random.default_rng(seed), -(-steps * _BATCH // len(split))
    order = np.concatenate([generator.permutation(len(split)) for _ in range(rounds)])
    for taken, batch in enumerate(order[: steps * _BATCH].reshape(steps, _BATCH), start=1):
        model.train_on_batch(split.images[batch], split.labels[batch])
        steps_bar.update()
        if taken % _LOOK_EVERY == 0 and enough():
            break
    steps_bar.update(steps - taken)
    return taken


def _probabilities(model, images: np.ndarray, *, training: bool = True) -> np.ndarray:
    """As while training: batch normalisation uses the images at hand, since its averages need longer to settle."""
    return keras.ops.convert_to_numpy(model(images, training=training))


def _loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    of_truth = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_truth, 1e-7)).mean())  # nan stays nan, and passes no test


def _accuracy(model, split: Split) -> float:
    return float(np.mean(_probabilities(model, split.images).argmax(axis=1) == split.labels))


def _chance(split: Split) -> float:
    """The share of the commonest class: what always naming it gets right."""
    return float(np.bincount(split.labels).max() / len(split))


def _margin(split: Split) -> float:
    """Four standard errors of guessing: luck gets that far once in 30,000 times."""
    chance = _chance(split)
    return 4 * float(np.sqrt(chance * (1 - chance) / len(split)))


def _some(split: Split, count: int, seed: int) -> Split:
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
            f"The network gives {model.output_shape[-1]} probabilities, but {dataset.name} has "
            f"{len(dataset.class_names)} classes."
        )
    if min(len(dataset.train), len(dataset.validation)) == 0:
        raise ValueError(f"The doctor needs training and validation images, but {dataset.name} lacks one of them.")
