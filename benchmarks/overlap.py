"""What the overlap of tiles and the precision are worth, and whether a song's ends suffer.

    python -m benchmarks.overlap

Run after `dvc repro`. For each setting: global SDR (mean over the test songs), and the seconds of
separating them. For the ends, 9, 10 and 11 seconds are cut out of a song in several places and
separated alone: how much lower is the SDR of their first, last and inner seconds than when the
whole song is separated? Mean and its standard error.
"""

import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import sem

import stages  # noqa: F401  (puts this folder's src first on the path)
from vocalseg.scores.standard import sdr
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems

RAW = Path("data/raw")
PRECISIONS = {0: ["float32"], 0.125: ["float32", "bfloat16"], 0.25: ["float32"], 0.5: ["float32"]}
SECONDS, CUTS, MARGIN = (9, 10, 11), 6, 1.5  # lengths of a cut, cuts of a song, s left at its ends
PARTS = {"first": slice(0, 1), "inner": slice(1, -1), "last": slice(-1, None)}


def measure(separator: Separator, songs: list) -> dict[str, float | str]:
    """Mean SDR, seconds, and dB lost in each part of a song that was cut."""
    scores, took = [], 0.0
    lost: dict[str, list[float]] = {part: [] for part in PARTS}
    for mixture, vocals, rate in songs:
        began = time.perf_counter()
        whole, _ = separator.separate(mixture, rate)
        took += time.perf_counter() - began
        scores.append(sdr(vocals, whole))
        for seconds in SECONDS:
            last = len(mixture) / rate - seconds - MARGIN
            for start in np.linspace(MARGIN, last, CUTS) if last > MARGIN else ():
                cut = slice(round(start * rate), round(start * rate) + seconds * rate)
                alone, _ = separator.separate(mixture[cut], rate)
                rows = [song.reshape(seconds, -1) for song in (vocals[cut], whole[cut], alone)]
                for part, inside in PARTS.items():
                    truth, long, short = (row[inside] for row in rows)
                    if np.mean(truth**2) > 1e-4:  # somebody sings
                        lost[part].append(sdr(truth, long) - sdr(truth, short))
    return {
        "global SDR": f"{np.mean(scores):.2f}",
        "seconds": f"{took:.2f}",
        **{f"lost in {part}": f"{np.mean(v):.2f} ± {sem(v):.2f}" for part, v in lost.items()},
    }


def main():
    listed = catalog.read(RAW / "catalog.csv")
    songs = [stems.read(catalog.song_path(s, RAW)) for s in listed if s.split == "test"]
    rows = {}
    for overlap, precisions in PRECISIONS.items():
        for precision in precisions:
            separator = Separator.load("models/unet.json", overlap=overlap, precision=precision)
            separator.separate(songs[0][0][:44_100], songs[0][2])  # warm
            rows[overlap, precision] = measure(separator, songs)
    print(pd.DataFrame(rows).T.rename_axis(["overlap", "precision"]).to_string())


if __name__ == "__main__":
    main()
