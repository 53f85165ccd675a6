"""The ceilings: estimates that are computed from the true vocals."""

import librosa
import numpy as np
import pytest

from vocalseg.scores.bounds import BLOCK, ideal_estimates, ratio_mask
from vocalseg.scores.standard import sdr

RATE, FRAME, HOP = 11025, 1024, 256


def tones(*hertz, channels=1, seconds=1.0):
    time = np.arange(round(seconds * RATE)) / RATE
    wave = sum(0.2 * np.sin(2 * np.pi * f * time + f) for f in hertz)
    return np.stack([wave] * channels, axis=1).astype(np.float32)


def noise(rng, samples=10001, channels=2):
    return rng.uniform(-0.5, 0.5, (samples, channels)).astype(np.float32)


# ------------------------------------------------------------------ the mask


def test_mask_is_the_share_of_the_vocals():
    vocals, band = np.array([0, 1, 3, 2.0]), np.array([5, 1, 1, 0.0])
    np.testing.assert_array_equal(ratio_mask(vocals, band), [0, 0.5, 0.75, 1])


def test_mask_is_zero_where_both_sources_are_silent():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(ratio_mask(np.zeros((2, 3)), np.zeros((2, 3))), 0)


def test_mask_is_between_zero_and_one(rng):
    vocals, band = rng.gamma(0.1, 1.0, (2, 50, 50)).astype(np.float32)
    vocals[:10], band[5:15] = 0, 0
    mask = ratio_mask(vocals, band)
    assert mask.dtype == np.float32
    assert ((mask >= 0) & (mask <= 1)).all()
    np.testing.assert_allclose(mask + ratio_mask(band, vocals), (vocals + band) > 0, atol=1e-6)


# ------------------------------------------------------------------ the estimates


@pytest.mark.parametrize("samples", [1, 500, 10001])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.filterwarnings("ignore:n_fft=.* is too large")
def test_estimates_have_the_shape_of_the_song(rng, samples, channels):
    vocals = noise(rng, samples, channels)
    estimates = ideal_estimates(vocals + noise(rng, samples, channels), vocals, FRAME, HOP)
    assert set(estimates) == {"irm", "mix_phase"}
    for estimate in estimates.values():
        assert estimate.shape == (samples, channels)
        assert estimate.dtype == np.float32
        assert np.isfinite(estimate).all()


def test_sources_without_common_frequencies_are_separated_almost_perfectly():
    vocals, band = tones(440, 880), tones(1500, 2500)
    estimates = ideal_estimates(vocals + band, vocals, FRAME, HOP)
    inside = slice(FRAME, -FRAME)
    assert sdr(vocals[inside], (vocals + band)[inside]) < 1
    for estimate in estimates.values():
        assert sdr(vocals[inside], estimate[inside]) > 30


def test_ceilings_are_above_the_floor(rng):
    vocals, band = noise(rng), noise(rng)
    for estimate in ideal_estimates(vocals + band, vocals, FRAME, HOP).values():
        assert sdr(vocals, estimate) > sdr(vocals, vocals + band) + 3


@pytest.mark.parametrize("samples", [10001, 2 * BLOCK + 777])
def test_mask_estimate_equals_a_masked_stft_of_librosa(rng, samples):
    vocals, band = noise(rng, samples, 1), noise(rng, samples, 1)
    x, v, a = (
        librosa.stft(s[:, 0], n_fft=FRAME, hop_length=HOP) for s in (vocals + band, vocals, band)
    )
    mask = np.abs(v) / (np.abs(v) + np.abs(a))
    expected = librosa.istft(mask * x, hop_length=HOP, length=len(vocals))
    estimate = ideal_estimates(vocals + band, vocals, FRAME, HOP)["irm"]
    np.testing.assert_allclose(estimate[:, 0], expected, atol=1e-4)


def test_mix_phase_estimate_has_magnitude_of_vocals_and_phase_of_mixture(rng):
    vocals, band = noise(rng, channels=1), noise(rng, channels=1)
    x, v = (librosa.stft(s[:, 0], n_fft=FRAME, hop_length=HOP) for s in (vocals + band, vocals))
    expected = librosa.istft(
        np.abs(v) * np.exp(1j * np.angle(x)), hop_length=HOP, length=len(vocals)
    )
    estimate = ideal_estimates(vocals + band, vocals, FRAME, HOP)["mix_phase"]
    np.testing.assert_allclose(estimate[:, 0], expected, atol=1e-4)


def test_estimates_are_perfect_if_mixture_and_vocals_have_the_same_phase(rng):
    vocals = noise(rng)
    estimates = ideal_estimates(1.5 * vocals, vocals, FRAME, HOP)
    for estimate in estimates.values():
        np.testing.assert_allclose(estimate, vocals, atol=1e-5)


def test_channels_are_processed_independently(rng):
    vocals, band = noise(rng), noise(rng)
    vocals[:, 1] = 0
    together = ideal_estimates(vocals + band, vocals, FRAME, HOP)
    left = ideal_estimates((vocals + band)[:, :1], vocals[:, :1], FRAME, HOP)
    for name, estimate in together.items():
        np.testing.assert_allclose(estimate[:, :1], left[name], atol=1e-6)
        np.testing.assert_allclose(estimate[:, 1], 0, atol=1e-6)


def test_silent_vocals_give_silent_estimates(rng):
    mixture = noise(rng)
    for estimate in ideal_estimates(mixture, 0 * mixture, FRAME, HOP).values():
        assert not estimate.any()


def test_silent_song_gives_silent_estimates():
    silence = np.zeros((5000, 2), np.float32)
    for estimate in ideal_estimates(silence, silence, FRAME, HOP).values():
        assert not estimate.any()
