"""Table I's protocol, point by point as the paper's published code computes it."""

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
    """Estimate, vocals and the mixture's phase of a song, all different."""
    rng = np.random.default_rng(seed)
    shape = (tiles, bins, frames)
    estimate, vocals = rng.gamma(1.0, 10.0, (2, *shape)).astype(np.float32)
    phase = np.exp(2j * np.pi * rng.random(shape)).astype(np.complex64)
    return estimate, vocals, phase


def inverse(magnitudes, phases, hop=HOP):
    """Tiles side by side, inverted with the frame that their rows suggest."""
    return librosa.istft(np.hstack(list(magnitudes * phases)), hop_length=hop)


def pairs(count, seed=0, samples=6000):
    """Segments with an estimate that is dull and noisy, and holds some of other vocals."""
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


def test_the_inverse_of_512_rows_takes_frames_for_1022_samples_long():
    estimate, vocals, phase = song(0, 5, 512, 128)
    ((estimate_waveform, vocals_waveform),) = table1.segments([(estimate, vocals, phase)], 256)
    rows = np.hstack(list(estimate * phase))
    as_published = librosa.istft(rows, n_fft=1022, hop_length=256, window="hann")
    as_analysed = librosa.istft(np.pad(rows, ((0, 1), (0, 0))), n_fft=1024, hop_length=256)
    np.testing.assert_allclose(estimate_waveform, as_published, atol=1e-4)
    assert estimate_waveform.shape == vocals_waveform.shape == as_analysed.shape
    assert np.abs(estimate_waveform - as_analysed).mean() > 0.1 * np.abs(as_analysed).mean()


def test_the_true_vocals_get_the_mixtures_phase_too():
    estimate, vocals, phase = song(0, 5)
    ((_, waveform),) = table1.segments([(estimate, vocals, phase)], HOP)
    np.testing.assert_allclose(waveform, inverse(vocals, phase), rtol=1e-5, atol=1e-4)


def test_an_estimate_with_the_right_magnitude_is_perfect_whatever_its_phase():
    _, vocals, phase = song(0, 5)
    ((estimate, reference),) = table1.segments([(vocals, vocals, phase)], HOP)
    np.testing.assert_array_equal(estimate, reference)


def test_five_tiles_in_file_order_are_one_segment_also_across_songs():
    songs = [song(1, 3), song(2, 4), song(3, 4)]
    made = list(table1.segments(songs, HOP))
    assert len(made) == 2  # of 11 tiles, the last one is dropped
    estimate, vocals, phase = (np.concatenate(arrays) for arrays in zip(*songs, strict=True))
    for i, (e, v) in enumerate(made):
        part = slice(5 * i, 5 * i + 5)
        assert e.shape == v.shape == (SAMPLES,)
        np.testing.assert_allclose(e, inverse(estimate[part], phase[part]), rtol=1e-5, atol=1e-4)
        np.testing.assert_allclose(v, inverse(vocals[part], phase[part]), rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize(("tiles", "expected"), [(0, 0), (4, 0), (5, 1), (9, 1), (10, 2)])
def test_tiles_that_do_not_fill_a_segment_are_dropped(tiles, expected):
    assert len(list(table1.segments([song(0, tiles)], HOP))) == expected


@pytest.mark.parametrize(("loudness", "kept"), [(99, 0), (101, 1)])
def test_segments_count_from_vocals_of_100_on(loudness, kept):
    estimate, vocals, phase = song(0, 5)
    vocals *= loudness / np.abs(inverse(vocals, phase)).sum()
    assert len(list(table1.segments([(estimate, vocals, phase)], HOP))) == kept


def test_silent_vocals_are_left_out_after_the_grouping():
    estimate, vocals, phase = song(0, 15)
    vocals[5:10] = 0
    made = list(table1.segments([(estimate, vocals, phase)], HOP))
    assert len(made) == 2
    np.testing.assert_allclose(made[1][1], inverse(vocals[10:], phase[10:]), rtol=1e-5, atol=1e-4)


def test_an_estimate_of_zeros_is_left_out():
    estimate, vocals, phase = song(0, 10)
    estimate[:5] = 0
    made = list(table1.segments([(estimate, vocals, phase)], HOP))
    assert len(made) == 1
    np.testing.assert_allclose(made[0][0], inverse(estimate[5:], phase[5:]), rtol=1e-5, atol=1e-4)


def test_segments_come_song_by_song():
    taken = []

    def songs():
        for i in range(10):
            taken.append(i)
            yield song(i, 5)

    next(table1.segments(songs(), HOP))
    assert taken == [0]


# ------------------------------------------------------------------ scores


@pytest.fixture(scope="module")
def scored():
    """Five segments, their scores, and the warnings that came with them."""
    five = pairs(5)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return five, table1.score(five), caught


def test_five_segments_stand_as_sources_and_the_estimate_where_the_reference_belongs(scored):
    five, scores, _ = scored
    estimates, vocals = zip(*five, strict=True)
    published, proper = by_mir_eval(estimates, vocals), by_mir_eval(vocals, estimates)
    assert list(scores) == ["sdr", "sir", "sar"]
    for name, values in scores.items():
        assert values.shape == (5,)
        np.testing.assert_allclose(values, published[name], atol=1e-6)
        assert np.abs(values - proper[name]).min() > 0.1


def test_an_estimate_of_another_segments_vocals_is_what_sir_measures():
    """It says nothing of the accompaniment."""
    five = pairs(5)
    vocals = [v for _, v in five]
    other_moment = [(v + 0.5 * vocals[i - 1], v) for i, v in enumerate(vocals)]
    other_sound = [(v + 0.5 * n, v) for v, (_, n) in zip(vocals, pairs(5, seed=1), strict=True)]
    assert (table1.score(other_moment)["sir"] + 3 < table1.score(other_sound)["sir"]).all()


def test_a_perfect_estimate_scores_at_most_100():
    scores = table1.score([(vocals, vocals) for _, vocals in pairs(5)])
    for values in scores.values():
        assert (values > 90).all()
        assert (values <= 100).all()


def test_scoring_is_silent(scored):
    _, _, caught = scored
    assert not [w for w in caught if issubclass(w.category, FutureWarning)]


@pytest.mark.parametrize(("segments", "expected"), [(0, 0), (4, 0), (5, 1), (14, 2)])
def test_five_segments_make_a_call_and_the_rest_is_dropped(segments, expected):
    made = list(table1.calls(range(segments)))
    assert made == [list(range(5 * i, 5 * i + 5)) for i in range(expected)]


def test_the_table_prints_the_mean_over_all_segments():
    scores = [
        {"sdr": np.arange(5.0), "sir": np.full(5, 7.0), "sar": np.zeros(5)},
        {"sdr": np.full(5, 10.0), "sir": np.full(5, 8.0), "sar": np.full(5, -3.0)},
    ]
    assert table1.summarise(iter(scores)) == {"sdr": 6.0, "sir": 7.5, "sar": -1.5}


def test_fewer_than_25_tiles_give_no_score():
    def of(tiles):
        return list(table1.calls(table1.segments([song(0, tiles)], HOP)))

    assert len(of(25)) == 1
    summary = table1.summarise(table1.score(call) for call in of(24))
    assert list(summary) == ["sdr", "sir", "sar"]
    assert np.isnan(list(summary.values())).all()
