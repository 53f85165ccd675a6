"""Songs on disk: stems are found, compared with each other, and read."""

import numpy as np
import pytest
import soundfile as sf

from vocalseg.songs import stems

RATE = 44100


def put(folder, name, samples=RATE, channels=2, rate=RATE, seed=0):
    folder.mkdir(parents=True, exist_ok=True)
    waveform = np.random.default_rng(seed).uniform(-0.5, 0.5, (samples, channels))
    sf.write(folder / name, waveform, rate)
    return folder / name


def make_song(folder, mixture="mixture.wav", vocals="vocals.wav", **vocals_form):
    put(folder, mixture, seed=1)
    put(folder, vocals, **{"seed": 2} | vocals_form)
    return folder


@pytest.fixture
def song(tmp_path):
    return tmp_path / "Björk – Jóga 🎤, live"


# ------------------------------------------------------------------ usable songs


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_stem_is_found_in_every_format(song, suffix):
    make_song(song, mixture=f"mixture.{suffix}")
    assert stems.stem_file(song, "mixture") == song / f"mixture.{suffix}"


def test_both_stems_of_a_song_are_read(song):
    make_song(song)
    mixture, vocals, rate = stems.read(song)
    assert rate == RATE
    for waveform, name in ((mixture, "mixture.wav"), (vocals, "vocals.wav")):
        assert waveform.dtype == np.float32
        np.testing.assert_array_equal(waveform, sf.read(song / name, dtype="float32")[0])
    assert stems.check(song) == (RATE, RATE, 2)


def test_mono_songs_have_one_column(song):
    put(song, "mixture.wav", channels=1)
    put(song, "vocals.wav", channels=1)
    mixture, vocals, _ = stems.read(song)
    assert mixture.shape == vocals.shape == (RATE, 1)
    assert stems.check(song) == (RATE, RATE, 1)


def test_other_files_in_the_folder_are_ignored(song):
    make_song(song)
    put(song, "drums.wav")
    put(song, "vocals (old).wav")
    (song / "mixture.txt").write_text("notes")
    assert stems.check(song) == (RATE, RATE, 2)


@pytest.mark.parametrize("difference", [-4410, -1, 1, 4410])
def test_stems_that_differ_by_encoder_padding_are_cut_to_the_shorter(song, difference):
    make_song(song, samples=RATE + difference)
    mixture, vocals, _ = stems.read(song)
    assert mixture.shape == vocals.shape == (min(RATE, RATE + difference), 2)
    assert stems.check(song)[0] == len(mixture)
    start = sf.read(song / "vocals.wav", dtype="float32")[0][: len(vocals)]
    np.testing.assert_array_equal(vocals, start)  # cut at the end and not shifted


# ------------------------------------------------------------------ unusable songs


@pytest.mark.parametrize("missing", ["mixture", "vocals"])
def test_song_without_a_stem_is_an_error(song, rejects, missing):
    make_song(song)
    (song / f"{missing}.wav").unlink()
    for use in (stems.check, stems.read):
        with rejects(song, f"no {missing} stem", ".wav", ".flac", ".mp3", ".ogg"):
            use(song)


@pytest.mark.parametrize("stem", ["mixture", "vocals"])
def test_two_files_for_one_stem_are_an_error(song, rejects, stem):
    make_song(song)
    put(song, f"{stem}.flac")
    with rejects(song, f"{stem}.wav", f"{stem}.flac", "keep one"):
        stems.check(song)


@pytest.mark.parametrize("difference", [-4411, 4411, RATE])
def test_stems_of_different_lengths_are_an_error(song, rejects, difference):
    make_song(song, samples=RATE + difference)
    for use in (stems.check, stems.read):
        with rejects(song / "vocals.wav", "s long"):
            use(song)


def test_stems_of_different_rates_are_an_error(song, rejects):
    make_song(song, rate=48000)
    with rejects(song / "vocals.wav", "48000 Hz", "44100 Hz"):
        stems.check(song)


def test_stems_of_different_channels_are_an_error(song, rejects):
    make_song(song, channels=1)
    with rejects(song / "vocals.wav", "1 channel", "2"):
        stems.check(song)


def test_more_than_two_channels_are_an_error(song, rejects):
    for stem in ("mixture", "vocals"):
        put(song, f"{stem}.wav", channels=3)
    with rejects(song / "mixture.wav", "3 channels", "stereo"):
        stems.check(song)


@pytest.mark.parametrize("stem", ["mixture", "vocals"])
@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_stem_without_samples_is_an_error(song, rejects, stem, suffix):
    make_song(song)
    (song / f"{stem}.wav").unlink()
    path = put(song, f"{stem}.{suffix}", samples=0)
    with rejects(path):
        stems.check(song)


@pytest.mark.parametrize("stem", ["mixture", "vocals"])
@pytest.mark.parametrize("size", [0, 20, 1000, 100_000])
def test_truncated_stem_is_an_error(song, rejects, stem, size):
    make_song(song)
    path = song / f"{stem}.wav"
    path.write_bytes(path.read_bytes()[:size])
    for use in (stems.check, stems.read):
        with rejects(path):
            use(song)


def test_truncated_flac_stem_is_an_error_when_read(song, rejects):
    path = make_song(song, mixture="mixture.flac") / "mixture.flac"
    path.write_bytes(path.read_bytes()[:100_000])
    with rejects(path):
        stems.read(song)


@pytest.mark.parametrize("stem", ["mixture", "vocals"])
def test_non_finite_samples_are_an_error_when_read(song, rejects, stem):
    make_song(song)
    waveform = np.zeros((RATE, 2))
    waveform[7] = np.nan
    sf.write(song / f"{stem}.wav", waveform, RATE, subtype="FLOAT")
    with rejects(song / f"{stem}.wav", "NaN"):
        stems.read(song)
