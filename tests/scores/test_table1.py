"""The protocol of Table I, as computed by the paper's published code."""

import warnings

import librosa
import mir_eval
import numpy as np
import pytest
from scipy.ndimage import uniform_filter1d

from vocalseg.scores import table1

BINS, FRAMES, HOP = 32, 16, 16
SAMPLES = (5 * FRAMES - 1) * HOP


def song(seed, tiles, bins=BINS, frames=FRAMES):
    """Random estimate, vocals and phase of the mixture of a song."""
    rng = np.random.default_rng(seed)
    shape = (tiles, bins, frames)
    estimate, vocals = rng.gamma(1.0, 10.0, (2, *shape)).astype(np.float32)
    phase = np.exp(2j * np.pi * rng.random(shape)).astype(np.complex64)
    return estimate, vocals, phase


def inverse(magnitudes, phases, hop=HOP):
    """Inverse of concatenated tiles, with the frame size implied by their rows."""
    return librosa.istft(np.hstack(list(magnitudes * phases)), hop_length=hop)


def pairs(count, seed=0, samples=6000):
    """Vocals, and estimates with blur, noise and bleed of other vocals."""
    rng = np.random.default_rng(seed)
    vocals = rng.standard_normal((count, samples)).astype(np.float32)
    estimates = uniform_filter1d(vocals, 8, axis=1) + 0.1 * np.roll(vocals, 1, axis=0)
    estimates += 0.05 * rng.standard_normal(vocals.shape)
    return list(zip(estimates.astype(np.float32), vocals, strict=True))


def by_mir_eval(reference, estimate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        scores = mir_eval.separation.bss_eval_sources(
            np.stack(reference), np.stack(estimate), compute_permutation=False
        )
    return dict(zip(("sdr", "sir", "sar"), scores, strict=False))


# ------------------------------------------------------------------ segments


def test_inverse_of_512_rows_has_frames_of_1022_samples():
    estimate, vocals, phase = song(0, 5, 512, 128)
    ((estimate_waveform, vocals_waveform),) = table1.segments([(estimate, vocals, phase)], 256)
    rows = np.hstack(list(estimate * phase))
    expected = librosa.istft(rows, n_fft=1022, hop_length=256, window="hann")
    frames_1024 = librosa.istft(np.pad(rows, ((0, 1), (0, 0))), n_fft=1024, hop_length=256)
    np.testing.assert_allclose(estimate_waveform, expected, atol=1e-4)
    assert estimate_waveform.shape == vocals_waveform.shape == frames_1024.shape
    assert np.abs(estimate_waveform - frames_1024).mean() > 0.1 * np.abs(frames_1024).mean()


def test_true_vocals_get_the_phase_of_the_mixture():
    estimate, vocals, phase = song(0, 5)
    ((_, waveform),) = table1.segments([(estimate, vocals, phase)], HOP)
    np.testing.assert_allclose(waveform, inverse(vocals, phase), rtol=1e-5, atol=1e-4)


def test_estimate_with_the_true_magnitude_is_perfect():
    _, vocals, phase = song(0, 5)
    ((estimate, reference),) = table1.segments([(vocals, vocals, phase)], HOP)
    np.testing.assert_array_equal(estimate, reference)


def test_five_consecutive_tiles_are_a_segment_even_across_songs():
    songs = [song(1, 3), song(2, 4), song(3, 4)]
    made = list(table1.segments(songs, HOP))
    assert len(made) == 2  # the last of 11 tiles is dropped
    estimate, vocals, phase = (np.concatenate(arrays) for arrays in zip(*songs, strict=True))
    for i, (e, v) in enumerate(made):
        part = slice(5 * i, 5 * i + 5)
        assert e.shape == v.shape == (SAMPLES,)
        np.testing.assert_allclose(e, inverse(estimate[part], phase[part]), rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(v, inverse(vocals[part], phase[part]), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("tiles", "expected"), [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2)])
def test_incomplete_segments_are_dropped(tiles, expected):
    assert len(list(table1.segments([song(0, tiles)], HOP))) == expected


@pytest.mark.parametrize(("loudness", "kept"), [(99, 0), (101, 1)])
def test_segments_with_an_l1_norm_of_vocals_below_100_are_dropped(loudness, kept):
    estimate, vocals, phase = song(0, 5)
    vocals *= loudness / np.abs(inverse(vocals, phase)).sum()
    assert len(list(table1.segments([(estimate, vocals, phase)], HOP))) == kept


def test_silent_segments_are_dropped_after_grouping():
    estimate, vocals, phase = song(0, 15)
    vocals[5:10] = 0
    made = list(table1.segments([(estimate, vocals, phase)], HOP))
    assert len(made) == 2
    np.testing.assert_allclose(made[1][1], inverse(vocals[10:], phase[10:]), rtol=1e-5, atol=1e-4)


def test_segments_with_an_estimate_of_zeros_are_dropped():
    estimate, vocals, phase = song(0, 10)
    estimate[:5] = 0
    made = list(table1.segments([(estimate, vocals, phase)], HOP))
    assert len(made) == 1
    np.testing.assert_allclose(made[0][0], inverse(estimate[5:], phase[5:]), rtol=1e-5, atol=1e-4)


def test_segments_are_generated_song_by_song():
    requested = []

    def songs():
        for i in range(10):
            requested.append(i)
            yield song(i, 5)

    next(table1.segments(songs(), HOP))
    assert requested == [0]


# ------------------------------------------------------------------ scores


@pytest.fixture(scope="module")
def scored():
    """Five segments, their scores, and the warnings of scoring."""
    five = pairs(5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return five, table1.score(five), caught


def test_segments_are_scored_as_sources_with_estimate_and_reference_swapped(scored):
    five, scores, _ = scored
    estimates, vocals = zip(*five, strict=True)
    published, proper = by_mir_eval(estimates, vocals), by_mir_eval(vocals, estimates)
    assert list(scores) == ["sdr", "sir", "sar"]
    for name, values in scores.items():
        assert values.shape == (5,)
        np.testing.assert_allclose(values, published[name], atol=1e-6)
        assert np.abs(values - proper[name]).min() > 0.1


def test_sir_measures_interference_of_other_segments():
    """It does not measure interference from the accompaniment."""
    five = pairs(5)
    vocals = [v for _, v in five]
    other_moment = [(v + 0.5 * vocals[i - 1], v) for i, v in enumerate(vocals)]
    other_sound = [(v + 0.5 * n, v) for v, (_, n) in zip(vocals, pairs(5, seed=1), strict=True)]
    assert (table1.score(other_moment)["sir"] + 3 < table1.score(other_sound)["sir"]).all()


def test_perfect_estimates_score_at_most_100():
    scores = table1.score([(vocals, vocals) for _, vocals in pairs(5)])
    for values in scores.values():
        assert (values > 90).all()
        assert (values <= 100).all()


def test_scoring_emits_no_warnings(scored):
    _, _, caught = scored
    assert not [w for w in caught if issubclass(w.category, FutureWarning)]


@pytest.mark.parametrize(("segments", "expected"), [(0, 0), (4, 0), (5, 1), (14, 2)])
def test_five_segments_are_scored_together_and_the_rest_is_dropped(segments, expected):
    made = list(table1.calls(range(segments)))
    assert made == [list(range(5 * i, 5 * i + 5)) for i in range(expected)]


def test_summary_is_the_mean_over_all_segments():
    scores = [
        {"sdr": np.arange(5.0), "sir": np.full(5, 7.0), "sar": np.zeros(5)},
        {"sdr": np.full(5, 10.0), "sir": np.full(5, 8.0), "sar": np.full(5, -3.0)},
    ]
    assert table1.summarise(iter(scores)) == {"sdr": 6.0, "sir": 7.5, "sar": -1.5}


def test_fewer_than_25_tiles_have_no_score():
    def of(tiles):
        return list(table1.calls(table1.segments([song(0, tiles)], HOP)))

    assert len(of(25)) == 1
    summary = table1.summarise(table1.score(call) for call in of(24))
    assert list(summary) == ["sdr", "sir", "sar"]
    assert np.isnan(list(summary.values())).all()
