"""Common parts of eval and bounds: test songs, the protocol of Table I, writing metrics."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from stages import fresh
from vocalseg import audio, spectrogram
from vocalseg.parallel import parallel_map
from vocalseg.scores import table1
from vocalseg.scores.summary import summarise
from vocalseg.songs import catalog

RAW, RESAMPLED = Path("data/raw"), Path("data/resampled/test")

#: Memory of scoring a song in addition to its waveforms, and of a call of Table I's protocol.
SCORE_BYTES, CALL_BYTES = 160 * 2**20, 400 * 2**20


def test_songs() -> list[catalog.Song]:
    """Return the songs to score, in the catalogue's order."""
    return [song for song in catalog.read(RAW / "catalog.csv") if song.split == "test"]


def score_bytes(songs: list[catalog.Song], waveforms: int) -> int:
    """Return the memory for scoring the longest song, with that many float32 waveforms."""
    values = max((round(s.seconds * s.sample_rate) * s.channels for s in songs), default=0)
    return SCORE_BYTES + 4 * waveforms * values


def table1_scores(
    estimates: Callable[[np.ndarray, np.ndarray], np.ndarray],
    frame_size: int,
    hop: int,
    tile_frames: int,
    label: str,
) -> dict[str, float]:
    """Compute the protocol of Table I over the test songs.

    Parameters
    ----------
    estimates : callable
        Function from the magnitudes of mixture and vocals of a song, each (n, bins, tile_frames),
        to those of the estimate.
    frame_size, hop, tile_frames : int
        Parameters of the STFT and the tiles.
    label : str
        Text of the progress bar.

    Returns
    -------
    dict
        ``sdr``, ``sir``, ``sar`` in dB.
    """

    def songs() -> Iterator[table1.Tiles]:
        for song in test_songs():
            spectra = [
                spectrogram.stft(
                    audio.read(RESAMPLED / song.name / f"{stem}.wav")[0][:, 0], frame_size, hop
                )
                for stem in ("mixture", "vocals")
            ]
            mixture, vocals = (spectrogram.tiles(np.abs(s), tile_frames) for s in spectra)
            phase = spectrogram.tiles(spectrogram.phase(spectra[0]), tile_frames)
            yield estimates(mixture, vocals), vocals, phase

    calls = table1.calls(table1.segments(songs(), hop))
    scores = parallel_map(
        table1.score, calls, label=label, unit="call", processes=True, item_bytes=CALL_BYTES
    )
    return table1.summarise(scores)


def count_scored(songs: pd.DataFrame) -> int:
    """Print the names of songs without scores; return the number of songs with scores.

    Parameters
    ----------
    songs : DataFrame
        ``song``, ``protocol``, ``metric``, ``value`` of one estimate of each song.
    """
    silent = songs.query("protocol == 'global' and metric == 'sdr' and value.isna()")["song"]
    for song in silent:
        print(f"left out: {song}: its vocals are silent throughout")
    undefined = songs.query("protocol == 'museval' and metric == 'sdr' and value.isna()")["song"]
    for song in sorted(set(undefined) - set(silent)):
        print(f"left out of museval: {song}: estimate or accompaniment is silent throughout")
    return songs["song"].nunique() - len(silent)


def summary(songs: pd.DataFrame, table1_row: dict[str, float]) -> dict:
    """Return the scores of one kind of estimate in the structure of ``metrics/``."""
    return {"table1": table1_row, **summarise(songs)}


def write_metrics(path: Path, values: dict) -> None:
    """Write dB values with 3 decimals; undefined values become null."""
    fresh(path)
    path.write_text(json.dumps(_rounded(values), indent=2) + "\n")


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value
