"""Compare the cost of a training step with its convolutions and its loader.

    python -m benchmarks.training

Run it after `dvc repro`; it reads data/tiles, data/scaling and data/examples.csv. Each row of the
table, for a number of filters and a precision, is measured in its own process with one thread. Its
CPU time is divided by the time that oneDNN reports for the convolutions of the same steps
(``ONEDNN_VERBOSE=1``). The table also has the time of oneDNN's batch normalization, forward and
backward. The machine has to be idle, because oneDNN reports wall time.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from stages import read_params
from stages.schema.model import Model
from stages.schema.train import Train
from vocalseg.compute import choose, cpu_has_bfloat16
from vocalseg.loader import TileStore, batches
from vocalseg.training import Trainer
from vocalseg.unet import build_unet

STEPS, WARM_UP = 10, 2
BEGIN, END = "start of the measurement", "end of the measurement"


def measure(filters: int, precision: str) -> None:
    """Measure some training steps between the lines :data:`BEGIN` and :data:`END`.

    The last line has CPU seconds and wall seconds of a step and CPU seconds of the loader.
    """
    network, train = read_params(Model), read_params(Train)
    tiles, scaling = Path("data/tiles"), Path("data/scaling")
    store = TileStore(
        *(np.load(tiles / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(scaling / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
    )
    examples = pd.read_csv("data/examples.csv")
    rows = batches(examples, train.batch_size, seed=(0, 0))[:STEPS]
    start = time.process_time()
    data = [store.examples(row) for row in rows]
    load = (time.process_time() - start) / len(rows)

    tf.config.experimental.enable_op_determinism()  # as in training
    keras.utils.set_random_seed(0)
    bins, frames = data[0][0].shape[1:3]
    model = build_unet(bins, frames, filters, network.depth, precision, network.momentum)
    step = Trainer(model, train.loss, train.learning_rate).step
    for batch in data[:WARM_UP]:
        float(step(dict(zip(("input", "target"), batch, strict=True))))
    print(BEGIN, flush=True)
    cpu, wall = time.process_time(), time.perf_counter()
    for batch in data:
        float(step(dict(zip(("input", "target"), batch, strict=True))))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    print(END, cpu / len(data), wall / len(data), load, flush=True)


def kernel_seconds(lines: list[str], *kinds: str) -> float:
    """Sum the seconds of some kinds of primitives, forward and backward, in the log of oneDNN."""
    fields = [line.split(",") for line in lines if line.startswith("onednn_verbose")]
    return sum(float(field[-1]) for field in fields if set(kinds) & set(field)) / 1000


def row(filters: int, precision: str) -> str:
    """Measure and format a row of the table, in a new process."""
    threads = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", str(filters), precision],
        env={**os.environ, **dict.fromkeys(threads, "1"), "ONEDNN_VERBOSE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    last = next(line for line in lines if line.startswith(END))
    cpu, wall, load = map(float, last.removeprefix(END).split())
    measured = lines[lines.index(BEGIN) : lines.index(last)]
    convolutions = kernel_seconds(measured, "convolution", "deconvolution") / STEPS
    normalization = kernel_seconds(measured, "batch_normalization") / STEPS
    return (
        f"| {filters} | {precision} | {cpu:.3f} | {wall:.3f} | {convolutions:.3f} | "
        f"{cpu / convolutions:.2f} | {normalization:.3f} | {load / cpu:.1%} |"
    )


def main():
    print(f"one thread; `precision: auto` chooses {choose('auto')}\n")
    names = "CPU s per step", "wall s", "convolutions, s", "ratio", "normalization, s"
    print("| filters | precision |", " | ".join([*names, "loader"]), "|")
    print("|---:|---|" + "---:|" * (len(names) + 1))
    for precision in ("float32", "bfloat16") if cpu_has_bfloat16() else ("float32",):
        for filters in (8, 16, 64):
            print(row(filters, precision), flush=True)


if __name__ == "__main__":
    measure(int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main()
