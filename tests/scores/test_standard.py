"""The standard protocols, museval and global scores, in cases with known results."""

import museval
import numpy as np
import pandas as pd
import pytest

from vocalseg.scores.standard import bss_eval, score_estimates, score_song, sdr, si_sdr
from vocalseg.scores.summary import summarise

RATE = 8000
MUSEVAL = ("sdr", "sir", "sar", "isr")


def noise(seed, seconds=3.0, channels=1):
    samples = round(seconds * RATE)
    return 0.1 * np.random.default_rng(seed).standard_normal((samples, channels))


def by_protocol(table):
    return {(p, m): v for p, m, v in table[["protocol", "metric", "value"]].itertuples(index=False)}


VOCALS, BAND = noise(1), noise(2)


def scores_with_perfect_band(estimate):
    return bss_eval(VOCALS, BAND, estimate, BAND, RATE)


# ------------------------------------------------------------------ global scores


@pytest.mark.parametrize("channels", [1, 2])
def test_sdr_equals_its_formula(channels):
    reference, estimate = noise(1, 1, channels), noise(1, 1, channels) + 0.3 * noise(2, 1, channels)
    expected = 10 * np.log10((reference**2).sum() / ((reference - estimate) ** 2).sum())
    assert sdr(reference, estimate) == pytest.approx(expected)


@pytest.mark.parametrize("channels", [1, 2])
def test_si_sdr_equals_its_formula(channels):
    reference, estimate = noise(1, 1, channels), 0.7 * noise(1, 1, channels) + noise(2, 1, channels)
    s, e = reference.ravel(), estimate.ravel()
    scale = s @ e / (s @ s)
    expected = 10 * np.log10(((scale * s) ** 2).sum() / ((scale * s - e) ** 2).sum())
    assert si_sdr(reference, estimate) == pytest.approx(expected)
    assert si_sdr(reference, 10 * estimate) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("estimate", "expected_sdr", "expected_si_sdr"),
    [
        (VOCALS, 100, 100),
        (VOCALS.astype(np.float32), 100, 100),
        (VOCALS / 2, 20 * np.log10(2), 100),
        (2 * VOCALS, 0, 100),
        (0 * VOCALS, 0, -100),
    ],
    ids=["perfect", "perfect in float32", "half as loud", "twice as loud", "silent"],
)
def test_global_scores_of_trivial_estimates(estimate, expected_sdr, expected_si_sdr):
    assert sdr(VOCALS, estimate) == pytest.approx(expected_sdr, abs=1e-9)
    assert si_sdr(VOCALS, estimate) == pytest.approx(expected_si_sdr, abs=1e-9)


def test_orthogonal_estimate_has_the_lowest_si_sdr():
    reference, estimate = np.array([1.0, 0, 1, 0]), np.array([0, 1.0, 0, -1])
    assert si_sdr(reference, estimate) == -100


@pytest.mark.parametrize("function", [sdr, si_sdr])
def test_silent_reference_has_no_score(function):
    assert np.isnan(function(0 * VOCALS, VOCALS))
    assert np.isnan(function(0 * VOCALS, 0 * VOCALS))


# ------------------------------------------------------------------ BSSEval v4


def test_bss_eval_is_the_median_over_windows_of_one_second_of_museval():
    vocals, band = noise(1, channels=2), noise(2, channels=2)
    vocals[:RATE] *= 0.3  # so that windows differ
    band[2 * RATE :] *= 0.2
    hiss = noise(3, channels=2)
    estimates = [vocals + 0.3 * band + 0.1 * hiss, 0.7 * band + 0.1 * vocals]
    scores = bss_eval(vocals, band, *estimates, RATE)
    by_hand = museval.evaluate(np.stack([vocals, band]), np.stack(estimates), win=RATE, hop=RATE)
    for name, values in zip(("sdr", "isr", "sir", "sar"), by_hand, strict=True):
        assert values.shape == (2, 3)
        assert scores[name] == pytest.approx(np.median(values[0]))
    assert tuple(scores) == MUSEVAL


@pytest.mark.parametrize("gain", [0.5, 0.9, -1.0])
def test_sdr_and_isr_depend_on_the_level_of_the_estimate(gain):
    """BSSEval v4 is not scale-invariant: SDR and ISR are ``-20 log10 |1 - gain|``."""
    scores = scores_with_perfect_band(gain * VOCALS)
    assert scores["sdr"] == pytest.approx(-20 * np.log10(abs(1 - gain)), abs=0.01)
    assert scores["isr"] == pytest.approx(-20 * np.log10(abs(1 - gain)), abs=0.05)
    assert min(scores["sir"], scores["sar"]) > 60


@pytest.mark.parametrize("level", [0, 10])
def test_sdr_and_sar_equal_the_level_of_orthogonal_noise(level):
    other = noise(3)
    for window in range(3):  # exactly orthogonal with the exact level, in each window
        part = slice(window * RATE, (window + 1) * RATE)
        s, n = VOCALS[part], other[part]
        n -= (s * n).sum() / (s**2).sum() * s
        n *= np.sqrt((s**2).sum() / (n**2).sum()) * 10 ** (-level / 20)
    scores = scores_with_perfect_band(VOCALS + other)
    assert scores["sdr"] == pytest.approx(level, abs=0.1)
    assert scores["sar"] == pytest.approx(level, abs=1)
    assert scores["sir"] > level + 10


def test_bleed_of_the_band_is_interference_and_not_an_artifact():
    scores = scores_with_perfect_band(VOCALS + 0.1 * BAND)
    assert scores["sdr"] == pytest.approx(20, abs=0.3)
    assert scores["sir"] == pytest.approx(20, abs=0.3)
    assert scores["sar"] > 60


def test_echo_within_the_filter_is_neither_interference_nor_artifact():
    echo = np.zeros_like(VOCALS)
    echo[100:] = 0.5 * VOCALS[:-100]
    scores = scores_with_perfect_band(VOCALS + echo)
    assert scores["sdr"] == pytest.approx(20 * np.log10(2), abs=0.3)
    assert scores["isr"] == pytest.approx(20 * np.log10(2), abs=0.3)
    assert min(scores["sir"], scores["sar"]) > 20


def test_perfect_estimate_scores_at_most_100():
    scores = scores_with_perfect_band(VOCALS)
    assert scores["sdr"] == scores["isr"] == 100
    assert all(60 < value <= 100 for value in scores.values())


@pytest.mark.parametrize("silent", range(4))
def test_bss_eval_is_undefined_if_a_signal_is_silent(silent):
    signals = [VOCALS, BAND, VOCALS + 0.1 * BAND, BAND]
    signals[silent] = 0 * signals[silent]
    scores = bss_eval(*signals, RATE)
    assert tuple(scores) == MUSEVAL
    assert np.isnan(list(scores.values())).all()


def test_windows_with_a_silent_signal_are_ignored():
    vocals = VOCALS.copy()
    vocals[RATE : 2 * RATE] = 0
    scores = bss_eval(vocals, BAND, vocals + 0.1 * BAND, BAND, RATE)
    by_hand = museval.evaluate(
        np.stack([vocals, BAND]), np.stack([vocals + 0.1 * BAND, BAND]), win=RATE, hop=RATE
    )
    assert np.isnan(by_hand[0][0]).tolist() == [False, True, False]
    assert scores["sdr"] == pytest.approx(np.nanmedian(by_hand[0][0]))


# ------------------------------------------------------------------ a song


def test_song_is_scored_by_both_protocols():
    mixture, estimate = VOCALS + BAND, VOCALS + 0.3 * BAND
    scores = by_protocol(score_song(mixture, VOCALS, estimate, RATE))
    expected = bss_eval(VOCALS, BAND, estimate, mixture - estimate, RATE)
    assert list(scores) == [("museval", m) for m in MUSEVAL] + [
        ("global", "sdr"),
        ("global", "si_sdr"),
    ]
    for metric, value in expected.items():
        assert scores["museval", metric] == pytest.approx(value, abs=1e-6)
    assert scores["global", "sdr"] == sdr(VOCALS, estimate)
    assert scores["global", "si_sdr"] == si_sdr(VOCALS, estimate)


def test_given_accompaniment_is_used():
    """The floor uses this: the mixture is the estimate of each target."""
    mixture = VOCALS + BAND
    scores = by_protocol(score_song(mixture, VOCALS, mixture, RATE, mixture))
    expected = bss_eval(VOCALS, BAND, mixture, mixture, RATE)
    for metric, value in expected.items():
        assert scores["museval", metric] == pytest.approx(value, abs=1e-6)
    assert scores["museval", "sdr"] == pytest.approx(0, abs=0.5)


def test_scores_do_not_depend_on_a_common_gain():
    signals = (VOCALS + BAND, VOCALS, 0.8 * VOCALS + 0.2 * BAND)
    loud = score_song(*signals, RATE)
    quiet = score_song(*(signal / 50 for signal in signals), RATE)
    np.testing.assert_allclose(loud["value"], quiet["value"], atol=1e-3)


def test_a_song_without_vocals_has_no_scores():
    scores = score_song(BAND, 0 * BAND, 0.1 * BAND, RATE)
    assert scores["value"].isna().all()


def test_a_song_without_accompaniment_has_global_scores_only():
    scores = by_protocol(score_song(VOCALS, VOCALS, VOCALS / 2, RATE))
    assert all(np.isnan(scores["museval", metric]) for metric in MUSEVAL)
    assert scores["global", "sdr"] == pytest.approx(20 * np.log10(2))
    assert scores["global", "si_sdr"] == 100


def test_scores_of_a_perfect_estimate_of_a_song():
    scores = by_protocol(score_song(VOCALS + BAND, VOCALS, VOCALS, RATE))
    assert scores["global", "sdr"] == scores["global", "si_sdr"] == 100
    assert 90 < scores["museval", "sdr"] <= 100


def test_an_estimate_of_zeros_has_the_scores_of_the_formulas():
    scores = by_protocol(score_song(VOCALS + BAND, VOCALS, 0 * VOCALS, RATE))
    assert all(np.isnan(scores["museval", metric]) for metric in MUSEVAL)
    assert scores["global", "sdr"] == 0
    assert scores["global", "si_sdr"] == -100


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_estimate_that_is_not_finite_is_an_error(value):
    estimate = VOCALS.copy()
    estimate[5] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        score_song(VOCALS + BAND, VOCALS, estimate, RATE)


def test_accompaniment_that_is_not_finite_is_an_error():
    estimate = BAND.copy()
    estimate[5] = np.nan
    with pytest.raises(ValueError, match="NaN or infinite"):
        score_song(VOCALS + BAND, VOCALS, VOCALS / 2, RATE, estimate)


@pytest.mark.parametrize("seconds", [0.3, 0.01])
def test_a_song_shorter_than_a_second_has_global_scores(seconds):
    vocals, band = noise(1, seconds), noise(2, seconds)
    scores = by_protocol(score_song(vocals + band, vocals, vocals + 0.1 * band, RATE))
    assert scores["global", "sdr"] == pytest.approx(20, abs=2)
    assert set(scores) >= {("museval", metric) for metric in MUSEVAL}


def test_scoring_does_not_modify_the_signals():
    signals = [VOCALS + BAND, VOCALS, VOCALS + 0.1 * BAND]
    before = [s.copy() for s in signals]
    score_song(*signals, RATE)
    assert all(np.array_equal(b, s) for b, s in zip(before, signals, strict=True))


def test_estimates_scored_together_have_the_same_scores_as_alone():
    mixture = VOCALS + BAND
    estimates = {"half": (VOCALS / 2 + 0.1 * BAND, None), "floor": (mixture, mixture)}
    together = score_estimates(mixture, VOCALS, estimates, RATE)
    assert together["estimate"].unique().tolist() == list(estimates)
    for name, (vocals, accompaniment) in estimates.items():
        alone = by_protocol(score_song(mixture, VOCALS, vocals, RATE, accompaniment))
        scores = by_protocol(together[together["estimate"] == name])
        assert scores == pytest.approx(alone, abs=1e-6)


# ------------------------------------------------------------------ a test set


def songs(**values):
    """Scores of songs, the same for every metric of a protocol."""
    metrics = {"museval": MUSEVAL, "global": ("sdr", "si_sdr")}
    rows = [(p, m, v) for p, vs in values.items() for m in metrics[p] for v in vs]
    return pd.DataFrame(rows, columns=["protocol", "metric", "value"])


def test_summary_is_the_median_for_museval_and_the_mean_for_global():
    summary = summarise(songs(museval=[1, 2, 9], **{"global": [1, 2, 9]}))
    assert summary == {
        "museval": dict.fromkeys(MUSEVAL, 2.0),
        "global": {"sdr": 4.0, "si_sdr": 4.0},
    }


def test_songs_without_a_score_are_ignored():
    summary = summarise(songs(museval=[np.nan, 2, 4], **{"global": [1, np.nan, 2]}))
    assert summary["museval"]["sdr"] == 3
    assert summary["global"]["sdr"] == 1.5


def test_summary_is_nan_if_no_song_has_a_score():
    summary = summarise(songs(museval=[np.nan], **{"global": [np.nan, np.nan]}))
    assert np.isnan(summary["museval"]["sdr"])
    assert np.isnan(summary["global"]["si_sdr"])
