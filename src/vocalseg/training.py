"""Fitting the network: epochs, the best of them, and going on after a kill."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from vocalseg.compute import keras_defaults
from vocalseg.loader import TileStore, batches


class Trainer:
    """A network with its loss and its optimiser, Adam.

    Steps and losses are compiled functions of their own: Keras' ``fit`` is subject to the user's
    settings (``KERAS_MAX_EPOCHS``) and returns rounded sums of batches.

    Parameters
    ----------
    model : keras.Model
    loss : {"mae", "mse"}
    learning_rate : float
    """

    def __init__(self, model: keras.Model, loss: str, learning_rate: float):
        distance = {"mae": tf.abs, "mse": tf.square}[loss]
        with keras_defaults("float32"):
            optimizer = keras.optimizers.Adam(learning_rate)
            optimizer.build(model.trainable_variables)
        self.variables = model.variables + optimizer.variables
        tiles = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)

        # oneDNN's convolutions take about half as long on a CPU as those that XLA compiles.
        @tf.function(input_signature=(tiles, tiles), jit_compile=False)
        def step(mixture, vocals):
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(distance(model(mixture, training=True) - vocals))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply(gradients, model.trainable_variables)
            return loss

        @tf.function(input_signature=(tiles, tiles), jit_compile=False)
        def loss(mixture, vocals):
            return tf.reduce_mean(distance(model(mixture, training=False) - vocals))

        self.step, self.loss = step, loss


def prefetched(
    store: TileStore, batches: list[pd.DataFrame], ahead: int = 2
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The examples of each batch, made by another thread while the network computes."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque = deque()
        for rows in batches:
            waiting.append(thread.submit(store.examples, rows))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def mean_loss(
    function: Callable[[np.ndarray, np.ndarray], tf.Tensor],
    store: TileStore,
    batches: list[pd.DataFrame],
) -> float:
    """Mean over examples of what :attr:`Trainer.step` or :attr:`Trainer.loss` returns."""
    losses = [float(function(*examples)) for examples in prefetched(store, batches)]
    return float(np.average(losses, weights=[len(rows) for rows in batches]))


def fit(
    model: keras.Model,
    store: TileStore,
    examples: pd.DataFrame,
    *,
    loss: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    backup: Path,
    last_batch: str = "drop",
    on_epoch: Callable[[dict], None] = lambda epoch: None,
) -> pd.DataFrame:
    """Train with Adam; the model ends with the weights of the best epoch by validation loss.

    The same arguments give the same weights to the bit on one machine: batches depend on seed and
    epoch alone, and TensorFlow is told to take the operations that add in a fixed order.

    Parameters
    ----------
    examples : DataFrame
        As :func:`vocalseg.examples.make_table` makes it.
    loss : {"mae", "mse"}
        Taken on scaled tiles.
    backup : Path
        File with the state after the last finished epoch. If it exists, training goes on from
        there and ends as if it had never stopped.
    last_batch : {"drop", "keep"}
        What becomes of the rows of a training epoch that do not fill a batch: with ``drop`` they
        sit out that epoch, and another order comes with the next.
    on_epoch : callable
        Called once for every finished epoch, restored ones included, with its row.

    Returns
    -------
    DataFrame
        ``epoch`` (from 1), ``loss``, ``val_loss``, ``seconds`` that it took.
    """
    tf.config.experimental.enable_op_determinism()
    trainer = Trainer(model, loss, learning_rate)
    train = examples[examples["part"] == "train"]
    held_out = batches(examples[examples["part"] == "validation"], batch_size)

    history: list[dict] = []
    best = model.get_weights()
    if backup.exists():
        history, best = _restore(backup, model, trainer.variables)
        for epoch in history:
            on_epoch(epoch)
    for number in range(len(history), epochs):
        began = time.monotonic()
        rows = batches(train, batch_size, seed=(seed, number))
        if last_batch == "drop" and len(rows) > 1 and len(rows[-1]) < batch_size:
            rows.pop()  # another shape would be compiled anew for one step
        label = f"epoch {number + 1}/{epochs}"
        with tqdm(total=len(rows), desc=label, unit="batch", disable=None) as bar:

            def step(mixture, vocals, bar=bar):
                bar.update()
                return trainer.step(mixture, vocals)

            epoch = {"epoch": number + 1, "loss": mean_loss(step, store, rows)}
        epoch["val_loss"] = mean_loss(trainer.loss, store, held_out)
        epoch["seconds"] = time.monotonic() - began
        if not np.isfinite([epoch["loss"], epoch["val_loss"]]).all():
            raise FloatingPointError(f"the loss of epoch {number + 1} is not a number")
        if not history or epoch["val_loss"] < min(e["val_loss"] for e in history):
            best = model.get_weights()
        history.append(epoch)
        print(f"{label}: loss {epoch['loss']:.5f}, validation {epoch['val_loss']:.5f}", flush=True)
        _save(backup, trainer.variables, history, best)
        on_epoch(epoch)
    model.set_weights(best)
    return pd.DataFrame(history)


def loss_of_zeros(store: TileStore, examples: pd.DataFrame, loss: str, batch_size: int) -> float:
    """Loss of the estimate 0 on the scaled tiles of the validation part.

    A trained network has to beat it; it is the same wherever losses can be compared.
    """
    distance = {"mae": np.abs, "mse": np.square}[loss]
    total, count = 0.0, 0
    for rows in batches(examples[examples["part"] == "validation"], batch_size):
        _, vocals = store.examples(rows)
        total += distance(vocals).sum(dtype=np.float64)
        count += vocals.size
    return float(total / count)


def _save(path: Path, variables: list, history: list[dict], best: list[np.ndarray]) -> None:
    """All that the next epoch needs, in one file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"state{i}": v.numpy() for i, v in enumerate(variables)}
    arrays |= {f"best{i}": weight for i, weight in enumerate(best)}
    arrays |= {key: np.array([e[key] for e in history]) for key in history[0]}
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def _restore(
    path: Path, model: keras.Model, variables: list
) -> tuple[list[dict], list[np.ndarray]]:
    with np.load(path) as arrays:
        for i, variable in enumerate(variables):
            variable.assign(arrays[f"state{i}"])
        best = [arrays[f"best{i}"] for i in range(len(model.get_weights()))]
        columns = {key: arrays[key].tolist() for key in ("epoch", "loss", "val_loss", "seconds")}
    return pd.DataFrame(columns).to_dict("records"), best
