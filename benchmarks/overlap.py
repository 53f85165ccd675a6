"""What the overlap of tiles and the precision are worth, and whether a song's ends suffer.

    python -m benchmarks.overlap

Run after `dvc repro`. For each setting: global SDR (mean over the test songs), and the seconds of
separating them. For the ends, nine seconds are cut out of a song and separated alone: how much
lower is the SDR of their first, last and inner seconds than when the whole song is separated?
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd

import stages  # noqa: F401  (puts this folder's src first on the path)
from vocalseg.scores.standard import sdr
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems

RAW = Path("data/raw")
PRECISIONS = {0: ["float32"], 0.125: ["float32", "bfloat16"], 0.25: ["float32"], 0.5: ["float32"]}
SECONDS, STARTS = 9, (3, 4, 5, 6)
PARTS = {"first": (0, 1), "inner": (1, SECONDS - 1), "last": (SECONDS - 1, SECONDS)}


def measure(separator: Separator, songs: list) -> dict[str, float]:
    """Mean SDR, seconds, and dB lost in each part of a song that was cut."""
    scores, took, lost = [], 0.0, {part: [] for part in PARTS}
    for mixture, vocals, rate in songs:
        began = time.perf_counter()
        whole, _ = separator.separate(mixture, rate)
        took += time.perf_counter() - began
        scores.append(sdr(vocals, whole))
        for start in STARTS:
            if len(mixture) < (start + SECONDS) * rate:
                continue
            cut = slice(start * rate, (start + SECONDS) * rate)
            alone, _ = separator.separate(mixture[cut], rate)
            for part, (first, end) in PARTS.items():
                inside = slice(first * rate, end * rate)
                truth = vocals[cut][inside]
                if np.mean(truth**2) > 1e-4:  # somebody sings
                    lost[part].append(sdr(truth, whole[cut][inside]) - sdr(truth, alone[inside]))
    return {
        "global SDR": np.mean(scores),
        "seconds": took,
        **{f"lost in {part}": np.mean(values) for part, values in lost.items()},
    }


def main():
    listed = catalog.read(RAW / "catalog.csv")
    songs = [stems.read(catalog.folder(s, RAW)) for s in listed if s.split == "test"]
    rows = {}
    for overlap, precisions in PRECISIONS.items():
        for precision in precisions:
            separator = Separator.load("models/unet.json", overlap=overlap, precision=precision)
            separator.separate(songs[0][0][:44_100], songs[0][2])  # warm
            rows[overlap, precision] = measure(separator, songs)
    print(pd.DataFrame(rows).T.round(2).rename_axis(["overlap", "precision"]).to_string())


if __name__ == "__main__":
    main()
