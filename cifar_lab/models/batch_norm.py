"""Batch normalisation without gamma, with a faster implementation on PyTorch."""

from cifar_lab.core.keras_backend import keras


class BatchNorm(keras.layers.BatchNormalization):
    """Keras's batch normalisation without gamma; on PyTorch it calls PyTorch's own operation.

    A gamma would be redundant, since the next kernel can scale. Momentum 0.6 makes the moving statistics adapt fast:
    a run of ten epochs has too few steps for the usual 0.99.

    PyTorch's operation gives the same results (but its moving variance is n / (n - 1) times Keras's, for n values per
    batch), and on two cores the fast network trains on 1.2 times as many images per second.
    """

    def __init__(self, axis: int = -1, **settings):
        """Create the layer.

        Args:
            axis: axis of the channels.
            **settings: other arguments of `keras.layers.BatchNormalization`, such as `name`.
        """
        super().__init__(axis=axis, **{"scale": False, "epsilon": 1e-12, "momentum": 0.6} | settings)

    def call(self, inputs, training=None, mask=None):
        """Normalise by the batch statistics in training, updating the moving statistics; else by the latter."""
        if keras.config.backend() != "torch" or self.axis != 1:
            return super().call(inputs, training=training, mask=mask)
        from torch.nn.functional import batch_norm  # installed only if this backend is used

        moving = [variable.value.detach() for variable in (self.moving_mean, self.moving_variance)]  # updated in place
        use_batch, rate = bool(training and self.trainable), 1 - self.momentum
        return batch_norm(inputs, *moving, None, self.beta.value, use_batch, rate, self.epsilon)
