"""Fitting the network: epochs, the best of them, and going on after a kill."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from vocalseg import losses
from vocalseg.loader import TileStore, batches
from vocalseg.trainer import Trainer


def prefetched(
    make: Callable[[pd.DataFrame], dict], batches: list[pd.DataFrame], ahead: int = 2
) -> Iterator[dict]:
    """What is made of each batch's rows, by another thread while the network computes."""
    with ThreadPoolExecutor(1) as thread:
        waiting: deque = deque()
        for rows in batches:
            waiting.append(thread.submit(make, rows))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def mean_of(
    function: Callable[[dict], tf.Tensor],
    make: Callable[[pd.DataFrame], dict],
    batches: list[pd.DataFrame],
) -> float:
    """Mean over examples of what a function of :class:`Trainer` returns."""
    values = [float(function(arrays)) for arrays in prefetched(make, batches)]
    return float(np.average(values, weights=[len(rows) for rows in batches]))


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
    reading: losses.Reading = losses.PAPER,
    schedule: str = "constant",
    ema: float = 0.0,
    optimizer: str = "adam",
    select: str = "val_loss",
    on_epoch: Callable[[dict], None] = lambda epoch: None,
) -> pd.DataFrame:
    """Train; the model ends with the weights of the best epoch.

    The same arguments give the same weights to the bit on one machine: batches depend on seed and
    epoch alone, and TensorFlow is told to take the operations that add in a fixed order.

    Parameters
    ----------
    model : keras.Model
    store : TileStore or MixedStore
        Makes the batches; only the latter has what masks, ``l1_linear``, ``sdr`` and ``val_sdr``
        take.
    examples : DataFrame
        As :func:`vocalseg.examples.make_table` makes it.
    loss : str
        See :func:`vocalseg.losses.loss`.
    backup : Path
        File with the state after the last finished epoch. If it exists, training goes on from
        there and ends as if it had never stopped.
    last_batch : {"drop", "keep"}
        What becomes of the rows of a training epoch that do not fill a batch: with ``drop`` they
        sit out that epoch, and another order comes with the next.
    reading : Reading
        How the network's output is to be read.
    schedule : {"constant", "cosine"}
        Of the learning rate; ``cosine`` ends at 0.
    ema : float, in [0, 1)
        Decay of the average of the weights that is validated and kept; 0: the weights themselves.
    optimizer : {"adam", "muon"}
        See :class:`vocalseg.muon.Muon`.
    select : {"val_loss", "val_sdr"}
        Which epoch is the best: of the lowest validation loss, or of the highest mean SDR of the
        validation examples.
    on_epoch : callable
        Called once for every finished epoch, restored ones included, with its row.

    Returns
    -------
    DataFrame
        ``epoch`` (from 1), ``loss``, ``val_loss``, ``seconds`` that it took, seconds of ``cpu``
        time of all cores; with ``select="val_sdr"`` also that, in dB.
    """
    tf.config.experimental.enable_op_determinism()
    train = examples[examples["part"] == "train"]
    held_out = batches(examples[examples["part"] == "validation"], batch_size)

    def epoch_of(number):
        rows = batches(train, batch_size, seed=(seed, number))
        if last_batch == "drop" and len(rows) > 1 and len(rows[-1]) < batch_size:
            rows.pop()  # another shape would be compiled anew for one step
        return rows

    steps = epochs * len(epoch_of(0)) if schedule == "cosine" else None
    trainer = Trainer(model, loss, learning_rate, reading, steps, ema, optimizer)

    history: list[dict] = []
    best = model.get_weights()
    if backup.exists():
        history, best = _restore(backup, model, trainer.variables)
        for epoch in history:
            on_epoch(epoch)
    for number in range(len(history), epochs):
        began, used = time.monotonic(), time.process_time()
        rows = epoch_of(number)
        label = f"epoch {number + 1}/{epochs}"
        with tqdm(total=len(rows), desc=label, unit="batch", disable=None) as bar:

            def step(arrays, bar=bar):
                bar.update()
                return trainer.step(arrays)

            make = partial(store.batch, names=trainer.needs, epoch=number)
            epoch = {"epoch": number + 1, "loss": mean_of(step, make, rows)}
        with trainer.averaged():
            make = partial(store.batch, names=trainer.needs)
            epoch["val_loss"] = mean_of(trainer.loss, make, held_out)
            if select == "val_sdr":
                make = partial(store.batch, names=trainer.score_needs)
                epoch["val_sdr"] = mean_of(trainer.score, make, held_out)
            weights = model.get_weights()
        epoch["seconds"], epoch["cpu"] = time.monotonic() - began, time.process_time() - used
        if not np.isfinite([epoch["loss"], epoch["val_loss"]]).all():
            raise FloatingPointError(f"the loss of epoch {number + 1} is not a number")
        history.append(epoch)
        if best_epoch(history, select) is epoch:
            best = weights
        print(f"{label}: loss {epoch['loss']:.5f}, validation {epoch['val_loss']:.5f}", flush=True)
        _save(backup, trainer.variables, history, best)
        on_epoch(epoch)
    model.set_weights(best)
    return pd.DataFrame(history)


def best_epoch(history: list[dict], select: str) -> dict:
    """The first of the best epochs: of the lowest ``val_loss`` or the highest ``val_sdr``."""
    sign = 1 if select == "val_loss" else -1
    return min(history, key=lambda epoch: sign * epoch[select])


def loss_of_zeros(store: TileStore, examples: pd.DataFrame, loss: str, batch_size: int) -> float:
    """Loss of the estimate 0, scaled or in magnitudes as the loss is, on the validation part.

    A trained network has to beat it; it is the same wherever losses can be compared. NaN for
    ``sdr``, which silence does not have.
    """
    if loss == "sdr":
        return np.nan
    key, distance = {
        "mae": ("target", np.abs),
        "mse": ("target", np.square),
        "l1_linear": ("truth", np.abs),
    }[loss]
    total, count = 0.0, 0
    for rows in batches(examples[examples["part"] == "validation"], batch_size):
        vocals = store.batch(rows, (key,))[key]
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
        known = ("epoch", "loss", "val_loss", "val_sdr", "seconds", "cpu")
        columns = {key: arrays[key].tolist() for key in known if key in arrays}
    return pd.DataFrame(columns).to_dict("records"), best
