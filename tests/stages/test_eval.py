"""eval, apart from what the small pipeline shows (tests/pipeline)."""

from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile as sf

from stages import eval as stage
from stages import scoring
from tests.report.conftest import NAMES, RATE, tone
from vocalseg.report.excerpts import STEMS, excerpt
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


def part(name: str):
    return excerpt(name, tone(200, 0.2), tone(400, 0.2), tone(300, 0.2), RATE, 1)


def test_an_estimate_of_nan_ends_with_one_line(song, rejects):
    with rejects("models/unet.json", "'A song'", "lower train.learning_rate"):
        list(stage.estimates(separator(np.nan), [song]))


def test_songs_are_separated_one_by_one_as_they_are_asked_for(song):
    songs = iter([song, None])
    found, vocals = next(stage.estimates(separator(0.5), songs))
    assert found is song
    assert next(songs) is None
    np.testing.assert_allclose(vocals, tone(200) / 2, atol=1e-4)


def test_a_song_is_scored_as_float_and_heard(song):
    exact = sf.read(scoring.RAW / "test/A song/vocals.wav", dtype="float32")[0]
    table, heard = stage.score((song, exact), seconds=0.5)
    sdr = table.query("protocol == 'global' and metric == 'sdr'")["value"].item()
    assert sdr == 100
    assert (heard.song, heard.seconds) == ("A song", 0.5)


def test_sound_lies_beside_the_page_when_it_is_not_to_be_published(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    heard = part(NAMES[0])
    links = stage.sources(heard, embed=False)
    for stem in STEMS:
        assert links[stem].isascii() and not set('"<> #?') & set(links[stem])
        assert Path("reports", unquote(links[stem])).read_bytes() == heard.sounds[stem]
    inside = stage.sources(heard, embed=True)
    assert all(uri.startswith("data:audio/ogg;base64,") for uri in inside.values())


def test_the_picture_is_of_the_real_song_or_else_of_the_first_by_name(monkeypatch):
    monkeypatch.setattr(stage.spectrograms, "figure", lambda levels, title, *_: title)
    assert stage.picture([part("B"), part("A")]) == "A"
    assert stage.picture([part("A"), part(stage.PICTURED)]) == stage.PICTURED
