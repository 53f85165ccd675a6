"""Mixed examples: rows of the table, or random remixes that depend on seed and epoch only."""

import librosa
import numpy as np
import pandas as pd
import pytest
import soxr

from vocalseg import scaling, spectrogram
from vocalseg.frames import frame_spectra, spectrum
from vocalseg.loader import TileStore
from vocalseg.mixed_store import MixedStore
from vocalseg.mixing import Mixer, MixingOptions

FRAME, HOP, FRAMES = 64, 16, 16
BINS, RATE = FRAME // 2, 8000
SONGS, TILES = 3, 4


def make_songs():
    rng = np.random.default_rng(7)
    songs = {}
    for number in range(SONGS):
        vocals, rest = rng.standard_normal((2, TILES * FRAMES * HOP + 37)).astype(np.float32)
        songs[f"song {number}"] = vocals + rest, vocals
    return songs


def make_tiles():
    return pd.DataFrame(
        [(f"song {s}", t * FRAMES) for s in range(SONGS) for t in range(TILES)],
        columns=["track", "first_frame"],
    )


def make_rows():
    rows = [("original", tile, -1) for tile in range(SONGS * TILES)]
    rows += [("splice", tile, -1) for tile in (0, 5, 8)]
    rows += [("blackout", tile, start) for tile, start in ((2, 3), (3, 0))]
    return pd.DataFrame(rows, columns=["kind", "tile", "blackout_start"])


def mixer(seed=1, **options):
    sizes = {"frame_size": FRAME, "hop": HOP, "frames": FRAMES}
    return Mixer(
        make_songs(), make_tiles(), make_rows(), **sizes, mixing=MixingOptions(**options), seed=seed
    )


def magnitudes_of_tiles():
    """Magnitudes of all tiles, as from the stage `stft_tile`."""
    return [
        np.concatenate(
            [
                spectrogram.tiles(np.abs(spectrogram.stft(song[stem], FRAME, HOP)), FRAMES)
                for song in make_songs().values()
            ]
        )
        for stem in (0, 1)
    ]


# ------------------------------------------------------------------ without randomness


@pytest.mark.parametrize("epoch", [None, 3])
@pytest.mark.parametrize(
    ("axis", "scaler"), [("frequency", "minmax"), ("time", "robust"), ("time", "log")]
)
def test_examples_without_mixing_equal_those_of_the_tile_store(axis, scaler, epoch):
    magnitudes = magnitudes_of_tiles()
    log = scaler in scaling.LOGARITHMIC
    statistics = scaling.statistics(magnitudes[0], axis, scaler)
    tiles = TileStore(*magnitudes, *statistics, rescale=(axis, scaler), log=log)
    rows = make_rows()
    made = MixedStore(mixer(), axis, scaler).batch(rows, ("target",), epoch)
    for name, expected in tiles.batch(rows).items():
        np.testing.assert_allclose(made[name], expected, atol=2e-4)


def test_splice_takes_its_second_tile_from_the_table():
    rows = make_rows()[12:13].assign(next=7)
    made = mixer().spectra(rows)[0].sum(axis=0)
    tiles = magnitudes_of_tiles()[0]
    expected = np.hstack([tiles[0][:, FRAMES // 2 :], tiles[7][:, : FRAMES // 2]])
    np.testing.assert_allclose(np.abs(made), expected, atol=1e-4)


def test_accompaniment_is_the_mixture_minus_the_vocals():
    songs = make_songs()
    vocals, rest = mixer().spectra(make_rows()[:1])[0]
    mix, voice = songs["song 0"]
    for found, wave in ((vocals, voice), (rest, mix - voice)):
        expected = librosa.stft(wave, n_fft=FRAME, hop_length=HOP, pad_mode="constant")
        np.testing.assert_allclose(found, expected[:-1, :FRAMES], atol=1e-4)


# ------------------------------------------------------------------ with randomness


ALL = {
    "remix": 0.5, "gain": 6.0, "crop": "random", "pitch": 2.0, "tempo": 0.1, "tones": 0.5,
    "noise": 0.5,
}  # fmt: skip


def test_examples_depend_on_seed_epoch_and_row_only():
    rows = make_rows()
    whole = mixer(**ALL).spectra(rows, 4)
    for order in (rows[::-1], rows.sample(frac=0.5, random_state=3)):
        for part in (order[:3], order[3:]):
            found = mixer(**ALL).spectra(part, 4)
            np.testing.assert_array_equal(found, whole[part.index])
    others = [mixer(**ALL).spectra(rows, 5), mixer(seed=2, **ALL).spectra(rows, 4)]
    assert all((other != whole).any(axis=(1, 2, 3)).all() for other in others)


@pytest.mark.parametrize("option", ALL)
def test_validation_examples_are_never_mixed(option):
    plain = mixer().spectra(make_rows())
    np.testing.assert_array_equal(mixer(**{option: ALL[option]}).spectra(make_rows()), plain)


def test_remix_has_its_own_vocals_and_the_accompaniment_of_another_song():
    rows = make_rows()[:12]
    plain = mixer().spectra(make_rows())
    made = np.concatenate([mixer(remix=1.0).spectra(rows, epoch) for epoch in range(20)])
    sources = []
    for example, own in zip(made, np.tile(np.arange(12), 20), strict=True):
        np.testing.assert_array_equal(example[0], plain[own, 0])
        (equal,) = np.nonzero([np.array_equal(example[1], p) for p in plain[:15, 1]])
        assert len(equal) <= 1  # rows with a blackout lend their sources without it
        sources += [(own, source) for source in equal]
    song = np.r_[np.arange(12) // TILES, [0, 1, 2]]
    assert all(song[own] != song[source] for own, source in sources)
    assert len({source for _, source in sources}) == 15


def test_remix_sets_the_fraction_of_remixes():
    rows, plain = make_rows()[:12], mixer().spectra(make_rows()[:12])
    changed = [
        (mixer(remix=0.25).spectra(rows, epoch)[:, 1] != plain[:, 1]).any(axis=(1, 2))
        for epoch in range(40)
    ]
    assert np.mean(changed) == pytest.approx(0.25, abs=0.06)


def test_single_song_is_never_remixed():
    rows = make_rows()[:TILES]
    one = Mixer(make_songs(), make_tiles()[:TILES], rows, frame_size=FRAME, hop=HOP,
                frames=FRAMES, mixing=MixingOptions(remix=1.0))  # fmt: skip
    np.testing.assert_array_equal(one.spectra(rows, 0), mixer().spectra(rows))


def test_gain_is_uniform_in_decibels_and_independent_for_each_source():
    rows, plain = make_rows()[:12], mixer().spectra(make_rows()[:12])
    gains = []
    for epoch in range(40):
        ratio = mixer(gain=6.0).spectra(rows, epoch) / plain
        np.testing.assert_allclose(ratio, ratio[..., :1, :1].repeat(1, -1) + 0 * ratio, rtol=1e-3)
        gains.append(20 * np.log10(np.abs(ratio[..., 0, 0])))
    gains = np.concatenate(gains)
    assert np.abs(gains).max() <= 6.001
    np.testing.assert_allclose(gains.mean(axis=0), 0, atol=0.5)
    np.testing.assert_allclose(gains.std(axis=0), 12 / np.sqrt(12), atol=0.3)
    assert abs(np.corrcoef(gains.T)[0, 1]) < 0.15


def test_random_crops_start_up_to_half_a_tile_from_the_grid():
    rows = make_rows()[1:3]
    mix = make_songs()["song 0"][0]
    reach = FRAMES * HOP // 2
    found = []
    for epoch in range(6):
        for tile, example in zip((1, 2), mixer(crop="random").spectra(rows, epoch), strict=True):
            grid = tile * FRAMES * HOP
            (start,) = [
                s
                for s in range(grid - reach, grid + reach + 1)
                if np.allclose(example.sum(axis=0), centered_frames(mix, s), atol=1e-3)
            ]
            found.append(start - grid)
    assert len(set(found)) > 8
    assert max(found) > reach / 4 and min(found) < -reach / 4


def centered_frames(wave, start):
    """Spectra of frames centered at start, start + hop …, from the definition."""
    padded = np.pad(wave, FRAME)
    window = spectrogram.hann(FRAME)
    pieces = [padded[start + FRAME // 2 + i * HOP :][:FRAME] * window for i in range(FRAMES)]
    return np.fft.rfft(pieces).T[:-1]


def test_crops_stay_within_the_song():
    rows = make_rows()[:12]
    for epoch in range(5):
        made = np.abs(mixer(crop="random").spectra(rows, epoch).sum(axis=1))
        assert (made.mean(axis=1) > 0.5).all()  # songs are noise, so no frame is silent


@pytest.mark.parametrize("level", [-20.0, -6.0])
def test_noise_and_tones_have_the_given_level_relative_to_the_mixture(level):
    rows, plain = make_rows()[:12], mixer().spectra(make_rows()[:12])
    for option in ("tones", "noise"):
        made = mixer(**{option: 1.0}, level=level).spectra(rows, 0)
        np.testing.assert_array_equal(made[:, 0], plain[:, 0])  # the vocals
        added = made[:, 1] - plain[:, 1]
        energy = [np.square(np.abs(x)).sum(axis=(1, 2)) for x in (added, plain.sum(axis=1))]
        np.testing.assert_allclose(10 * np.log10(energy[0] / energy[1]), level, atol=0.01)
        power = np.square(np.abs(added)).mean(axis=2)
        power /= power.sum(axis=1, keepdims=True)
        if option == "tones":  # energy is in the main lobe of the Hann window
            assert (np.sort(power, axis=1)[:, -4:].sum(axis=1) > 0.99).all()
            assert len(set(power.argmax(axis=1))) > 6
        else:
            assert power.max() < 0.2


# ------------------------------------------------------------------ pitch and tempo


def tone(frequency, seconds=1.0):
    return np.sin(2 * np.pi * frequency * np.arange(round(seconds * RATE)) / RATE)


def pitch(magnitudes):
    """Frequency in Hz: vertex of a parabola through the mean frame's peak and its neighbors."""
    level = np.log(magnitudes.mean(axis=1) + 1e-12)
    top = level[1:-1].argmax() + 1
    low, mid, high = level[top - 1 : top + 2]
    return (top + (low - high) / (low - 2 * mid + high) / 2) * RATE / 512


@pytest.mark.parametrize("semitones", [-3.0, 0.0, 0.7, 4.0])
@pytest.mark.parametrize("tempo", [0.8, 1.0, 1.25])
def test_transposition_by_a_semitone_is_the_twelfth_root_of_two(semitones, tempo):
    wave = tone(440).astype(np.float32)
    found = np.abs(spectrum(wave, None, 2000, 16, 512, 128, semitones, tempo))
    assert pitch(found) == pytest.approx(440 * 2 ** (semitones / 12), rel=2e-3)
    shifted = librosa.effects.pitch_shift(wave, sr=RATE, n_steps=semitones)
    theirs = np.abs(librosa.stft(shifted, n_fft=512, hop_length=128))[:-1, 16:32]
    assert pitch(found) == pytest.approx(pitch(theirs), rel=1e-2)
    np.testing.assert_allclose(found.max(), theirs.max(), rtol=0.15)


@pytest.mark.parametrize("semitones", [0.0, 3.0])
@pytest.mark.parametrize("tempo", [0.8, 1.0, 1.25])
def test_click_comes_earlier_at_a_faster_tempo(semitones, tempo):
    wave = np.zeros(RATE, np.float32)
    wave[4000] = 1
    found = np.abs(spectrum(wave, None, 1000, 80, 512, 64, semitones, tempo)).sum(axis=0)
    expected = (4000 - 1000) / (tempo * 2 ** (semitones / 12)) / 64
    assert (found @ np.arange(80)) / found.sum() == pytest.approx(expected, abs=0.6)


def test_transposed_song_equals_the_resampled_song(rng):
    noise = rng.standard_normal(4000)
    wave = np.convolve(noise, np.hanning(16), "same").astype(np.float32)  # weak high bins
    faster = soxr.resample(wave, 2 ** (3 / 12), 1.0, quality="HQ")
    whole = librosa.stft(faster, n_fft=64, hop_length=16, pad_mode="constant")[:-1, 20:30]
    found = spectrum(wave, None, round(20 * 16 * 2 ** (3 / 12)), 10, 64, 16, 3.0)
    # The frames are at most half a sample away from those of the whole song.
    assert np.abs(np.abs(found) - np.abs(whole)).mean() < 0.03 * np.abs(whole).mean()
    waveform, theirs = (librosa.istft(np.pad(s, ((0, 1), (0, 0))), hop_length=16)
                        for s in (found, whole))  # fmt: skip
    lags = [np.corrcoef(waveform[8:-8], np.roll(theirs, lag)[8:-8])[0, 1] for lag in (-1, 0, 1)]
    assert max(lags) > 0.95  # phases of consecutive frames are consistent


def test_changed_tempo_equals_the_phase_vocoder_of_librosa():
    rng = np.random.default_rng(3)
    wave = sum(tone(f) * np.linspace(a, b, RATE) for f, a, b in rng.uniform(0, 1, (4, 3))
               * [3000, 1, 1] + [200, 0, 0]).astype(np.float32)  # fmt: skip
    found = np.abs(spectrum(wave, None, 0, 30, 512, 128, 0.0, 1.5))
    whole = librosa.stft(wave, n_fft=512, hop_length=128, pad_mode="constant")
    theirs = np.abs(librosa.phase_vocoder(whole, rate=1.5, hop_length=128))[:-1, :30]
    assert np.abs(found - theirs).mean() < 0.03 * theirs.mean() + 0.02


def test_frames_of_sources_add_up_at_any_pitch_and_tempo():
    vocals, rest = np.random.default_rng(0).standard_normal((2, 3000)).astype(np.float32)
    for semitones, tempo in ((0, 1), (2.5, 0.9)):
        parts = [spectrum(w, None, 100, 8, 64, 16, semitones, tempo) for w in (vocals, rest)]
        both = spectrum(vocals + rest, None, 100, 8, 64, 16, semitones, tempo)
        np.testing.assert_allclose(sum(parts), both, atol=1e-4)


def test_frames_at_any_start_equal_those_of_a_loop(rng):
    wave = rng.standard_normal(300).astype(np.float32)
    starts = np.array([0, 17, 50, 51, 236])
    expected = [np.fft.rfft(wave[s : s + 64] * np.hanning(65)[:-1]) for s in starts]
    np.testing.assert_allclose(frame_spectra(wave, starts, 64), np.transpose(expected), atol=1e-4)
