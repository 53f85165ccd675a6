"""Score the unprocessed mixture by the protocol of Table I and by the standard protocols.

    python -m benchmarks.protocols

Run it after `dvc repro`; it reads data/raw and data/resampled. The mixture of each test song is
scored as an estimate of its vocals. The excerpt of 6 s is too short for the complete protocol of
Table I (five segments of 14.9 s), so every song is cut into five equal segments here. The two
properties in question are the same: segments are treated as sources, and the arguments are swapped.
"""

import numpy as np
import pandas as pd

import stages  # noqa: F401  (puts this folder's src first on the path)
from stages import scoring
from vocalseg import audio
from vocalseg.parallel import parallel_map
from vocalseg.scores import standard, table1
from vocalseg.songs import catalog, stems


def score(song: catalog.Song) -> dict:
    """Score a song's mixture as an estimate of its vocals, in dB.

    Returns
    -------
    dict
        ``song``, and the SDR with swapped arguments (``Table I``), with the right order of
        arguments, by ``museval`` and by ``global``.
    """
    mono = {
        stem: audio.read(scoring.RESAMPLED / song.name / f"{stem}.wav")[0][:, 0]
        for stem in ("mixture", "vocals")
    }
    mixture, vocals = (np.array_split(mono[stem], 5) for stem in ("mixture", "vocals"))
    size = min(map(len, mixture))
    pairs = [(m[:size], v[:size]) for m, v in zip(mixture, vocals, strict=True)]
    full_mixture, full_vocals, rate = stems.read(catalog.song_path(song, scoring.RAW))
    scores = standard.score_song(full_mixture, full_vocals, full_mixture, rate, full_mixture)
    scores = scores.set_index(["protocol", "metric"])["value"]
    return {
        "song": song.name,
        "Table I": table1.score(pairs)["sdr"].mean(),
        "right order": table1.score([(v, m) for m, v in pairs])["sdr"].mean(),
        "museval": scores["museval", "sdr"],
        "global": scores["global", "sdr"],
    }


if __name__ == "__main__":
    rows = pd.DataFrame(parallel_map(score, scoring.test_songs(), label="score", processes=True))
    print(rows.round(1).to_string(index=False))
    print(rows.drop(columns="song").mean().round(1).to_string())
