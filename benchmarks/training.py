"""What a training step costs, beside its convolutions and the loader, by filters and precision.

    python -m benchmarks.training

Run after `dvc repro`; reads data/tiles, data/scaling and data/examples.csv. Each row is measured in
a process of its own with one thread, so that its CPU seconds can be divided by the times that
oneDNN reports of its convolutions (``ONEDNN_VERBOSE=1``): both are taken over the same steps. Needs
an idle machine, because oneDNN reports wall time.
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
BEGIN, END = "measured from here", "measured up to here"


def measure(filters: int, precision: str) -> None:
    """Print CPU and wall seconds of a step and the loader's CPU seconds, after oneDNN's lines."""
    network, train = read_params(Model), read_params(Train)
    tiles, scaling = Path("data/tiles"), Path("data/scaling")
    store = TileStore(
        *(np.load(tiles / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(scaling / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
    )
    examples = pd.read_csv("data/examples.csv")
    rows = batches(examples, train.batch_size, seed=(0, 0))[:STEPS]
    began = time.process_time()
    data = [store.examples(row) for row in rows]
    load = (time.process_time() - began) / len(rows)

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


def convolutions(lines: list[str]) -> float:
    """Seconds of all convolutions, forward and backward, in lines that oneDNN wrote."""
    fields = [line.split(",") for line in lines if line.startswith("onednn_verbose")]
    kinds = {"convolution", "deconvolution"}
    return sum(float(field[-1]) for field in fields if kinds & set(field)) / 1000


def row(filters: int, precision: str) -> str:
    """One row of the table, measured in a process of its own."""
    one = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.training", str(filters), precision],
        env={**os.environ, **one, "ONEDNN_VERBOSE": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    last = next(line for line in lines if line.startswith(END))
    cpu, wall, load = map(float, last.removeprefix(END).split())
    kernels = convolutions(lines[lines.index(BEGIN) : lines.index(last)]) / STEPS
    return (
        f"| {filters} | {precision} | {cpu:.3f} | {wall:.3f} | {kernels:.3f} | "
        f"{cpu / kernels:.2f} | {load / cpu:.1%} |"
    )


def main():
    print(f"one thread; `precision: auto` chooses {choose('auto')}\n")
    print("| filters | precision | CPU s a step | wall s | convolutions, s | ratio | loader |")
    print("|---:|---|---:|---:|---:|---:|---:|")
    for precision in ("float32", "bfloat16") if cpu_has_bfloat16() else ("float32",):
        for filters in (8, 16, 64):
            print(row(filters, precision), flush=True)


if __name__ == "__main__":
    measure(int(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main()
