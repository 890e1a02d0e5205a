"""The steps of the fast recipe: the optimiser, the size of its steps, look-ahead, and a loss that asks for less."""

import numpy as np

from cifar_lab.core.keras_backend import keras

ops = keras.ops


class Nesterov(keras.optimizers.SGD):
    """Stochastic gradient descent with Nesterov momentum, a pull of all weights to zero, and fast biases.

    Keras's own `weight_decay` is another thing (decoupled: it does not pass through the momentum), and its layers'
    regularisers cost extra work on each step.

    Args:
        learning_rate: the step size.
        momentum: how much of the last step goes into the next, 0 to 1.
        l2: the strength of the pull: this times each weight is added to its gradient.
        bias_rate: how many times longer the steps of the normalisations' biases are. They are few, they are safe to
            move, and with the usual steps they would need the whole run to get to where they belong.
    """

    def __init__(self, learning_rate=0.01, momentum=0.85, *, l2=0.0, bias_rate=1.0, **settings):
        super().__init__(learning_rate, momentum=momentum, nesterov=True, **settings)
        self.l2, self.bias_rate = l2, bias_rate

    def update_step(self, gradient, variable, learning_rate):
        """Take one step with one variable; Keras calls this for each."""
        # "beta" is what Keras calls a normalisation's bias; TensorFlow's own variables say "group_1a_norm/beta:0".
        rate = self.bias_rate if variable.name.split("/")[-1].split(":")[0] == "beta" else 1.0
        # Divided by the rate: the pull on a fast bias is as strong as that on a kernel.
        pulled = ops.add(gradient, ops.multiply(variable, self.l2 / rate))
        super().update_step(pulled, variable, ops.multiply(learning_rate, rate))


def triangular_schedule(step: int, steps: int, *, start: float = 0.2, peak: float = 0.23, end: float = 0.07) -> float:
    """The share of the full learning rate at one step: up in a straight line, then down in another.

    Args:
        step: which step, from 0.
        steps: how many there are in the run.
        start: the share at the first step.
        peak: when the share is 1, as a part of the run.
        end: the share after the last step.

    Returns:
        Above 0, at most 1.
    """
    return float(np.interp(step, [0, peak * steps, steps], [start, 1.0, end]))


class Lookahead:
    """A second, slower network that the trained one returns to every few steps (Zhang et al., 2019).

    The trained network runs ahead, this one follows at a distance and averages the noise of single steps away. At first
    it takes over nearly all of what has been learnt; near the end (the share kept rises with the third power of time)
    hardly any, and so the network comes to rest. It covers the normalisations' statistics too.
    """

    EVERY = 5  # steps

    def __init__(self, model: keras.Model):
        self._variables = [v for v in model.variables if v.dtype.startswith("float")]
        self._slow = [ops.copy(v.value) for v in self._variables]

    def update(self, progress: float) -> None:
        """Move the slow network towards the trained one, and the trained one onto it.

        Args:
            progress: the part of the run that is done, 0 to 1.
        """
        kept = 0.95**self.EVERY * progress**3
        for index, variable in enumerate(self._variables):
            slow = kept * self._slow[index] + (1 - kept) * variable.value
            variable.assign(slow)
            self._slow[index] = ops.copy(variable.value)


def label_smoothing_loss(smoothing: float):
    """Cross-entropy that asks for a little less than certainty (Szegedy et al., 2016).

    Args:
        smoothing: the share of the target that is spread over all classes, 0 to 1.

    Returns:
        A loss for Keras from labels `(n,)` and probabilities `(n, classes)`.
    """

    def loss(labels, probabilities):
        targets = ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), probabilities.shape[-1])
        return keras.losses.categorical_crossentropy(targets, probabilities, label_smoothing=smoothing)

    return loss
