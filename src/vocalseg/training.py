"""Fitting the network: epochs, the best of them, and going on after a kill."""

import os
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from vocalseg.loader import TileStore, batches


class Batches(keras.utils.PyDataset):
    """The batches of one epoch, made by two threads while the network computes."""

    def __init__(self, store: TileStore, rows: list[pd.DataFrame]):
        super().__init__(workers=2, max_queue_size=4)
        self.store, self.rows = store, rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        return self.store.examples(self.rows[index])


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
        ``epoch`` (from 1), ``loss``, ``val_loss``.
    """
    tf.config.experimental.enable_op_determinism()
    # oneDNN's convolutions take about half as long on a CPU as those that XLA compiles.
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=loss, jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    train = examples[examples["part"] == "train"]
    held_out = Batches(store, batches(examples[examples["part"] == "validation"], batch_size))

    history: list[dict] = []
    best = model.get_weights()
    if backup.exists():
        history, best = _restore(backup, model)
        for epoch in history:
            on_epoch(epoch)
    for number in range(len(history), epochs):
        rows = batches(train, batch_size, seed=(seed, number))
        if last_batch == "drop" and len(rows) > 1 and len(rows[-1]) < batch_size:
            rows.pop()  # another shape would be compiled anew for one step
        label = f"epoch {number + 1}/{epochs}"
        with tqdm(total=len(rows), desc=label, unit="batch", disable=None) as bar:
            progress = keras.callbacks.LambdaCallback(
                on_train_batch_end=lambda batch, logs, bar=bar: bar.update()
            )
            result = model.fit(
                Batches(store, rows),
                validation_data=held_out,
                initial_epoch=number,
                epochs=number + 1,
                callbacks=[progress],
                shuffle=False,
                verbose=0,
            ).history
        epoch = {
            "epoch": number + 1,
            "loss": result["loss"][0],
            "val_loss": result["val_loss"][0],
        }
        if not np.isfinite([epoch["loss"], epoch["val_loss"]]).all():
            raise FloatingPointError(f"the loss of epoch {number + 1} is not a number")
        if not history or epoch["val_loss"] < min(e["val_loss"] for e in history):
            best = model.get_weights()
        history.append(epoch)
        print(f"{label}: loss {epoch['loss']:.5f}, validation {epoch['val_loss']:.5f}", flush=True)
        _save(backup, model, history, best)
        on_epoch(epoch)
    model.set_weights(best)
    return pd.DataFrame(history)


def reference_losses(
    store: TileStore, examples: pd.DataFrame, loss: str, batch_size: int
) -> dict[str, float]:
    """Loss on the validation part of two estimates that need no network.

    Returns
    -------
    dict
        ``zeros`` (scaled magnitude 0 everywhere) and ``mixture`` (the mixture as the vocals): what
        a trained network has to beat.
    """
    distance = {"mae": np.abs, "mse": np.square}[loss]
    sums, count = {"zeros": 0.0, "mixture": 0.0}, 0
    for rows in batches(examples[examples["part"] == "validation"], batch_size):
        mixture, vocals = store.examples(rows)
        sums["zeros"] += distance(vocals).sum(dtype=np.float64)
        sums["mixture"] += distance(mixture - vocals).sum(dtype=np.float64)
        count += vocals.size
    return {name: float(total / count) for name, total in sums.items()}


def _variables(model: keras.Model) -> list:
    return model.variables + model.optimizer.variables


def _save(path: Path, model: keras.Model, history: list[dict], best: list[np.ndarray]) -> None:
    """All that the next epoch needs, in one file that is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {f"state{i}": v.numpy() for i, v in enumerate(_variables(model))}
    arrays |= {f"best{i}": weight for i, weight in enumerate(best)}
    arrays |= {key: np.array([e[key] for e in history]) for key in history[0]}
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        np.savez(file, **arrays)
    part.replace(path)


def _restore(path: Path, model: keras.Model) -> tuple[list[dict], list[np.ndarray]]:
    with np.load(path) as arrays:
        for i, variable in enumerate(_variables(model)):
            variable.assign(arrays[f"state{i}"])
        best = [arrays[f"best{i}"] for i in range(len(model.get_weights()))]
        columns = {key: arrays[key].tolist() for key in ("epoch", "loss", "val_loss")}
    return pd.DataFrame(columns).to_dict("records"), best
