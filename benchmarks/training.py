"""What a training step costs: the loader's share of it, and bfloat16 against float32.

    python -m benchmarks.training

Run after `dvc repro`; reads data/tiles, data/scaling and data/examples.csv.
"""

import json
import time
from pathlib import Path

import numpy as np
import pandas as pd

from stages import read_params
from vocalseg.loader import TileStore, batches
from vocalseg.precision import choose, computing_in
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


def step_time(precision: str, model_params, train, shape, data) -> float:
    """Seconds of a training step in a number format."""
    with computing_in(precision):
        model = build_unet(*shape, model_params.filters, model_params.depth)
    model.compile("adam", train.loss, jit_compile=False)
    return seconds(model.train_on_batch, [data] * STEPS)


if __name__ == "__main__":
    params = read_params("model", "train")
    tiles, scaling = Path("data/tiles"), Path("data/scaling")
    store = TileStore(
        *(np.load(tiles / f"{stem}.npy", mmap_mode="r") for stem in ("mixture", "vocals")),
        *(np.load(scaling / f"{name}.npy", mmap_mode="r") for name in ("offset", "scale")),
    )
    examples = pd.read_csv("data/examples.csv")
    rows = batches(examples, params.train.batch_size, seed=(0, 0))[: STEPS + 1]
    load = seconds(store.examples, [(r,) for r in rows])
    data = store.examples(rows[0])
    shape = data[0].shape[1:3]
    times = {
        p: step_time(p, params.model, params.train, shape, data) for p in ("float32", "bfloat16")
    }
    result = {
        "filters": params.model.filters,
        "batch": params.train.batch_size,
        "float32 step (s)": round(times["float32"], 3),
        "loader / step": round(load / times["float32"], 4),
        "bfloat16 / float32": round(times["bfloat16"] / times["float32"], 2),
        "auto chooses": choose("auto"),
    }
    print(json.dumps(result, indent=2))
