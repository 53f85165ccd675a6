"""One step of the training, compiled: the network with its loss and its optimiser."""

from contextlib import nullcontext

import keras
import tensorflow as tf

from vocalseg import losses
from vocalseg.averaging import WeightAverage
from vocalseg.compute import keras_defaults
from vocalseg.muon import Muon

_OPTIMIZERS = {"adam": keras.optimizers.Adam, "muon": Muon}


class Trainer:
    """A network with its loss and its optimiser.

    Steps and losses are compiled functions of their own: Keras' ``fit`` is subject to the user's
    settings (``KERAS_MAX_EPOCHS``) and returns rounded sums of batches.

    Parameters
    ----------
    model : keras.Model
    loss : str
        See :func:`vocalseg.losses.loss`.
    learning_rate : float
    reading : Reading
        How the network's output is to be read.
    steps : int, optional
        Over which the learning rate falls to 0 along half a cosine; by default it is constant.
    ema : float
        Decay of the average of the weights that is validated and kept; 0: the weights themselves.
    optimizer : {"adam", "muon"}
        See :class:`vocalseg.muon.Muon`.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: str,
        learning_rate: float,
        reading: losses.Reading = losses.PAPER,
        steps: int | None = None,
        ema: float = 0.0,
        optimizer: str = "adam",
    ):
        measure, score = losses.loss(loss, reading), losses.val_sdr(reading)
        with keras_defaults("float32"):
            rate = learning_rate
            if steps is not None:
                rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
            optimiser = _OPTIMIZERS[optimizer](rate)
            optimiser.build(model.trainable_variables)
        self.average = WeightAverage(model, ema) if ema else None
        self.variables = model.variables + optimiser.variables
        if self.average:
            self.variables = self.variables + self.average.variables
        self.needs = losses.needs(loss, reading.output)
        self.score_needs = losses.needs("val_sdr")

        def compiled(names):
            # oneDNN's convolutions take about half as long on a CPU as those that XLA compiles.
            signature = [losses.signature(model, names)]
            return tf.function(input_signature=signature, jit_compile=False)

        @compiled(self.needs)
        def step(batch):
            with tf.GradientTape() as tape:
                loss = measure(model(batch["input"], training=True), batch)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimiser.apply(gradients, model.trainable_variables)
            if self.average:
                self.average.update()
            return loss

        @compiled(self.needs)
        def validate(batch):
            return measure(model(batch["input"], training=False), batch)

        @compiled(self.score_needs)
        def score_of(batch):
            return score(model(batch["input"], training=False), batch)

        self.step, self.loss, self.score = step, validate, score_of

    def averaged(self):
        """A context in which the network has the weights that are validated and kept."""
        return self.average.in_place() if self.average else nullcontext()
