"""Moving average of a network's weights over the training steps."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf


class WeightAverage:
    """Exponential moving average of all variables, including the statistics of batch normalisation.

    Keras' own average (``Adam(use_ema=True)``) omits those statistics, so averaged weights would be
    combined with the statistics of the last step.

    Parameters
    ----------
    model : keras.Model
        Network whose variables are averaged.
    decay : float, in [0, 1)
        Weight of the past. In step t (counted from 1) it is at most t / (t + 9), because the
        initial weights would otherwise dominate the average for a long time.
    """

    def __init__(self, model: keras.Model, decay: float):
        self.decay, self.sources = decay, model.variables
        self.steps = tf.Variable(0.0, name="steps")
        self.averages = [tf.Variable(v, name=f"average{i}") for i, v in enumerate(model.variables)]
        self.variables = [self.steps, *self.averages]

    def update(self) -> None:
        """Update the averages with the current variables; called within a compiled step."""
        self.steps.assign_add(1.0)
        past = tf.minimum(self.decay, self.steps / (self.steps + 9.0))
        for average, source in zip(self.averages, self.sources, strict=True):
            average.assign(past * average + (1 - past) * tf.convert_to_tensor(source))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Replace the network's weights by the averages inside the context."""
        kept = [source.numpy() for source in self.sources]
        try:
            self._assign(average.numpy() for average in self.averages)
            yield
        finally:
            self._assign(kept)

    def _assign(self, values) -> None:
        for source, value in zip(self.sources, values, strict=True):
            source.assign(value)
