"""Synthetic songs: deterministic, in the format of real stems, sung, and hard to separate."""

import re
from functools import cache

import librosa
import numpy as np
import pytest
from scipy import signal

from vocalseg.songs.demo import SAMPLE_RATE, synthesise, title
from vocalseg.songs.demo.composition import compose
from vocalseg.songs.demo.score import Note, Singer, Syllable
from vocalseg.songs.demo.voice import sing

SEED, SECONDS, TEST_SONGS = 42, 20, range(100, 106)
STEMS = {"vocals", "drums", "bass", "other"}


@cache
def song(number: int) -> dict[str, np.ndarray]:
    return synthesise(SEED, number, SECONDS)


@cache
def vocals_and_mixture(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Mono, (samples,) each."""
    stems = {name: stem.mean(axis=1, dtype=float) for name, stem in song(number).items()}
    return stems["vocals"], sum(stems.values())


# ------------------------------------------------------------------ determinism and format


def test_same_seed_and_number_give_the_same_bytes():
    once, again = (synthesise(SEED, 100, 5) for _ in range(2))
    assert all(again[name].tobytes() == once[name].tobytes() for name in STEMS)


@pytest.mark.parametrize(("seed", "number"), [(SEED, 101), (SEED + 1, 100)])
def test_different_seed_or_number_gives_a_different_song(seed, number):
    other = synthesise(seed, number, 2)
    same = synthesise(SEED, 100, 2)
    assert not any(np.array_equal(other[name], same[name]) for name in STEMS)


@pytest.mark.parametrize("number", TEST_SONGS)
def test_stems_are_stereo_in_sixteen_bits(number):
    assert set(song(number)) == STEMS
    for stem in song(number).values():
        assert stem.shape == (SECONDS * SAMPLE_RATE, 2)
        assert stem.dtype == np.float32
        assert np.array_equal(stem * 32768, np.round(stem * 32768))
        assert np.abs(stem).max() <= 32767 / 32768
        assert np.sqrt(np.mean(stem**2)) > 0.005


@pytest.mark.parametrize("number", TEST_SONGS)
def test_mixture_is_loud_but_does_not_clip(number):
    assert 0.7 <= np.abs(sum(song(number).values())).max() <= 0.95


@pytest.mark.parametrize("seconds", [0.1, 1.0, 2.5])
def test_song_has_the_requested_length(seconds):
    stems = synthesise(SEED, 7, seconds)
    assert {stem.shape for stem in stems.values()} == {(round(seconds * SAMPLE_RATE), 2)}
    assert all(np.isfinite(stem).all() for stem in stems.values())


def test_titles_are_unique_and_consist_of_artist_and_song():
    titles = [title(SEED, number) for number in range(110)]
    assert len(set(titles)) == len(titles)
    assert all(re.fullmatch(r"[A-Za-z ]+ - [A-Za-z ]+", name) for name in titles)
    assert titles[0] == title(SEED, 0)


# ------------------------------------------------------------------ the voice


@pytest.mark.parametrize("number", TEST_SONGS)
def test_vocals_have_silent_rests_between_sung_phrases(number):
    vocals, _ = vocals_and_mixture(number)
    frames = vocals[: len(vocals) // 4410 * 4410].reshape(-1, 4410)  # 0.1 s each
    level = 20 * np.log10(np.sqrt(np.mean(frames**2, axis=1)) + 1e-6)
    level -= level.max()
    assert 0.3 < np.mean(level > -25) < 0.9
    silent = "".join("01"[int(quiet)] for quiet in level < -40)
    rests = [len(run) / 10 for run in re.findall("1+", silent)]
    assert sum(0.3 <= rest <= 3 for rest in rests) >= 2


def test_voice_sings_the_written_melody_with_vibrato():
    rng = np.random.default_rng([SEED, 100])
    singer, line = compose(SECONDS, rng).lines[0]
    f0 = track(sing(line, singer, SECONDS * SAMPLE_RATE, rng))
    errors, rates = [], []
    for syllable in line:
        note = syllable.note
        if note.seconds < 0.9 or note.start + note.seconds > SECONDS:
            continue
        pitch = f0[round((note.start + 0.3) * 172):round((note.start + note.seconds - 0.3) * 172)]
        errors.append(np.median(pitch) - note.pitch)
        rates.append(vibrato(pitch))
    assert len(errors) >= 3
    assert np.median(np.abs(errors)) < 0.3  # semitones
    assert np.median(rates) == pytest.approx(singer.rate, abs=1.2)
    assert np.ptp(np.round([s.note.pitch for s in line])) >= 5


SINGER = Singer(low=45, high=62, tract=1.0, breathiness=0.05, effort=0.6, rate=5.5, extent=0.5,
                delay=0.2, glide=0.03)


def sung(onset: str = "", vowel: str = "a", pitch: int = 48, **ornaments) -> np.ndarray:
    """One syllable from 0.5 s to 2 s, in 2.5 s of audio."""
    ornaments = {"scoop": 0.0, "fall": 0.0, "breath": False} | ornaments
    syllable = Syllable(Note(0.5, 1.5, pitch, 0.8), onset, vowel, vowel, "", **ornaments)
    return sing([syllable], SINGER, round(2.5 * SAMPLE_RATE), np.random.default_rng(1))


def energy(x: np.ndarray, low: float, high: float, start: float, stop: float) -> float:
    """Energy in dB between two frequencies (Hz) and two times (s)."""
    part = x[round(start * SAMPLE_RATE):round(stop * SAMPLE_RATE)]
    power = np.abs(np.fft.rfft(part)) ** 2
    f = np.fft.rfftfreq(len(part), 1 / SAMPLE_RATE)
    return 10 * np.log10(power[(f >= low) & (f < high)].sum() + 1e-12)


def track(x: np.ndarray) -> np.ndarray:
    """Pitch as MIDI number, with 172 values per second."""
    return librosa.hz_to_midi(librosa.yin(x, fmin=70, fmax=900, sr=SAMPLE_RATE,
                                          frame_length=2048, hop_length=256))


def vibrato(pitch: np.ndarray) -> float:
    """Strongest modulation rate above 3 Hz, in Hz."""
    spectrum = np.abs(np.fft.rfft(signal.detrend(pitch) * np.hanning(len(pitch)), 4096))
    rate = np.fft.rfftfreq(4096, 1 / 172.3)
    return float(rate[rate > 3][np.argmax(spectrum[rate > 3])])


def test_vibrato_starts_late_with_rate_and_extent_of_the_singer():
    pitch = track(sung())
    early, late = pitch[round(0.55 * 172):round(0.68 * 172)], pitch[172:round(1.9 * 172)]
    assert vibrato(late) == pytest.approx(SINGER.rate, abs=0.8)
    assert 1.4 * SINGER.extent < np.ptp(late) < 3 * SINGER.extent
    assert np.ptp(early) < 0.5 * np.ptp(late)


def test_vowels_differ_by_their_formants_at_the_same_pitch():
    def first_formant(x):  # energy above 500 Hz relative to that below
        return energy(x, 500, 1100, 0.8, 1.8) - energy(x, 150, 500, 0.8, 1.8)

    def second_formant(x):
        return energy(x, 1800, 2600, 0.8, 1.8) - energy(x, 600, 1600, 0.8, 1.8)

    assert first_formant(sung(vowel="a")) > first_formant(sung(vowel="i")) + 10
    assert second_formant(sung(vowel="i")) > second_formant(sung(vowel="u")) + 10


def test_fricative_is_noise_above_the_vowel_and_plosive_is_a_gap():
    assert (energy(sung("s"), 5000, 12000, 0.40, 0.49)
            > energy(sung(""), 5000, 12000, 0.40, 0.49) + 30)
    two = [Syllable(Note(start, 0.5, 48, 0.8), onset, "a", "a", "", 0.0, 0.0, False)
           for start, onset in ((0.5, ""), (1.0, "t"))]
    x = sing(two, SINGER, 2 * SAMPLE_RATE, np.random.default_rng(1))
    assert energy(x, 80, 16000, 0.910, 0.930) < energy(x, 80, 16000, 0.700, 0.720) - 20


def test_breath_precedes_a_phrase_and_scoop_starts_below_the_pitch():
    assert energy(sung(breath=True), 500, 6000, 0.25, 0.40) > energy(
        sung(), 500, 6000, 0.25, 0.40) + 30
    straight, scooped = (track(sung(scoop=s))[round(0.53 * 172)] for s in (0.0, 2.0))
    assert scooped < straight - 0.7


# ------------------------------------------------------------------ difficulty


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    target = (estimate @ reference) / (reference @ reference) * reference
    return 10 * np.log10(target @ target / np.sum((estimate - target) ** 2))


def best_band_pass(mixture: np.ndarray, vocals: np.ndarray) -> float:
    """SI-SDR in dB of the best ideal band-pass filter of a grid, computed from the spectra."""
    f = np.fft.rfftfreq(len(vocals), 1 / SAMPLE_RATE)
    m, v = np.fft.rfft(mixture), np.fft.rfft(vocals)
    cross = np.cumsum(np.real(m * v.conj()))
    power = np.cumsum(np.abs(m) ** 2)
    target = np.sum(np.abs(v) ** 2)
    scores = []
    for low in (20, 60, 80, 100, 120, 150, 180, 220, 260, 300, 350, 400, 450, 500, 600, 700):
        for high in (900, 1000, 1200, 1500, 2000, 2500, 3000, 4000, 5000, 6000, 8000, 12000, 22000):
            i, j = np.searchsorted(f, (low, high))
            common = (cross[j] - cross[i]) ** 2 / target
            scores.append(10 * np.log10(common / (power[j] - power[i] - common)))
    return max(scores)


def ideal_ratio_mask(mixture: np.ndarray, vocals: np.ndarray) -> float:
    """SI-SDR in dB of the mixture masked by |V|^2 / (|V|^2 + |A|^2), at 11,025 Hz."""
    mixture, vocals = (signal.resample_poly(x, 1, 4) for x in (mixture, vocals))
    frames = {"fs": SAMPLE_RATE / 4, "window": "hann", "nperseg": 1024, "noverlap": 768}
    m, v = (signal.stft(x, **frames)[2] for x in (mixture, vocals))
    mask = np.abs(v) ** 2 / (np.abs(v) ** 2 + np.abs(m - v) ** 2 + 1e-12)
    estimate = signal.istft(mask * m, **frames)[1][: len(vocals)]
    return si_sdr(estimate, vocals)


@pytest.mark.parametrize("number", TEST_SONGS)
def test_vocals_are_neither_too_loud_nor_too_quiet_in_the_mixture(number):
    vocals, mixture = vocals_and_mixture(number)
    assert -8 < si_sdr(mixture, vocals) < 2


@pytest.mark.parametrize("number", TEST_SONGS)
def test_no_fixed_band_pass_separates_the_vocals(number):
    vocals, mixture = vocals_and_mixture(number)
    assert best_band_pass(mixture, vocals) - si_sdr(mixture, vocals) < 2


@pytest.mark.parametrize("number", TEST_SONGS)
def test_ideal_ratio_mask_separates_the_vocals(number):
    vocals, mixture = vocals_and_mixture(number)
    assert ideal_ratio_mask(mixture, vocals) > 8
