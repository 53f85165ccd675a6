"""What eval and bounds share: the test songs, Table I's tiles of them, how results are written."""

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

#: Memory that scoring takes beside the song's waveforms, and a call of Table I's protocol.
SCORE_BYTES, CALL_BYTES = 160 * 2**20, 400 * 2**20


def test_songs() -> list[catalog.Song]:
    """The songs to score, in the catalogue's order."""
    return [song for song in catalog.read(RAW / "catalog.csv") if song.split == "test"]


def score_bytes(songs: list[catalog.Song], waveforms: int) -> int:
    """Memory that scoring the longest song takes with as many float32 waveforms of its length."""
    values = max((round(s.seconds * s.sample_rate) * s.channels for s in songs), default=0)
    return SCORE_BYTES + 4 * waveforms * values


def table1_scores(
    estimates: Callable[[np.ndarray, np.ndarray], np.ndarray],
    frame_size: int,
    hop: int,
    tile_frames: int,
    label: str,
) -> dict[str, float]:
    """Table I's protocol over the test songs.

    Parameters
    ----------
    estimates : callable
        Mixture and vocal magnitudes of a song, each (n, bins, tile_frames), to the estimate's.
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
    """Say which songs have no score, by name; return how many have one.

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
    """The scores of one kind of estimate as they stand in ``metrics/``."""
    return {"table1": table1_row, **summarise(songs)}


def write_metrics(path: Path, values: dict) -> None:
    """Write dB values to 3 decimals; what is not defined is null."""
    fresh(path)
    path.write_text(json.dumps(_rounded(values), indent=2) + "\n")


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(v) for key, v in value.items()}
    if isinstance(value, float):
        return round(value, 3) if math.isfinite(value) else None
    return value
