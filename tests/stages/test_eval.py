"""The stage `eval`, except for what tests/pipeline covers."""

from types import SimpleNamespace

import numpy as np
import pytest
import soundfile as sf

from stages import eval as stage
from stages import scoring
from tests.report.conftest import RATE, tone
from vocalseg.songs.catalog import Song


@pytest.fixture
def song(tmp_path, monkeypatch) -> Song:
    monkeypatch.chdir(tmp_path)
    folder = scoring.RAW / "test/A song"
    folder.mkdir(parents=True)
    for stem, hz in (("mixture", 200), ("vocals", 400)):
        sf.write(folder / f"{stem}.wav", tone(hz), RATE)
    return Song("A song", "test", 1.0, RATE, 2, "", "test/A song")


def separator(value: float):
    return SimpleNamespace(separate=lambda mixture, rate: (mixture * value, mixture))


def test_nan_estimate_is_an_error_of_one_line(song, rejects):
    with rejects("models/unet.json", "'A song'", "lower train.learning_rate"):
        list(stage.estimates(separator(np.nan), [song]))


def test_songs_are_separated_lazily(song):
    songs = iter([song, None])
    found, vocals = next(stage.estimates(separator(0.5), songs))
    assert found is song
    assert next(songs) is None
    np.testing.assert_allclose(vocals, tone(200) / 2, atol=1e-4)


def test_song_is_scored_in_float_and_its_excerpt_is_written(song):
    exact = sf.read(scoring.RAW / "test/A song/vocals.wav", dtype="float32")[0]
    table, excerpt = stage.score((song, exact), seconds=0.5)
    sdr = table.query("protocol == 'global' and metric == 'sdr'")["value"].item()
    assert sdr == 100
    assert (excerpt["song"], excerpt["peak"]) == ("A song", 1)
    files = sorted(path.name for path in (stage.EXCERPTS / "A song").iterdir())
    assert files == ["estimate.flac", "mixture.flac", "vocals.flac"]


def test_excerpt_preserves_samples_above_full_scale(song):
    loud = {"mixture": 3 * tone(200), "vocals": tone(400), "estimate": tone(300)}
    peak = stage.write("Loud", loud, RATE)
    assert peak == 1  # the highest sample is 0.9
    loud["mixture"] *= 4
    peak = stage.write("Louder", loud, RATE)
    assert peak == np.abs(loud["mixture"]).max() > 1
    for stem, waveform in loud.items():
        kept, _ = sf.read(stage.EXCERPTS / f"Louder/{stem}.flac", dtype="float32")
        np.testing.assert_allclose(kept * peak, waveform, atol=2 * peak / 2**15)
