"""What does doing nothing score? The unprocessed mixture by Table I's protocol and by the field's.

    python -m benchmarks.protocols

Run after `dvc repro`; reads data/raw and data/resampled. For each test song the mixture stands as
the estimate of its vocals. The excerpt of 6 s is too short for the whole protocol of Table I (five
segments of 14.9 s), so here every song is cut into five equal segments: the two twists that matter,
segments as sources and the swapped arguments, are the same.
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
    """Mixture as the estimate of one song's vocals: swapped, right way round, museval, global."""
    mono = {
        stem: audio.read(scoring.RESAMPLED / song.name / f"{stem}.wav")[0][:, 0]
        for stem in ("mixture", "vocals")
    }
    mixture, vocals = (np.array_split(mono[stem], 5) for stem in ("mixture", "vocals"))
    size = min(map(len, mixture))
    pairs = [(m[:size], v[:size]) for m, v in zip(mixture, vocals, strict=True)]
    full_mixture, full_vocals, rate = stems.read(catalog.song_path(song, scoring.RAW))
    field = standard.score_song(full_mixture, full_vocals, full_mixture, rate, full_mixture)
    field = field.set_index(["protocol", "metric"])["value"]
    return {
        "song": song.name,
        "Table I": table1.score(pairs)["sdr"].mean(),
        "right order": table1.score([(v, m) for m, v in pairs])["sdr"].mean(),
        "museval": field["museval", "sdr"],
        "global": field["global", "sdr"],
    }


if __name__ == "__main__":
    rows = pd.DataFrame(parallel_map(score, scoring.test_songs(), label="score", processes=True))
    print(rows.round(1).to_string(index=False))
    print(rows.drop(columns="song").mean().round(1).to_string())
