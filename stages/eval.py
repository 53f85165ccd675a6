"""eval: separate every test song and score it by the standard protocols and by that of Table I.

It is a separate stage because scores depend on how a network is applied as much as on its training,
but not on how they are presented.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import soundfile as sf

from stages import fresh, read_params, run, scoring, tables
from stages.schema.eval import Eval
from stages.schema.excerpts import Excerpts
from vocalseg.errors import BadInput
from vocalseg.estimator import Ensemble, Estimator
from vocalseg.excerpts import cut_excerpt
from vocalseg.parallel import parallel_map
from vocalseg.scores import standard
from vocalseg.separator import Separator
from vocalseg.songs import catalog, stems

MODEL = Path("models/unet.json")
METRICS, EXCERPTS = Path("metrics/eval.json"), Path("data/excerpts")


def estimates(
    separator: Separator, songs: list[catalog.Song]
) -> Iterator[tuple[catalog.Song, np.ndarray]]:
    """Yield each song with its estimated vocals, (samples, channels), at the song's rate."""
    for song in songs:
        mixture, _, rate = stems.read(catalog.song_path(song, scoring.RAW))
        vocals, _ = separator.separate(mixture, rate)
        if not np.isfinite(vocals).all():
            raise BadInput(
                f"{MODEL}: its estimate of {song.name!r} is not finite; train again with a lower "
                "train.learning_rate"
            )
        yield song, vocals


def score(
    separated: tuple[catalog.Song, np.ndarray], seconds: float
) -> tuple[pd.DataFrame, dict]:
    """Return the scores of one song, and the start and peak of its excerpt."""
    song, estimate = separated
    mixture, vocals, rate = stems.read(catalog.song_path(song, scoring.RAW))
    table = standard.score_song(mixture, vocals, estimate, rate)
    table.insert(0, "song", song.name)
    start, excerpt = cut_excerpt(mixture, vocals, estimate, rate, seconds)
    return table, {"song": song.name, "start": start, "peak": write(song.name, excerpt, rate)}


def table1(estimator: Estimator | Ensemble) -> dict[str, float]:
    """Return the scores by the protocol of Table I, which takes estimated magnitudes."""
    tiles = estimator.settings
    return scoring.table1_scores(
        lambda mixture, vocals: estimator.magnitudes(mixture),
        tiles.frame_size,
        tiles.hop,
        tiles.tile_frames,
        label="table1",
    )


def write(song: str, excerpt: dict[str, np.ndarray], rate: int) -> float:
    """Write an excerpt as 16-bit FLAC, divided by its peak if above 1; return the divisor."""
    peak = max(1.0, *(float(np.abs(waveform).max()) for waveform in excerpt.values()))
    folder = EXCERPTS / song
    folder.mkdir(parents=True)
    for stem, waveform in excerpt.items():
        sf.write(folder / f"{stem}.flac", waveform / peak, rate, subtype="PCM_16")
    return peak


def main():
    options, seconds = read_params(Eval), read_params(Excerpts).seconds
    separator = Separator.load(MODEL, **options.model_dump())
    test_songs = scoring.test_songs()
    fresh(tables.SONGS, EXCERPTS)
    # This process separates songs while worker processes score those already separated.
    results = parallel_map(
        partial(score, seconds=seconds),
        estimates(separator, test_songs),
        label="separate, score",
        total=len(test_songs),
        processes=True,
        item_bytes=scoring.score_bytes(test_songs, waveforms=3),  # mixture, vocals, estimate
    )
    scores, excerpts = zip(*results, strict=True)
    pd.DataFrame(excerpts).to_csv(EXCERPTS / "index.csv", index=False)
    songs = pd.concat(scores, ignore_index=True)
    metrics = scoring.summary(songs, table1(separator.estimator))
    metrics["songs"] = scoring.count_scored(songs)
    scoring.write_metrics(METRICS, metrics)

    floor = tables.read(tables.BOUNDS).query("estimate == 'mixture'")
    table = songs.merge(
        floor.drop(columns="estimate"),
        on=["song", "protocol", "metric"],
        suffixes=("", "_of_mixture"),
    )
    table["gain"] = table["value"] - table.pop("value_of_mixture")
    table.round({"value": 3, "gain": 3}).to_csv(tables.SONGS, index=False)


if __name__ == "__main__":
    run(main)
