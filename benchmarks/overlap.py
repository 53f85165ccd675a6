"""Measure the effect of overlap and precision on SDR and speed, and the loss at the ends of a song.

    python -m benchmarks.overlap

Run it after `dvc repro`. For each setting it prints the global SDR (mean over the test songs) and
the time for separating them. For the ends, excerpts of 9, 10 and 11 seconds are cut out of a song
at several positions and separated alone. The benchmark prints by how much the SDR of their first,
last and inner seconds is lower than if the whole song is separated: mean and standard error.
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
LENGTHS = 9, 10, 11  # of an excerpt, in seconds
EXCERPTS, MARGIN = 6, 1.5  # excerpts of each length in a song, seconds left out at its ends
PARTS = {"first": slice(0, 1), "inner": slice(1, -1), "last": slice(-1, None)}


def measure(separator: Separator, songs: list) -> dict[str, float | str]:
    """Separate songs and excerpts of them.

    Parameters
    ----------
    separator : Separator
    songs : list
        Mixture, vocals and sample rate of each song.

    Returns
    -------
    dict
        Row of the table: mean SDR, time, and dB lost in each part of an excerpt.
    """
    scores, elapsed = [], 0.0
    lost: dict[str, list[float]] = {part: [] for part in PARTS}
    for mixture, vocals, rate in songs:
        start = time.perf_counter()
        whole, _ = separator.separate(mixture, rate)
        elapsed += time.perf_counter() - start
        scores.append(sdr(vocals, whole))
        for seconds in LENGTHS:
            last = len(mixture) / rate - seconds - MARGIN
            for position in np.linspace(MARGIN, last, EXCERPTS) if last > MARGIN else ():
                first = round(position * rate)
                excerpt = slice(first, first + seconds * rate)
                alone, _ = separator.separate(mixture[excerpt], rate)
                signals = vocals[excerpt], whole[excerpt], alone
                rows = [signal.reshape(seconds, -1) for signal in signals]
                for part, inside in PARTS.items():
                    reference, in_song, in_excerpt = (row[inside] for row in rows)
                    if np.mean(reference**2) > 1e-4:  # the vocals are not silent
                        lost[part].append(sdr(reference, in_song) - sdr(reference, in_excerpt))
    return {
        "global SDR": f"{np.mean(scores):.2f}",
        "seconds": f"{elapsed:.2f}",
        **{f"lost in {part}": f"{np.mean(v):.2f} ± {sem(v):.2f}" for part, v in lost.items()},
    }


def main():
    listed = catalog.read(RAW / "catalog.csv")
    songs = [stems.read(catalog.song_path(s, RAW)) for s in listed if s.split == "test"]
    rows = {}
    for overlap, precisions in PRECISIONS.items():
        for precision in precisions:
            separator = Separator.load("models/unet.json", overlap=overlap, precision=precision)
            separator.separate(songs[0][0][:44_100], songs[0][2])  # warm up
            rows[overlap, precision] = measure(separator, songs)
    print(pd.DataFrame(rows).T.rename_axis(["overlap", "precision"]).to_string())


if __name__ == "__main__":
    main()
