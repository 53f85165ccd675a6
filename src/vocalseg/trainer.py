"""One training step, compiled: the network with its loss and its optimiser."""

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

    Training steps and losses are compiled separately instead of with Keras' ``fit``, which obeys
    the user's environment (``KERAS_MAX_EPOCHS``) and returns rounded running means.

    Parameters
    ----------
    model : keras.Model
        Network to train.
    loss : str
        Name of the loss; see :func:`vocalseg.losses.loss`.
    learning_rate : float
        Initial learning rate.
    spec : OutputSpec
        Interpretation of the network's output.
    steps : int, optional
        Number of steps in which the learning rate decreases to 0 along half a cosine; by default it
        is constant.
    ema : float
        Decay of the average of the weights that is validated and kept; with 0, the weights
        themselves are.
    optimizer : {"adam", "muon"}
        Name of the optimizer; for ``muon`` see :class:`vocalseg.muon.Muon`.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: str,
        learning_rate: float,
        spec: losses.OutputSpec = losses.PAPER_OUTPUT,
        steps: int | None = None,
        ema: float = 0.0,
        optimizer: str = "adam",
    ):
        measure, score = losses.loss(loss, spec), losses.val_sdr(spec)
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
        self.loss_arrays = losses.required_arrays(loss, spec.output)
        self.score_arrays = losses.required_arrays("val_sdr")

        def compiled(names):
            # On a CPU, oneDNN's convolutions take about half as long as those compiled by XLA.
            signature = [losses.signature(model, names)]
            return tf.function(input_signature=signature, jit_compile=False)

        @compiled(self.loss_arrays)
        def step(batch):
            with tf.GradientTape() as tape:
                loss = measure(model(batch["input"], training=True), batch)
            gradients = tape.gradient(loss, model.trainable_variables)
            optimiser.apply(gradients, model.trainable_variables)
            if self.average:
                self.average.update()
            return loss

        @compiled(self.loss_arrays)
        def validate(batch):
            return measure(model(batch["input"], training=False), batch)

        @compiled(self.score_arrays)
        def score_of(batch):
            return score(model(batch["input"], training=False), batch)

        self.step, self.loss, self.score = step, validate, score_of

    def averaged(self):
        """Return a context in which the network has the weights that are validated and kept."""
        return self.average.applied() if self.average else nullcontext()
