"""The optimiser of the fast recipe, its learning-rate schedule, lookahead and label smoothing."""

import numpy as np

from cifar_lab.core.keras_backend import keras

ops = keras.ops


class Nesterov(keras.optimizers.SGD):
    """SGD with Nesterov momentum, L2 regularisation, and a higher learning rate for batch-norm biases.

    Keras's own `weight_decay` is decoupled, that is, it bypasses the momentum; its layer regularisers are slower.

    Args:
        learning_rate: learning rate.
        momentum: momentum, 0 to 1.
        l2: L2 regularisation strength: `l2 * weight` is added to each gradient.
        bias_rate: learning-rate multiplier for batch-norm biases. These are few and can safely take larger steps; at
            the plain learning rate they would take the whole run to converge.
    """

    def __init__(self, learning_rate=0.01, momentum=0.85, *, l2=0.0, bias_rate=1.0, **settings):
        super().__init__(learning_rate, momentum=momentum, nesterov=True, **settings)
        self.l2, self.bias_rate = l2, bias_rate

    def update_step(self, gradient, variable, learning_rate):
        """Update one variable; Keras calls this for each."""
        # Keras calls a batch-norm bias "beta"; TensorFlow's own variables are named like "group_1a_norm/beta:0".
        rate = self.bias_rate if variable.name.split("/")[-1].split(":")[0] == "beta" else 1.0
        # Divided by the rate, so that biases are regularised as strongly as kernels.
        pulled = ops.add(gradient, ops.multiply(variable, self.l2 / rate))
        super().update_step(pulled, variable, ops.multiply(learning_rate, rate))


def triangular_schedule(step: int, steps: int, *, start: float = 0.2, peak: float = 0.23, end: float = 0.07) -> float:
    """Return the learning-rate multiplier of a step: linear warm-up, then linear decay.

    Args:
        step: index of the step, from 0.
        steps: number of steps in the run.
        start: multiplier at the first step.
        peak: fraction of the run after which the multiplier is 1.
        end: multiplier after the last step.

    Returns:
        Multiplier, above 0 and at most 1.
    """
    return float(np.interp(step, [0, peak * steps, steps], [start, 1.0, end]))


class Lookahead:
    """Lookahead: slow weights that the trained (fast) weights are reset to every few steps (Zhang et al., 2019).

    The slow weights are a moving average of the fast ones, which reduces the noise of single steps. Their decay rises
    with the cube of the progress: early on they follow the fast weights closely, near the end hardly at all, so that
    the network converges. Batch-norm statistics are included.
    """

    EVERY = 5  # steps

    def __init__(self, model: keras.Model):
        self._variables = [v for v in model.variables if v.dtype.startswith("float")]
        self._slow = [ops.copy(v.value) for v in self._variables]

    def update(self, progress: float) -> None:
        """Move the slow weights towards the fast ones, then reset the fast ones to them.

        Args:
            progress: fraction of the run that is done, 0 to 1.
        """
        kept = 0.95**self.EVERY * progress**3
        for index, variable in enumerate(self._variables):
            slow = kept * self._slow[index] + (1 - kept) * variable.value
            variable.assign(slow)
            self._slow[index] = ops.copy(variable.value)


def label_smoothing_loss(smoothing: float):
    """Return the cross-entropy loss with label smoothing (Szegedy et al., 2016).

    Args:
        smoothing: fraction of the target spread over all classes, 0 to 1.

    Returns:
        A Keras loss of labels `(n,)` and probabilities `(n, classes)`.
    """

    def loss(labels, probabilities):
        targets = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(targets, probabilities, label_smoothing=smoothing)

    return loss
