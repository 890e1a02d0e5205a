"""A recipe: everything that fixes a training run. The named ones are in `cifar_lab.training.recipes`."""

import json
from dataclasses import asdict, dataclass, fields, replace

from cifar_lab.images.augmentation import Augmentation

SCHEDULES = ("constant", "triangle")
KEEPS = ("best", "last", "mean", "half-way")
COMPUTE_PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """The settings of a training run, enough to reproduce it. Each technique has a field that switches it off.

    Attributes:
        name: name of the recipe; runs are named after it.
        model: name of the network, as in `cifar_lab.models.build`.
        start: source of the initial weights, for networks that support one: for `"transfer"` (backbone only) and
            `"fast"` (all layers) a classifier or finished run, such as `"cifar10"`; for `"mobilenet"` it is
            `"imagenet"`. Random initialisation when empty.
        teachers: classifiers whose predictions replace the labels (`cifar_lab.training.distillation`).
        blend: fraction of images mixed with another one (mixup), 0 to 1; needs teachers, which predict the mixed
            images.
        frozen_epochs: number of initial epochs that train only the new last layer, without augmentation, while the
            backbone is frozen. At `epochs` or more, the backbone stays frozen throughout.
        unfrozen_rate: learning-rate multiplier once the backbone is unfrozen, such as 0.1.
        widths: filters of each group of layers, for networks with a configurable width.
        activation: activation after each convolution, such as `"gelu"` or `"relu"`, for networks that support a choice.
        precision: compute dtype of most layers of the fast network (`cifar_lab.models.airbench.build_airbench`):
            `"float32"`, or `"bfloat16"`, which is faster on some processors.
        epochs: number of passes over the training images.
        batch_size: images per step.
        optimizer: name of a Keras optimiser, such as `"adam"`, or `"nesterov"`
            (`cifar_lab.training.optimizers.Nesterov`).
        learning_rate: learning rate; its peak if there is a schedule.
        schedule: learning-rate schedule: `"constant"`, or `"triangle"`: linear warm-up over the first quarter of the
            run, then linear decay.
        momentum: momentum, 0 to 1 (`"nesterov"` only).
        l2: L2 regularisation strength (`"nesterov"` only).
        bias_rate: learning-rate multiplier for batch-norm biases (`"nesterov"` only).
        label_smoothing: label smoothing, the fraction of the target spread over all classes, 0 to 1.
        whitening: initialise the first layer with whitening filters of the training images, and freeze it.
        identity_start: initialise convolutions to pass their input through (Dirac initialisation).
        look_ahead: average the weights over the steps (lookahead).
        flip: horizontal flip: `"none"`, `"random"` or `"alternating"`.
        shift: maximum shift in pixels.
        zoom: maximum zoom in or out, 0 to 1, applied to half of the images.
        cutout: side of the square that is painted grey, in pixels.
        paper: whether images of bright strokes on black are rendered as photographs of handwriting
            (`cifar_lab.images.handwriting`).
        start_size: height and width of the images in the first epoch, in pixels (progressive resizing); they grow to
            full size over the first two thirds of the run. 0 trains at full size throughout.
        plain_epochs: number of final epochs without zoom, cutout and mixing.
        keep: which weights the run keeps: those of the epoch with the `"best"` validation accuracy, of the `"last"`
            epoch, the `"mean"` of the last two, or, for a fast network with a start, those `"half-way"` between the
            start and that mean (weight interpolation).
        seed: random seed of the initial weights, the order of the images and the augmentation.
    """

    name: str
    model: str = "tutorial"
    start: str = ""
    teachers: tuple[str, ...] = ()
    blend: float = 0.0
    frozen_epochs: int = 0
    unfrozen_rate: float = 1.0
    widths: tuple[int, ...] = ()
    activation: str = ""
    precision: str = "float32"
    epochs: int = 8
    batch_size: int = 32
    optimizer: str = "adam"
    learning_rate: float = 0.001
    schedule: str = "constant"
    momentum: float = 0.0
    l2: float = 0.0
    bias_rate: float = 1.0
    label_smoothing: float = 0.0
    whitening: bool = False
    identity_start: bool = False
    look_ahead: bool = False
    flip: str = "none"
    shift: int = 0
    zoom: float = 0.0
    cutout: int = 0
    paper: bool = False
    start_size: int = 0
    plain_epochs: int = 0
    keep: str = "best"
    seed: int = 0

    def __post_init__(self):
        least = {"epochs": 1, "batch_size": 1, "start_size": 0, "plain_epochs": 0, "frozen_epochs": 0, "seed": 0}
        for field, smallest in least.items():
            value = getattr(self, field)
            if not isinstance(value, int) or value < smallest:
                raise ValueError(f"{field} must be a whole number of at least {smallest}, but it is {value!r}.")
        for field in ("learning_rate", "unfrozen_rate"):
            if not getattr(self, field) > 0:
                raise ValueError(f"{field} must be above 0, but it is {getattr(self, field)!r}.")
        if not (0 <= self.momentum < 1 and 0 <= self.label_smoothing < 1):
            raise ValueError(
                f"momentum and label_smoothing must be from 0 to below 1, not {self.momentum!r} and "
                f"{self.label_smoothing!r}."
            )
        for field, choices in (("schedule", SCHEDULES), ("keep", KEEPS), ("precision", COMPUTE_PRECISIONS)):
            if getattr(self, field) not in choices:
                raise ValueError(f"{field} must be {' or '.join(choices)}, but it is {getattr(self, field)!r}.")
        if not all(isinstance(width, int) and width > 0 for width in self.widths):
            raise ValueError(f"widths must be whole numbers above 0, but they are {self.widths!r}.")
        if self.precision != "float32" and self.model != "fast":
            raise ValueError(f"precision is for the fast network; {self.model!r} computes with float32.")
        _ = self.augmentation  # which checks its own fields
        self._check_start()
        self._check_teachers()

    def _check_start(self) -> None:
        random_only = ("widths", "activation", "whitening", "identity_start")
        if self.model != "fast":
            random_only += ("look_ahead", "start_size")
        if self.start and (useless := [field for field in random_only if getattr(self, field)]):
            raise ValueError(
                f"{', '.join(useless)}: these need a randomly initialised network, but start is {self.start!r}. "
                "Leave them out, or use a recipe such as transfer."
            )
        if self.keep == "half-way" and not (self.start and self.model == "fast"):
            raise ValueError("keep='half-way' needs the fast network and a start such as 'cifar10'.")
        if self.frozen_epochs and not self.start:
            raise ValueError("frozen_epochs needs a start, such as 'cifar10': random weights should not be frozen.")
        if self.frozen_epochs >= self.epochs and self.augmentation != Augmentation():
            raise ValueError(
                f"Images are only augmented once all layers are trained, but all {self.epochs} epochs are frozen "
                f"(frozen_epochs is {self.frozen_epochs}): train for more, or without flip, shift, zoom and cutout."
            )

    def _check_teachers(self) -> None:
        if not 0 <= self.blend <= 1 or (self.blend and not self.teachers):
            raise ValueError(f"blend must be from 0 to 1, and 0 without teachers, but it is {self.blend!r}.")
        if self.teachers and (self.label_smoothing or self.frozen_epochs):
            raise ValueError("Teachers cannot be combined with label_smoothing or frozen_epochs: leave those out.")

    @property
    def augmentation(self) -> Augmentation:
        """The augmentation of the training images."""
        return Augmentation(flip=self.flip, shift=self.shift, zoom=self.zoom, cutout=self.cutout, paper=self.paper)

    def augmentation_in(self, epoch: int) -> Augmentation:
        """Return the augmentation of an epoch, counted from 0."""
        if epoch < self.frozen_epochs:
            return Augmentation()
        return replace(self.augmentation, zoom=0.0, cutout=0) if self._is_plain(epoch) else self.augmentation

    def blend_in(self, epoch: int) -> float:
        """Return the fraction of images mixed in an epoch, counted from 0."""
        return 0.0 if self._is_plain(epoch) else self.blend

    def _is_plain(self, epoch: int) -> bool:
        return epoch >= self.epochs - self.plain_epochs

    def image_size(self, epoch: int, full: int) -> int:
        """Return the height and width of the images in an epoch, counted from 0: a multiple of 4, at most `full`.

        0 in a frozen epoch, which trains on features instead of images.
        """
        if epoch < self.frozen_epochs:
            return 0
        grown = min(1.0, epoch / (self.epochs * 2 / 3))
        size = self.start_size + (full - self.start_size) * grown
        return full if not self.start_size or grown == 1 else min(full, int(size) // 4 * 4)

    def changed(self, **changes) -> "Recipe":
        """Return a copy with some fields changed; `None` leaves a field unchanged.

        Raises:
            ValueError: a field does not exist, or its value is invalid.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"A recipe has no {', '.join(unknown)}. It has: {', '.join(sorted(known))}.")
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def to_dict(self) -> dict:
        """Return the fields as plain values for a run record, equal to what JSON reads back."""
        return json.loads(json.dumps(asdict(self)))
