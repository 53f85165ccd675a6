"""bounds: score the lower bound (mixture as estimate) and upper bounds (ideal masks).

It is a separate stage because it needs no model, so all experiments share its results.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from stages import fresh, read_params, run, scoring, tables
from stages.schema.audio import Audio
from stages.schema.stft import Stft
from vocalseg.parallel import parallel_map
from vocalseg.scores import bounds, standard
from vocalseg.songs import catalog, stems

METRICS = Path("metrics/bounds.json")
FULL_RATE = 44_100  # Hz, of the STFT whose lower bins are those of the network


def score(song: catalog.Song, frame_size: int, hop: int) -> pd.DataFrame:
    """Score all bounds of one song: ``estimate``, ``song``, ``protocol``, ``metric``, ``value``."""
    mixture, vocals, rate = stems.read(catalog.song_path(song, scoring.RAW))
    ideal = bounds.ideal_estimates(mixture, vocals, frame_size, hop)
    estimates = {"mixture": (mixture, mixture), **{name: (e, None) for name, e in ideal.items()}}
    table = standard.score_estimates(mixture, vocals, estimates, rate)
    table.insert(1, "song", song.name)
    return table


def main():
    stft = read_params(Stft)
    factor = FULL_RATE // read_params(Audio).sample_rate
    full_band = partial(score, frame_size=stft.frame_size * factor, hop=stft.hop * factor)
    test_songs = scoring.test_songs()
    scored = parallel_map(
        full_band,
        test_songs,
        label="bounds",
        processes=True,
        # mixture, vocals and two ideal estimates
        item_bytes=scoring.score_bytes(test_songs, waveforms=4),
    )
    songs = pd.concat(scored, ignore_index=True)
    table1 = {
        "mixture": lambda mixture, vocals: mixture,
        "irm": lambda mixture, vocals: bounds.ratio_mask(vocals, abs(mixture - vocals)) * mixture,
        "mix_phase": lambda mixture, vocals: vocals,
    }
    metrics: dict[str, Any] = {}
    for name, estimate in table1.items():
        row = scoring.table1_scores(estimate, **stft.model_dump(), label=f"table1 of {name}")
        metrics[name] = scoring.summary(songs.query("estimate == @name"), row)
    metrics["songs"] = scoring.count_scored(songs.query("estimate == 'mixture'"))
    scoring.write_metrics(METRICS, metrics)
    fresh(tables.BOUNDS)
    songs.round({"value": 3}).to_csv(tables.BOUNDS, index=False)


if __name__ == "__main__":
    run(main)
