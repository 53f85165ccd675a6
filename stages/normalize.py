"""normalize: the statistics that scale each tile, along the axis and by the scaler of the study.

Why a stage: two of the study's three factors end here, in megabytes and seconds; no tile is copied.
"""

import json
from pathlib import Path

import numpy as np

from stages import fresh, read_params, run
from stages.schema.normalize import Normalize
from vocalseg import scaling
from vocalseg.parallel import parallel_map

TILES, OUT = Path("data/tiles/mixture.npy"), Path("data/scaling")
CHUNK = 64  # tiles: 16 MB at a time


def main():
    normalize = read_params(Normalize)
    # Threads of Python 3.11 must not read headers at once: ast.literal_eval fails now and then.
    stored = np.load(TILES, mmap_mode="r")
    form = stored.dtype, "r", stored.offset, stored.shape

    def statistics(start):
        # Opened anew each time: pages of a mapping that is kept count as this process'.
        tiles = np.array(np.memmap(TILES, *form)[start : start + CHUNK])
        if normalize.scaler == "standard":
            return scaling.moments(tiles)
        return scaling.statistics(tiles, normalize.axis, normalize.scaler)

    starts = range(0, len(stored), CHUNK)
    parts = list(parallel_map(statistics, starts, label="normalize", unit="chunk"))
    if normalize.scaler == "standard":
        of_all = scaling.data_set_statistics(np.stack(parts))
        parts = [[np.repeat(x, len(stored), 0) for x in of_all]]
    fresh(OUT)
    OUT.mkdir()
    for name, part in zip(("offset", "scale"), zip(*parts, strict=True), strict=True):
        np.save(OUT / f"{name}.npy", np.concatenate(part))
    (OUT / "scaling.json").write_text(json.dumps(normalize.model_dump(), indent=2) + "\n")


if __name__ == "__main__":
    run(main)
