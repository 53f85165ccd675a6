"""Train a network: epochs, selection of the best one, resuming after an interruption."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from tqdm import tqdm

from vocalseg import losses
from vocalseg.loader import batches
from vocalseg.prefetch import prefetched
from vocalseg.trainer import Trainer


class Store(Protocol):
    """Source of batches: a :class:`~vocalseg.loader.TileStore` or a ``MixedStore``."""

    def batch(
        self, rows: pd.DataFrame, names: tuple[str, ...], epoch: int | None = None
    ) -> dict[str, np.ndarray]:
        """Return ``input`` and the named arrays of some examples."""


def mean_over_examples(
    function: Callable[[dict], tf.Tensor],
    make: Callable[[pd.DataFrame], dict],
    batches: list[pd.DataFrame],
) -> float:
    """Return the mean over all examples of a function of :class:`~vocalseg.trainer.Trainer`."""
    values = [float(function(arrays)) for arrays in prefetched(map(make, batches), ahead=2)]
    return float(np.average(values, weights=[len(rows) for rows in batches]))


def fit(
    model: keras.Model,
    store: Store,
    examples: pd.DataFrame,
    *,
    loss: str,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    backup: Path,
    last_batch: str = "drop",
    spec: losses.OutputSpec = losses.PAPER_OUTPUT,
    schedule: str = "constant",
    ema: float = 0.0,
    optimizer: str = "adam",
    select: str = "val_loss",
    on_epoch: Callable[[dict], None] = lambda epoch: None,
) -> pd.DataFrame:
    """Train; the model ends with the weights of the best epoch.

    On one machine, the same arguments give bit-identical weights: batches depend only on seed and
    epoch, and TensorFlow uses deterministic operations.

    Parameters
    ----------
    model : keras.Model
        Network to train.
    store : TileStore or MixedStore
        Source of batches. Only a ``MixedStore`` provides the arrays for masks, ``l1_linear``,
        ``sdr`` and ``val_sdr``.
    examples : DataFrame
        Table by :func:`vocalseg.examples.make_table`.
    loss : str
        Name of the loss; see :func:`vocalseg.losses.loss`.
    epochs, batch_size : int
        Number of epochs; examples per batch.
    learning_rate : float
        Initial learning rate.
    seed : int
        Seed of the order of examples.
    backup : Path
        Checkpoint file with the state after the last finished epoch. If it exists, training resumes
        from it, with the same result as an uninterrupted training.
    last_batch : {"drop", "keep"}
        Whether an incomplete last batch of an epoch is dropped; the next epoch has another order.
    spec : OutputSpec
        Interpretation of the network's output.
    schedule : {"constant", "cosine"}
        Schedule of the learning rate; ``cosine`` decreases to 0.
    ema : float, in [0, 1)
        Decay of the average of the weights that is validated and kept; with 0, the weights
        themselves are.
    optimizer : {"adam", "muon"}
        Name of the optimizer; for ``muon`` see :class:`vocalseg.muon.Muon`.
    select : {"val_loss", "val_sdr"}
        Criterion for the best epoch: the lowest validation loss, or the highest mean SDR of the
        validation examples.
    on_epoch : callable
        Called with the row of every finished epoch, including epochs from the checkpoint.

    Returns
    -------
    DataFrame
        ``epoch`` (from 1), ``loss``, ``val_loss``, ``seconds`` of wall time, ``cpu`` seconds of all
        cores and, with ``select="val_sdr"``, ``val_sdr`` in dB.

    Raises
    ------
    FloatingPointError
        If a loss is not finite.
    """
    tf.config.experimental.enable_op_determinism()
    train = examples[examples["part"] == "train"]
    held_out = batches(examples[examples["part"] == "validation"], batch_size)

    def epoch_of(number):
        rows = batches(train, batch_size, seed=(seed, number))
        if last_batch == "drop" and len(rows) > 1 and len(rows[-1]) < batch_size:
            rows.pop()  # another batch size would need another compilation
        return rows

    steps = epochs * len(epoch_of(0)) if schedule == "cosine" else None
    trainer = Trainer(model, loss, learning_rate, spec, steps, ema, optimizer)

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

            make = partial(store.batch, names=trainer.loss_arrays, epoch=number)
            epoch = {"epoch": number + 1, "loss": mean_over_examples(step, make, rows)}
        with trainer.averaged():
            make = partial(store.batch, names=trainer.loss_arrays)
            epoch["val_loss"] = mean_over_examples(trainer.loss, make, held_out)
            if select == "val_sdr":
                make = partial(store.batch, names=trainer.score_arrays)
                epoch["val_sdr"] = mean_over_examples(trainer.score, make, held_out)
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
    """Return the first epoch with the lowest ``val_loss`` or the highest ``val_sdr``."""
    sign = 1 if select == "val_loss" else -1
    return min(history, key=lambda epoch: sign * epoch[select])


def loss_of_zeros(store: Store, examples: pd.DataFrame, loss: str, batch_size: int) -> float:
    """Compute the validation loss of an estimate of zeros, in the domain of the loss.

    A trained network has to be better. The value is equal for all trainings whose losses are
    comparable.

    Parameters
    ----------
    store : TileStore or MixedStore
        Source of batches.
    examples : DataFrame
        Table by :func:`vocalseg.examples.make_table`.
    loss : {"mae", "mse", "l1_linear", "sdr"}
        Name of the loss.
    batch_size : int
        Examples per batch.

    Returns
    -------
    float
        NaN for ``sdr``, which is undefined for silence.
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
    """Write the checkpoint atomically."""
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
