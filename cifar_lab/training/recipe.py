"""A recipe: everything that fixes a training run. Those that have a name are in `cifar_lab.training.recipes`."""

import json
from dataclasses import asdict, dataclass, fields, replace

from cifar_lab.images.augmentation import Augmentation

SCHEDULES = ("constant", "triangle")
KEEPS = ("best", "last", "mean", "half-way")
COMPUTE_PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """What has to be known to train the same network again. Each trick has a field that switches it off.

    Attributes:
        name: what the recipe is called; runs are named after it.
        model: the network, a name that `cifar_lab.models.build` knows.
        start: what the weights are before training, for a network with a choice: for `"transfer"` those of a classifier
            or finished run, such as `"cifar10"`; for `"fast"` the same, of which all layers are taken; for
            `"mobilenet"` those of `"imagenet"`. Random numbers when empty.
        teachers: classifiers whose answers are learnt in the place of the labels (`cifar_lab.training.distillation`).
        blend: the share of the images, 0 to 1, that are shown with another one laid over; only teachers know what to
            say of those.
        frozen_epochs: so many epochs at the start train the new last layer alone, on the images as they are; the rest
            of the network stays as it started. As many as `epochs`, or more: for good.
        unfrozen_rate: how many times as long the steps are from then on, such as 0.1.
        widths: filters of each group of layers, for a network that comes in widths.
        activation: what follows each of its convolutions, such as `"gelu"` or `"relu"`, for a network with a choice.
        precision: what most layers of the fast network compute with (`cifar_lab.models.airbench.build_airbench`):
            `"float32"`, or `"bfloat16"`, which some processors are quicker with.
        epochs: how often every training image is seen.
        batch_size: images a step.
        optimizer: a Keras optimiser by its name, such as `"adam"`, or `"nesterov"`, ours.
        learning_rate: the optimiser's step size; the longest, when there is a schedule.
        schedule: `"constant"` steps, or `"triangle"`: longer for the first quarter of the run, then ever shorter.
        momentum: how much of the last step goes into the next, 0 to 1 (`"nesterov"` only).
        l2: the strength of the pull of all weights to zero (`"nesterov"` only).
        bias_rate: how many times longer the steps of normalisation biases are (`"nesterov"` only).
        label_smoothing: the share of the target that is spread over all classes, 0 to 1.
        whitening: set the first layer to whitening filters of the training images and keep it so.
        identity_start: start convolutions as ones that pass their input on.
        look_ahead: average the network over its steps.
        flip: `"none"`, `"random"` or `"alternating"` mirroring of the images.
        shift: the farthest move of an image in pixels.
        zoom: how much nearer or farther half of the images are shown, 0 to 1.
        cutout: the size of the square that is painted grey, in pixels.
        paper: the images show bright strokes on black, and are shown as photographs of handwriting
            (`cifar_lab.images.handwriting`).
        start_size: the height and width of the images in the first epoch, in pixels; they grow to their own size over
            the first two thirds of the run. 0 shows them in full from the start.
        plain_epochs: so many epochs at the end show the images without zoom, cutout and blend, as the dataset has them.
        keep: which epoch's network the run keeps: the `"best"` on validation, the `"last"`, the `"mean"` of the last
            two, or for a fast network with a start the one `"half-way"` between that and this mean.
        seed: fixes the starting weights, the order of the images and what augmentation does.
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
                f"{', '.join(useless)}: these are for a network that starts from random numbers, not from "
                f"{self.start!r}. Leave them out, or take a recipe such as transfer."
            )
        if self.keep == "half-way" and not (self.start and self.model == "fast"):
            raise ValueError("keep='half-way' needs the fast network, and a start, such as 'cifar10', to go back to.")
        if self.frozen_epochs and not self.start:
            raise ValueError("frozen_epochs needs a start, such as 'cifar10': random numbers are not worth keeping.")
        if self.frozen_epochs >= self.epochs and self.augmentation != Augmentation():
            raise ValueError(
                f"Images are only changed once all layers learn. That never comes with {self.epochs} epochs when "
                f"{self.frozen_epochs} are frozen: train for more, or without flip, shift, zoom and cutout."
            )

    def _check_teachers(self) -> None:
        if not 0 <= self.blend <= 1 or (self.blend and not self.teachers):
            raise ValueError(f"blend must be from 0 to 1, and 0 without teachers, but it is {self.blend!r}.")
        if self.teachers and (self.label_smoothing or self.frozen_epochs):
            raise ValueError("Teachers' answers are learnt as they are: leave out label_smoothing and frozen_epochs.")

    @property
    def augmentation(self) -> Augmentation:
        """What is done to the images each time they are shown."""
        return Augmentation(flip=self.flip, shift=self.shift, zoom=self.zoom, cutout=self.cutout, paper=self.paper)

    def augmentation_in(self, epoch: int) -> Augmentation:
        """What is done to the images in an epoch, counted from 0."""
        if epoch < self.frozen_epochs:
            return Augmentation()
        return replace(self.augmentation, zoom=0.0, cutout=0) if self._is_plain(epoch) else self.augmentation

    def blend_in(self, epoch: int) -> float:
        """The share of the images that are blended in an epoch, counted from 0."""
        return 0.0 if self._is_plain(epoch) else self.blend

    def _is_plain(self, epoch: int) -> bool:
        return epoch >= self.epochs - self.plain_epochs

    def image_size(self, epoch: int, full: int) -> int:
        """How large the images of an epoch, counted from 0, are shown: a multiple of 4 pixels, at most `full`.

        0 in a frozen epoch, in which none is shown.
        """
        if epoch < self.frozen_epochs:
            return 0
        grown = min(1.0, epoch / (self.epochs * 2 / 3))
        size = self.start_size + (full - self.start_size) * grown
        return full if not self.start_size or grown == 1 else min(full, int(size) // 4 * 4)

    def changed(self, **changes) -> "Recipe":
        """The same recipe with some fields changed; a change of `None` means "as it is".

        Raises:
            ValueError: a field does not exist, or its value makes no sense.
        """
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise ValueError(f"A recipe has no {', '.join(unknown)}. It has: {', '.join(sorted(known))}.")
        return replace(self, **{name: value for name, value in changes.items() if value is not None})

    def to_dict(self) -> dict:
        """The fields as plain values, for a run card; equal to what JSON gives back."""
        return json.loads(json.dumps(asdict(self)))
