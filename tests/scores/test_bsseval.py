"""BSSEval v4, computed from sums over blocks, equals museval."""

import museval
import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from vocalseg.scores import bsseval

RATE = 8000


def song(rng, samples, channels):
    """True vocals and band, as band-pass noise; the band is louder in one channel."""
    filter_sections = butter(2, [100, 1500], "bandpass", fs=RATE, output="sos")
    sources = sosfilt(filter_sections, rng.standard_normal((2, samples, channels)), axis=1)
    sources[1, :, 0] *= 2
    return sources.astype(np.float32)


def estimates_of(rng, sources):
    """Estimates with bleed and noise, the mixture, and estimates with an echo."""
    vocals, band = sources
    noise = 0.1 * rng.standard_normal(vocals.shape).astype(np.float32)
    echo = np.roll(vocals, 40, axis=0)
    return [
        np.stack([vocals + 0.3 * band + noise, 0.7 * band - noise]),
        np.stack([vocals + band, vocals + band]),
        np.stack([0.5 * vocals + 0.2 * echo, band + 0.5 * vocals]),
    ]


def reader(signals):
    return lambda part: signals[:, part].astype(np.float64)


def evaluate(sources, estimates, window=RATE):
    parts = [reader(estimate) for estimate in estimates]
    return bsseval.evaluate(reader(sources), parts, sources.shape[1], window)


def assert_museval_agrees(sources, estimates, window=RATE):
    scores = evaluate(sources, estimates, window)
    assert len(scores) == len(estimates)
    for values, estimate in zip(scores, estimates, strict=True):
        pair = (signals.astype(np.float64) for signals in (sources, estimate))
        reference = museval.evaluate(*pair, win=window, hop=window)
        for name, expected in zip(("sdr", "isr", "sir", "sar"), reference, strict=True):
            # Scores are limited to 100 dB; values beyond are due to rounding.
            limited = [np.clip(v, -100, 100) for v in (values[name], expected[0])]
            np.testing.assert_allclose(*limited, atol=1e-5, err_msg=name)
    return scores


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    "samples",
    [
        RATE // 2,  # shorter than a window
        3 * RATE,
        bsseval.FFT_SIZE - 2 * (bsseval.TAPS - 1),  # one block exactly
        bsseval.FFT_SIZE - 2 * (bsseval.TAPS - 1) + 1,
        5 * RATE + 123,  # several blocks and an incomplete window
    ],
)
def test_scores_of_every_window_equal_those_of_museval(rng, samples, channels):
    sources = song(rng, samples, channels)
    assert_museval_agrees(sources, estimates_of(rng, sources))


def test_windows_with_a_silent_signal_have_no_scores(rng):
    sources = song(rng, 5 * RATE, 2)
    one, two, three = estimates_of(rng, sources)
    sources[0, :RATE] = 0  # the vocals
    one[0, RATE : 2 * RATE] = 0  # an estimate of them
    two[1, 2 * RATE : 3 * RATE] = 0  # an estimate of the band
    three[0, 3 * RATE : 4 * RATE, 0] = -three[0, 3 * RATE : 4 * RATE, 1]  # channels that cancel
    scores = assert_museval_agrees(sources, [one, two, three])
    undefined = [np.flatnonzero(np.isnan(values["sdr"])).tolist() for values in scores]
    assert undefined == [[0, 1], [0, 2], [0, 3]]


def test_estimates_are_scored_independently(rng):
    sources = song(rng, 3 * RATE, 2)
    estimates = estimates_of(rng, sources)
    for together, estimate in zip(evaluate(sources, estimates), estimates, strict=True):
        (alone,) = evaluate(sources, [estimate])
        for name, values in together.items():
            np.testing.assert_allclose(np.clip(values, -100, 100), np.clip(alone[name], -100, 100))


def test_song_with_a_silent_channel_is_scored_as_by_museval(rng):
    sources = song(rng, 3 * RATE, 2)
    sources[..., 1] = 0
    assert_museval_agrees(sources, estimates_of(rng, sources))


def test_silent_sources_leave_all_windows_undefined(rng):
    sources = song(rng, 2 * RATE, 2)
    estimates = estimates_of(rng, sources)
    for values in evaluate(0 * sources, estimates):
        assert all(np.isnan(v).all() for v in values.values())


def test_correlations_equal_their_definition(rng):
    samples = bsseval.FFT_SIZE + 1000
    sources, estimate = rng.standard_normal((2, 2, samples, 1))
    own, cross = bsseval.correlations(reader(sources), [reader(estimate)], samples)
    for lag in (0, 1, bsseval.TAPS - 1):
        for i, j in np.ndindex(2, 2):
            product = sources[i, : samples - lag, 0] @ sources[j, lag:, 0]
            assert own[i, j, bsseval.TAPS - 1 + lag] == pytest.approx(product)
            assert own[j, i, bsseval.TAPS - 1 - lag] == pytest.approx(product)
        product = sources[1, : samples - lag, 0] @ estimate[0, lag:, 0]
        assert cross[1, 0, bsseval.TAPS - 1 + lag] == pytest.approx(product)


def test_song_is_read_in_small_parts(rng):
    sources = song(rng, 20 * RATE, 1)
    lengths = []

    def references(part):
        lengths.append(part.stop - part.start)
        return reader(sources)(part)

    bsseval.evaluate(references, [reader(sources)], sources.shape[1], RATE)
    assert max(lengths) <= bsseval.FFT_SIZE


def test_singular_system_is_solved_by_least_squares():
    """An error of LAPACK must not stop a stage; museval 0.4 fails in this case with NumPy 2."""
    gram, products = np.diag([1.0, -np.finfo(float).eps]), np.array([[3.0], [0.0]])
    with pytest.raises(np.linalg.LinAlgError):
        np.linalg.solve(gram + np.finfo(float).eps * np.eye(2), products)
    np.testing.assert_allclose(bsseval._solve(gram, products), [[3], [0]])
