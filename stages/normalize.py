"""normalize: compute the statistics that scale each tile, by the study's axis and scaler.

It is a separate stage because two of the study's three factors only change these statistics, which
take seconds and megabytes; tiles are not copied.
"""

import json
from pathlib import Path

import numpy as np

from stages import fresh, read_params, run
from stages.schema.normalize import Normalize
from vocalseg import scaling
from vocalseg.parallel import parallel_map

TILES, OUT = Path("data/tiles/mixture.npy"), Path("data/scaling")
CHUNK = 64  # tiles, 16 MB


def main():
    normalize = read_params(Normalize)
    # The header is read once: in Python 3.11, ast.literal_eval is not reliable in several threads.
    stored = np.load(TILES, mmap_mode="r")

    def statistics(start):
        # The file is mapped again each time, because pages of a kept mapping count as this
        # process' memory.
        mapped = np.memmap(TILES, stored.dtype, "r", stored.offset, stored.shape)
        tiles = np.array(mapped[start : start + CHUNK])
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
