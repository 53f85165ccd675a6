"""The moving average of a network's weights over the steps of its training."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf


class WeightAverage:
    """Exponential moving average of all variables, the statistics of batch normalisation included.

    Keras' own (``Adam(use_ema=True)``) leaves those out, so that averaged weights would meet the
    last step's statistics.

    Parameters
    ----------
    model : keras.Model
    decay : float, in [0, 1)
        Weight of the past. In step t (from 1) it is at most t / (t + 9): otherwise the initial
        weights would stay in the average for long.
    """

    def __init__(self, model: keras.Model, decay: float):
        self.decay, self.sources = decay, model.variables
        self.steps = tf.Variable(0.0, name="steps")
        self.averages = [tf.Variable(v, name=f"average{i}") for i, v in enumerate(model.variables)]
        self.variables = [self.steps, *self.averages]

    def update(self) -> None:
        """Take the variables of one more step in; part of a compiled step."""
        self.steps.assign_add(1.0)
        past = tf.minimum(self.decay, self.steps / (self.steps + 9.0))
        for average, source in zip(self.averages, self.sources, strict=True):
            average.assign(past * average + (1 - past) * tf.convert_to_tensor(source))

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside, the network has the averages as its weights."""
        kept = [source.numpy() for source in self.sources]
        try:
            self._assign(average.numpy() for average in self.averages)
            yield
        finally:
            self._assign(kept)

    def _assign(self, values) -> None:
        for source, value in zip(self.sources, values, strict=True):
            source.assign(value)
