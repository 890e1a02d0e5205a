"""Build, initialise and compile the network of a recipe."""

from cifar_lab import models
from cifar_lab.core.keras_backend import build_metrics, keras
from cifar_lab.data.dataset import Dataset
from cifar_lab.models import airbench, transfer
from cifar_lab.training import optimizers
from cifar_lab.training.recipe import Recipe
from cifar_lab.training.start import load_start, load_unfolded


def build_model(dataset: Dataset, recipe: Recipe) -> keras.Model:
    """Build, initialise and compile the network of a recipe.

    Args:
        dataset: the dataset to train on; only its class names and training split are used.
        recipe: how the network is trained; its seed fixes the random initialisation.

    Raises:
        ValueError: the recipe does not fit the dataset, it names something that does not exist, or its start is not a
            suitable network.
    """
    keras.utils.set_random_seed(recipe.seed)  # the starting weights
    size, class_count = dataset.train.images.shape[1], len(dataset.class_names)
    if recipe.model == "fast" and recipe.start:
        model = load_unfolded(recipe.start, dataset, precision=recipe.precision)
    else:
        names = ("widths", "activation", "identity_start", "start") + (("precision",) if recipe.model == "fast" else ())
        options = {name: value for name in names if (value := getattr(recipe, name))}
        if recipe.model == "transfer" and recipe.start:
            options["start"] = load_start(recipe.start)
        model = models.build(recipe.model, class_count=class_count, input_size=size, **options)
    if recipe.whitening:
        airbench.whiten(model, dataset.train.images)
    if recipe.frozen_epochs >= recipe.epochs:
        transfer.freeze_backbone(model)
    compile_model(model, recipe)
    return model


def compile_model(model: keras.Model, recipe: Recipe, optimizer: keras.optimizers.Optimizer | None = None) -> None:
    """Compile a network with the loss, metric and optimiser of a recipe.

    Args:
        model: a network with `(n, classes)` probabilities as output.
        recipe: determines the labels of the loss: class numbers `(n,)`, or with teachers probabilities `(n, classes)`.
        optimizer: an optimiser to continue with; a new one by default.
    """
    if recipe.teachers:
        loss, metric = "categorical_crossentropy", "categorical_accuracy"
    else:  # "sparse": class numbers, not one-hot rows
        smoothing = recipe.label_smoothing
        loss = optimizers.label_smoothing_loss(smoothing) if smoothing else "sparse_categorical_crossentropy"
        metric = "sparse_categorical_accuracy"
    optimizer = optimizer or _optimizer(recipe)
    model.compile(optimizer=optimizer, loss=loss, metrics=[metric])
    optimizer.build(model.trainable_variables)  # now, so that a checkpoint finds its variables
    build_metrics(model, class_numbers=not recipe.teachers)


def _optimizer(recipe: Recipe) -> keras.optimizers.Optimizer:
    if recipe.optimizer == "nesterov":
        return optimizers.Nesterov(recipe.learning_rate, recipe.momentum, l2=recipe.l2, bias_rate=recipe.bias_rate)
    try:
        optimizer = keras.optimizers.get(recipe.optimizer)
    except ValueError:
        raise ValueError(
            f"There is no optimizer {recipe.optimizer!r}. Use nesterov, or one of Keras, such as adam, adamw or sgd."
        ) from None
    optimizer.learning_rate = recipe.learning_rate
    return optimizer
