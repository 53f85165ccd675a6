"""What a training step costs: the loader's share, bfloat16 and XLA against float32, 64 filters.

    python -m benchmarks.training

Run after `dvc repro`; reads data/tiles, data/scaling and data/examples.csv.
"""

import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from stages import read_params
from stages.schema.model import Model
from stages.schema.train import Train
from vocalseg.compute import choose
from vocalseg.loader import TileStore, batches
from vocalseg.unet import build_unet

STEPS = 8


def seconds(function, calls: list) -> float:
    """Median time of one call; the first, which compiles, does not count."""
    times = []
    for arguments in calls:
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return float(np.median(times[1:]))


def step_time(filters: int, depth: int, loss: str, data, precision: str, xla: bool) -> float:
    """Seconds of a training step."""
    model = build_unet(*data[0].shape[1:3], filters, depth, precision)
    model.compile("adam", loss, jit_compile=xla)
    return seconds(model.train_on_batch, [data] * STEPS)


def main():
    model, train = read_params(Model), read_params(Train)
    tiles, scaling = Path("data/tiles"), Path("data/scaling")
    store = TileStore(
        *(np.load(tiles / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(scaling / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
    )
    size = train.batch_size
    rows = batches(pd.read_csv("data/examples.csv"), size, seed=(0, 0))[: STEPS + 1]
    load = seconds(store.examples, [(r,) for r in rows])
    data = store.examples(rows[0])
    print(f"batches of {size}; `precision: auto` chooses {choose('auto')}\n")
    print("| filters | float32 step | XLA / float32 | bfloat16 / float32 | loader / step | auto |")
    print("|---:|---:|---:|---:|---:|---:|")
    sizes = model.filters, 64
    rest = model.depth, train.loss, data
    # Keras does not let XLA compile once operations have to be deterministic, as in training.
    compiled = [step_time(filters, *rest, "float32", xla=True) for filters in sizes]
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    for filters, xla in zip(sizes, compiled, strict=True):
        plain = step_time(filters, *rest, "float32", xla=False)
        half = step_time(filters, *rest, "bfloat16", xla=False)
        chosen = {"float32": plain, "bfloat16": half}[choose("auto")]
        print(
            f"| {filters} | {plain:.2f} s | {xla / plain:.2f} | {half / plain:.2f} | "
            f"{load / chosen:.1%} | {chosen / size:.3f} s an example |",
            flush=True,
        )


if __name__ == "__main__":
    main()
