"""Separation of whole songs, with plain functions as networks."""

import librosa
import numpy as np
import pytest

from vocalseg import scaling, wiener
from vocalseg.errors import BadInput
from vocalseg.estimator import Ensemble, Estimator
from vocalseg.model_file import Settings
from vocalseg.separator import Separator

SMALL = Settings(11025, 64, 16, 16, "frequency", "max", 4, 2)
PAPER = Settings(11025, 1024, 256, 128, "frequency", "minmax", 64, 4)
HOP = 4 * SMALL.hop  # at 44,100 Hz
TILE = (SMALL.tile_frames - 1) * HOP  # samples that fill exactly one tile of centered frames
CD = 44100


def song(rng, samples=20000, channels=2):
    return rng.uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


def change(settings, **values):
    return Settings(**{**vars(settings), **values})


def identity(tiles):
    return tiles


def zeros(tiles):
    return np.zeros_like(tiles)


def half(tiles):
    return tiles / 2


def some_network(tiles):
    """A deterministic function that is neither linear nor symmetric."""
    pattern = np.random.default_rng(7).uniform(-0.5, 1.5, tiles.shape[1:]).astype(np.float32)
    return tiles * pattern + 0.1 * np.roll(tiles, 3, axis=1) ** 2


def make_separator(network, settings, **options):
    return Separator(Estimator(network, settings), **options)


def rms_ratio(signal, other):
    return np.sqrt(np.mean(signal**2) / np.mean(other**2))


# ------------------------------------------------------------------ masks


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("scaler", ["max", "minmax", "robust"])
@pytest.mark.parametrize("axis", ["frequency", "time"])
def test_identity_network_leaves_no_accompaniment(rng, overlap, scaler, axis):
    settings = change(SMALL, scaler=scaler, axis=axis)
    mixture = song(rng, channels=1)
    separator = make_separator(identity, settings, overlap=overlap)
    vocals, accompaniment = separator.separate(mixture, CD)
    np.testing.assert_allclose(vocals, mixture, atol=1e-4)
    np.testing.assert_allclose(accompaniment, 0, atol=1e-4)


def test_identity_network_leaves_no_accompaniment_in_stereo_at_the_papers_size(rng):
    mixture = song(rng, 5 * CD)
    vocals, accompaniment = make_separator(identity, PAPER).separate(mixture, CD)
    assert rms_ratio(vocals - mixture, mixture) < 1e-4
    assert rms_ratio(accompaniment, mixture) < 1e-4


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("samples", [1, 441, TILE, 20000])
def test_network_of_zeros_leaves_no_vocals(rng, overlap, samples):
    mixture = song(rng, samples)
    vocals, accompaniment = make_separator(zeros, SMALL, overlap=overlap).separate(mixture, CD)
    assert not vocals.any()
    np.testing.assert_array_equal(accompaniment, mixture)


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("samples", [1, 441, TILE, 8 * 16 * HOP, 20000])
def test_half_of_the_magnitude_gives_half_of_the_waveform_up_to_both_ends(rng, overlap, samples):
    """The crossfade of adjacent tiles has constant gain, including both ends of the song."""
    mixture = song(rng, samples, 1)
    vocals, _ = make_separator(half, SMALL, overlap=overlap).separate(mixture, CD)
    np.testing.assert_allclose(vocals, mixture / 2, atol=1e-4)


def test_mask_is_clipped_to_zero_and_one(rng):
    mixture = song(rng, channels=1)
    vocals, _ = make_separator(lambda tiles: 5 * tiles, SMALL).separate(mixture, CD)
    np.testing.assert_allclose(vocals, mixture, atol=1e-5)
    vocals, _ = make_separator(lambda tiles: -tiles, SMALL).separate(mixture, CD)
    assert not vocals.any()


def test_channels_share_one_mask(rng):
    left = song(rng, channels=1)
    mixture = np.hstack([left, 0.25 * left])
    vocals, _ = make_separator(some_network, SMALL).separate(mixture, CD)
    np.testing.assert_allclose(vocals[:, 1], 0.25 * vocals[:, 0], atol=1e-6)


def tones(*hertz):
    time = np.arange(CD) / CD
    return sum(0.2 * np.sin(2 * np.pi * f * time) for f in hertz).astype(np.float32)


def level(waveform, hertz):
    """Amplitude of a tone in the middle half of a waveform of one second."""
    middle = slice(CD // 4, 3 * CD // 4)
    time = np.arange(CD)[middle] / CD
    return 2 * np.abs(np.mean(waveform[middle] * np.exp(-2j * np.pi * hertz * time)))


def test_mask_is_extended_above_the_band_of_the_network():
    mixture = tones(1000, 5000, 8000)
    separator = make_separator(half, change(PAPER, scaler="max"), extend=True)
    vocals, accompaniment = separator.separate(mixture, CD)
    for hertz in (1000, 5000, 8000):
        assert level(vocals, hertz) == pytest.approx(0.1, rel=0.02)
        assert level(accompaniment, hertz) == pytest.approx(0.1, rel=0.02)


def test_extension_is_the_mean_mask_of_the_upper_quarter_of_the_band():
    """Bins below this quarter and silent bins within it have no effect."""
    tone = round(4800 / (11025 / 1024))

    def network(tiles):
        mask = np.zeros((512, 1, 1), np.float32)
        mask[:384] = 1
        mask[tone - 10 : tone + 11] = 0.5
        return tiles * mask

    separator = make_separator(network, change(PAPER, scaler="max"), extend=True)
    vocals, _ = separator.separate(tones(1000, 4800, 8000), CD)
    assert level(vocals, 1000) == pytest.approx(0.2, rel=0.02)
    assert level(vocals, 8000) == pytest.approx(0.1, rel=0.05)


@pytest.mark.parametrize("network", [half, identity])
def test_upper_band_is_accompaniment_without_extension(network):
    mixture = tones(1000, 8000)
    separator = make_separator(network, change(PAPER, scaler="max"), extend=False)
    vocals, accompaniment = separator.separate(mixture, CD)
    expected = 0.1 if network is half else 0.2
    assert level(vocals, 1000) == pytest.approx(expected, rel=0.02)
    assert level(vocals, 8000) < 1e-4
    assert level(accompaniment, 8000) == pytest.approx(0.2, rel=0.01)


# ------------------------------------------------------------------ output = magnitude


def direct(network, settings=PAPER, **options):
    return make_separator(network, settings, output="magnitude", **options)


@pytest.mark.parametrize("axis", ["frequency", "time"])
def test_magnitude_output_is_the_estimate_with_the_phase_of_the_mixture(rng, axis):
    """Compared with librosa at the network's rate; estimates are not clipped."""
    settings = change(PAPER, sample_rate=44100, axis=axis, scaler="max")
    mixture = like_music(rng, 127 * 256)[:, 0]  # one tile of centered frames
    vocals, accompaniment = direct(some_network, settings, extend=False).separate(mixture, CD)

    spectrum = librosa.stft(mixture, n_fft=1024, hop_length=256)
    magnitude, phase = librosa.magphase(spectrum)
    tile = magnitude[np.newaxis, :512]
    statistics = scaling.statistics(tile, axis, "max")
    scaled = some_network(scaling.apply(tile, *statistics)[..., np.newaxis])[..., 0]
    estimate = scaling.undo(scaled, *statistics)[0]
    assert (estimate < 0).any() and (estimate > tile[0]).any()
    expected = np.zeros_like(spectrum)
    expected[:512] = estimate * phase[:512]
    expected = librosa.istft(expected, hop_length=256, length=len(mixture))
    assert rms_ratio(vocals - expected, expected) < 1e-4
    np.testing.assert_allclose(vocals + accompaniment, mixture, atol=1e-6)


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("samples", [441, TILE, 8 * 16 * HOP, 30011])
def test_outputs_are_equal_for_mono_songs_if_the_mask_is_not_clipped(rng, samples, overlap):
    mixture = song(rng, samples, 1)
    by_mask, _ = make_separator(half, SMALL, overlap=overlap).separate(mixture, CD)
    by_magnitude, _ = direct(half, SMALL, overlap=overlap).separate(mixture, CD)
    np.testing.assert_allclose(by_magnitude, by_mask, atol=1e-5)


def test_magnitude_output_within_the_band_is_the_same_in_all_channels():
    left, right = tones(1000, 8000), tones(2000, 8000)
    mixture = np.stack([left, right], axis=1)
    vocals, _ = direct(identity, change(PAPER, scaler="max"), extend=False).separate(mixture, CD)
    np.testing.assert_allclose(vocals[:, 0], vocals[:, 1], atol=1e-6)
    for hertz in (1000, 2000):
        assert level(vocals[:, 0], hertz) == pytest.approx(0.1, rel=0.02)
    assert level(vocals[:, 0], 8000) < 1e-4


def test_magnitude_output_is_extended_by_the_mask_above_the_band():
    mixture = tones(1000, 4800, 8000)
    vocals, _ = direct(half, change(PAPER, scaler="max"), extend=True).separate(mixture, CD)
    for hertz in (1000, 4800, 8000):
        assert level(vocals, hertz) == pytest.approx(0.1, rel=0.05)


def test_magnitude_output_is_silent_where_the_mixture_is_silent(rng):
    loud = song(rng, 20000)
    mixture = np.concatenate([loud, np.zeros_like(loud)])
    vocals, _ = direct(lambda tiles: tiles + 1, SMALL).separate(mixture, CD)
    assert vocals[:15000].any()
    assert not vocals[25000:].any()


def test_unknown_output_is_an_error():
    with pytest.raises(ValueError, match="output 'phase'"):
        make_separator(identity, SMALL, output="phase")


# ------------------------------------------------------------------ lengths, rates and channels


LENGTHS = {
    "one sample": 1,
    "10 ms": 441,
    "shorter than a tile": TILE - 100,
    "almost one tile": TILE - 1,
    "exactly one tile": TILE,
    "one tile and a bit": TILE + HOP,
    "almost eight tiles": (8 * 16 - 1) * HOP - 1,
    "eight tiles": (8 * 16 - 1) * HOP,
    "eight tiles and a frame": 8 * 16 * HOP,
    "sixteen tiles": (16 * 16 - 1) * HOP,
    "more": 30011,
}


@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("samples", LENGTHS.values(), ids=LENGTHS)
def test_vocals_and_accompaniment_add_up_to_the_song(rng, samples, overlap):
    mixture = song(rng, samples)
    separator = make_separator(some_network, SMALL, overlap=overlap)
    vocals, accompaniment = separator.separate(mixture, CD)
    assert vocals.shape == accompaniment.shape == mixture.shape
    assert vocals.dtype == accompaniment.dtype == np.float32
    np.testing.assert_allclose(vocals + accompaniment, mixture, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
@pytest.mark.parametrize("samples", [1, 10, 500, 30000])
def test_stems_add_up_to_the_song_at_every_sample_rate(rng, rate, samples):
    mixture = song(rng, samples)
    vocals, accompaniment = make_separator(some_network, SMALL).separate(mixture, rate)
    assert vocals.shape == accompaniment.shape == mixture.shape
    assert np.isfinite(vocals).all()
    np.testing.assert_allclose(vocals + accompaniment, mixture, atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 48000])
def test_vocals_are_aligned_with_the_song_at_other_sample_rates(rate):
    mixture = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate).astype(np.float32)
    vocals, _ = make_separator(identity, SMALL).separate(mixture, rate)
    middle = slice(rate // 10, -rate // 10)
    np.testing.assert_allclose(vocals[middle], mixture[middle], atol=1e-3)


def test_one_dimensional_song_gives_one_dimensional_waveforms(rng):
    column = song(rng, channels=1)
    flat = make_separator(some_network, SMALL).separate(column[:, 0], CD)
    tall = make_separator(some_network, SMALL).separate(column, CD)
    for one, other in zip(flat, tall, strict=True):
        assert one.shape == (len(column),)
        np.testing.assert_array_equal(one, other[:, 0])


def test_silence_gives_silence():
    for scaler in ("max", "minmax", "robust"):
        separator = make_separator(some_network, change(SMALL, scaler=scaler))
        vocals, accompaniment = separator.separate(np.zeros((20000, 2)), CD)
        assert not vocals.any()
        assert not accompaniment.any()


@pytest.mark.parametrize("samples", [5 * 128 + 127, 20 * 128 + 127, 20 * 128])
def test_no_click_at_the_end_with_the_largest_hop(rng, samples):
    settings = change(SMALL, hop=16)  # a quarter of the frame; 64 samples at 44,100 Hz
    mixture = song(rng, samples, 1)
    vocals, _ = make_separator(some_network, settings).separate(mixture, CD)
    assert np.abs(vocals).max() < 4 * np.abs(mixture).max()


@pytest.mark.parametrize("gain", [0.5, 0.01, 3])
def test_vocals_are_proportional_to_the_song_with_the_max_scaler(rng, gain):
    separator = make_separator(some_network, SMALL)
    mixture = song(rng)
    vocals, _ = separator.separate(mixture, CD)
    scaled, _ = separator.separate(gain * mixture, CD)
    np.testing.assert_allclose(scaled, gain * vocals, atol=1e-5 * gain)


# ------------------------------------------------------------------ streams


def joined(pieces):
    """Vocals and accompaniment of a stream as two waveforms."""
    return tuple(np.concatenate(stem) for stem in zip(*pieces, strict=True))


@pytest.mark.parametrize("rate", [CD, 48000])
@pytest.mark.parametrize("overlap", [0, 0.25, 0.5])
@pytest.mark.parametrize("samples", [10, TILE, 8 * 16 * HOP - HOP, 30011])
def test_result_does_not_depend_on_the_blocks_of_the_stream(rng, samples, overlap, rate):
    separator = make_separator(some_network, SMALL, overlap=overlap)
    mixture = song(rng, samples)
    expected, _ = separator.separate(mixture, rate)
    cuts = {
        "hundreds": [mixture[i : i + 100] for i in range(0, samples, 100)],
        "thousands": [mixture[i : i + 5000] for i in range(0, samples, 5000)],
        "uneven": np.split(mixture, np.sort(rng.integers(0, samples, 9))),
        "whole": [mixture],
    }
    for blocks in cuts.values():
        vocals, accompaniment = joined(separator.stream(blocks, rate))
        np.testing.assert_allclose(vocals, expected, atol=1e-5)
        np.testing.assert_allclose(vocals + accompaniment, mixture, atol=1e-6)


def test_vocals_are_returned_before_the_whole_song_is_read(rng):
    read = []

    def blocks():
        for i in range(20):
            read.append(i)
            yield song(rng, 10000)

    next(make_separator(identity, SMALL).stream(blocks(), CD))
    assert len(read) < 10


@pytest.mark.parametrize("rate", [CD, 8000])
def test_an_empty_stream_has_no_vocals(rate):
    assert list(make_separator(identity, SMALL).stream([], rate)) == []


# ------------------------------------------------------------------ input of the network


def test_network_gets_tiles_scaled_as_in_training_in_equal_batches(rng):
    shapes, seen = [], []

    def network(tiles):
        shapes.append(tiles.shape)
        seen.append(tiles)
        return tiles

    settings = change(SMALL, scaler="robust", axis="time")
    tiles = rng.gamma(1.0, 3.0, (11, 32, 16)).astype(np.float32)
    estimate = make_separator(network, settings).estimator.magnitudes(tiles)
    assert shapes == [(4, 32, 16, 1)] * 3
    expected = scaling.apply(tiles, *scaling.statistics(tiles, "time", "robust"))
    np.testing.assert_array_equal(np.concatenate(seen)[:11, ..., 0], expected)
    np.testing.assert_allclose(estimate, tiles, atol=1e-4)


def test_estimate_of_a_tile_does_not_depend_on_other_tiles(rng):
    tiles = rng.gamma(1.0, 3.0, (11, 32, 16)).astype(np.float32)
    estimator = Estimator(some_network, SMALL)
    together = estimator.magnitudes(tiles)
    for i in range(11):
        np.testing.assert_array_equal(together[i], estimator.magnitudes(tiles[i : i + 1])[0])


def test_estimates_are_not_clipped(rng):
    tiles = rng.gamma(1.0, 3.0, (2, 32, 16)).astype(np.float32)
    assert (make_separator(lambda t: -t, SMALL).estimator.magnitudes(tiles) < 0).any()


class Recorder(Estimator):
    """Estimator that records its input and returns it."""

    def magnitudes(self, mixture):
        self.seen = [*getattr(self, "seen", []), mixture.copy()]
        return mixture


def like_music(rng, samples):
    """Pink noise and a chord, different in each channel."""
    spectrum = np.fft.rfft(rng.standard_normal((samples, 2)), axis=0)
    spectrum /= np.sqrt(np.arange(1, len(spectrum) + 1))[:, None]
    pink = np.fft.irfft(spectrum, samples, axis=0)
    time = np.arange(samples)[:, None] / CD
    chord = sum(np.sin(2 * np.pi * f * time * [1, 1.003]) for f in (220, 277, 330, 1760, 4186))
    return (0.1 * pink / pink.std() + 0.02 * chord).astype(np.float32)


def test_input_of_the_network_equals_spectrograms_of_training(rng):
    """The lower bins at 44,100 Hz equal the spectrogram of the song at the network's rate."""
    mixture = like_music(rng, 4 * CD)
    recorder = Recorder(identity, PAPER)
    Separator(recorder, overlap=0).separate(mixture, CD)
    seen = np.concatenate(np.concatenate(recorder.seen), axis=1)  # tiles are concatenated in time

    mono = librosa.resample(mixture.mean(axis=1), orig_sr=CD, target_sr=11025, res_type="soxr_hq")
    trained_on = np.abs(librosa.stft(mono, n_fft=1024, hop_length=256))
    rows = int(5000 / (11025 / 1024))
    frames = trained_on.shape[1] // 128 * 128  # an incomplete last tile starts earlier
    expected = trained_on[:rows, :frames]
    error = np.linalg.norm(seen[:rows, :frames] - expected) / np.linalg.norm(expected)
    assert error < 0.01


@pytest.mark.parametrize("rate", [7350, 14700, 22050, 44100])
def test_input_of_networks_of_other_rates_equals_spectrograms_of_training(rng, rate):
    mixture = like_music(rng, 2 * CD)
    recorder = Recorder(identity, change(PAPER, sample_rate=rate))
    Separator(recorder, overlap=0).separate(mixture, CD)
    seen = np.concatenate(np.concatenate(recorder.seen), axis=1)
    mono = librosa.resample(mixture.mean(axis=1), orig_sr=CD, target_sr=rate, res_type="soxr_hq")
    trained_on = np.abs(librosa.stft(mono, n_fft=1024, hop_length=256))
    rows = int(0.9 * 512)
    frames = 2 * rate // 256 - 3
    if frames > 128:
        frames -= frames % 128  # an incomplete last tile starts earlier
    expected = trained_on[:rows, :frames]
    error = np.linalg.norm(seen[:rows, :frames] - expected) / np.linalg.norm(expected)
    assert error < 0.01


# ------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(0),
        np.zeros((0, 2)),
        np.zeros((100, 0)),
        np.zeros((2, 100, 2)),
        np.float32(0.5),
        np.array([0, np.nan, 0]),
        np.array([[0, np.inf], [0, 0]]),
    ],
    ids=["empty", "no samples", "no channels", "three axes", "a number", "NaN", "infinite"],
)
def test_invalid_waveform_is_an_error(waveform):
    with pytest.raises(ValueError, match="waveform"):
        make_separator(identity, SMALL).separate(waveform, CD)


@pytest.mark.parametrize("overlap", [-0.1, 0.51, 1, float("nan")])
def test_overlap_out_of_range_is_an_error(overlap):
    with pytest.raises(ValueError, match="overlap"):
        make_separator(identity, SMALL, overlap=overlap)


# ------------------------------------------------------------------ masks, two targets


def test_mask_output_is_applied_without_scaling(rng):
    tiles = rng.gamma(1.0, 3.0, (6, 32, 16)).astype(np.float32)
    mask = rng.uniform(0, 1, (32, 16)).astype(np.float32)
    for scaler in ("minmax", "robust", "max", "log"):
        settings = change(SMALL, output="mask", scaler=scaler)
        separator = make_separator(lambda x: 0 * x + mask[..., None], settings)
        np.testing.assert_allclose(separator.estimator.magnitudes(tiles), mask * tiles, rtol=1e-6)
        found = separator.estimator.masks(tiles)
        np.testing.assert_allclose(found, np.broadcast_to(mask, found.shape), rtol=1e-6)


@pytest.mark.parametrize("output", ["mask", "magnitude"])
@pytest.mark.parametrize("scaler", ["minmax", "log"])
def test_two_targets_become_a_soft_mask(rng, output, scaler):
    tiles = rng.gamma(1.0, 3.0, (3, 32, 16)).astype(np.float32)
    parts = rng.uniform(0, 1, (2, 32, 16)).astype(np.float32)
    log = scaler == "log"
    offset, scale = scaling.statistics(tiles, "frequency", scaler)

    def network(x):  # estimates parts * mixture
        shares = np.moveaxis(parts, 0, -1)
        if output == "mask":
            return np.broadcast_to(shares, (len(x), 32, 16, 2))
        mixture = np.zeros((len(x), 32, 16), np.float32)
        mixture[: len(tiles)] = tiles
        channels = [scaling.apply(p * mixture[: len(tiles)], offset, scale, log) for p in parts]
        full = np.zeros((len(x), 32, 16, 2), np.float32)
        full[: len(tiles)] = np.stack(channels, axis=-1)
        return full

    settings = change(SMALL, output=output, scaler=scaler, targets="both")
    expected = parts[0] ** 2 / (parts[0] ** 2 + parts[1] ** 2)
    found = make_separator(network, settings).estimator.masks(tiles)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-4)


def test_zero_estimates_of_two_targets_give_no_vocals(rng):
    tiles = rng.gamma(1.0, 3.0, (2, 32, 16)).astype(np.float32)
    settings = change(SMALL, output="mask", targets="both")
    separator = make_separator(lambda x: np.zeros((*x.shape[:3], 2), np.float32), settings)
    assert not separator.estimator.magnitudes(tiles).any()


def test_standard_scaler_uses_the_statistics_of_the_model(rng):
    offset, scale = rng.uniform(0.5, 2, (2, 32)).astype(np.float32)
    values = {"offset": tuple(offset.tolist()), "scale": tuple(scale.tolist())}
    seen = []
    separator = make_separator(
        lambda x: seen.append(x) or x, change(SMALL, scaler="standard", **values)
    )
    tiles = rng.gamma(1.0, 3.0, (4, 32, 16)).astype(np.float32)
    np.testing.assert_allclose(separator.estimator.magnitudes(tiles), tiles, rtol=1e-4, atol=1e-5)
    expected = (np.log1p(tiles) - offset[:, None]) / scale[:, None]
    np.testing.assert_allclose(seen[0][..., 0], expected, rtol=1e-5, atol=1e-6)


# ------------------------------------------------------------------ several models


def test_ensemble_is_the_mean_of_its_members(rng):
    tiles = rng.gamma(1.0, 3.0, (5, 32, 16)).astype(np.float32)
    members = [Estimator(some_network, SMALL), Estimator(half, change(SMALL, scaler="robust"))]
    both = Ensemble(members)
    for method in ("masks", "magnitudes"):
        one, other = (getattr(member, method)(tiles) for member in members)
        np.testing.assert_allclose(getattr(both, method)(tiles), (one + other) / 2, atol=1e-5)


def test_ensemble_of_equal_models_equals_one_model(rng):
    mixture = song(rng)
    alone, _ = make_separator(some_network, SMALL).separate(mixture, CD)
    twice = Ensemble([Estimator(some_network, SMALL)] * 2)
    np.testing.assert_allclose(Separator(twice).separate(mixture, CD)[0], alone, atol=1e-6)


def test_ensemble_of_models_with_different_tiles_is_an_error():
    members = [Estimator(half, SMALL), Estimator(half, change(SMALL, hop=8))]
    with pytest.raises(BadInput, match="hop of 8 and 16"):
        Ensemble(members)


# ------------------------------------------------------------------ Wiener filter


def test_wiener_filter_without_iterations_changes_nothing(rng):
    mixture = song(rng)
    plain, _ = make_separator(half, SMALL).separate(mixture, CD)
    filtered, _ = make_separator(half, SMALL, wiener=0).separate(mixture, CD)
    np.testing.assert_array_equal(filtered, plain)


def test_wiener_filter_does_not_change_mono_songs(rng):
    mixture = song(rng, channels=1)
    plain, _ = make_separator(some_network, SMALL).separate(mixture, CD)
    filtered, _ = make_separator(some_network, SMALL, wiener=2).separate(mixture, CD)
    np.testing.assert_allclose(filtered, plain, atol=1e-6)


def test_wiener_filter_refines_the_masked_song(rng):
    """The song fits into one window; the expected result uses librosa's STFT."""
    mixture = song(rng, 50 * HOP)
    mask = rng.uniform(0, 1, SMALL.bins).astype(np.float32)
    separator = make_separator(
        lambda x: 0 * x + mask[:, None, None],
        change(SMALL, output="mask"),
        extend=False,
        wiener=2,
    )
    spectrum = librosa.stft(mixture.T, n_fft=256, hop_length=HOP).swapaxes(1, 2)
    whole = np.concatenate([mask, np.zeros(129 - len(mask), np.float32)])
    refined = wiener.refine(spectrum * whole, spectrum, 2).swapaxes(1, 2)
    expected = librosa.istft(refined, n_fft=256, hop_length=HOP, length=len(mixture)).T
    vocals, _ = separator.separate(mixture, CD)
    np.testing.assert_allclose(vocals, expected, atol=1e-4)


def test_wiener_filter_does_not_depend_on_the_blocks_of_the_stream(rng):
    mixture = song(rng, 40000)
    separator = make_separator(some_network, SMALL, wiener=1)
    whole = np.concatenate([v for v, _ in separator.stream([mixture], CD)])
    blocks = [mixture[i : i + 777] for i in range(0, len(mixture), 777)]
    cut = np.concatenate([v for v, _ in separator.stream(blocks, CD)])
    assert len(whole) == len(cut) == len(mixture)
    np.testing.assert_allclose(cut, whole, atol=1e-5)


def test_wiener_filter_of_silence_gives_silence():
    mixture = np.zeros((20000, 2), np.float32)
    vocals, rest = make_separator(half, SMALL, wiener=2).separate(mixture, CD)
    assert not vocals.any() and not rest.any()


@pytest.mark.parametrize(("iterations", "output"), [(-1, "mask"), (1, "magnitude")])
def test_wiener_filter_without_a_mask_is_an_error(iterations, output):
    with pytest.raises(ValueError, match="wiener"):
        make_separator(half, SMALL, wiener=iterations, output=output)
