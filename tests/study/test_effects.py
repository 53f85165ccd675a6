"""Paired tests, compared with closed forms and SciPy."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from study.effects import effects, holm, paired_test


def design(value, songs=7, seeds=(1,), axes=("time", "frequency"), losses=("mae", "mse")):
    """Scores of a full design: ``value(song, seed, axis, loss)``."""
    levels = product(range(songs), seeds, axes, losses)
    return pd.DataFrame(
        [(f"song {s}", seed, a, b, value(s, seed, a, b)) for s, seed, a, b in levels],
        columns=["song", "seed", "axis", "loss", "value"],
    )


def test_one_seed_gives_the_paired_t_test_over_songs(rng):
    one, two = rng.normal(size=(2, 9))
    found = paired_test((one - two)[:, None])
    t = stats.ttest_rel(one, two)
    low, high = t.confidence_interval(0.95)
    assert found["p"] == pytest.approx(t.pvalue)
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))
    assert found["d_z"] == pytest.approx(t.statistic / 3)
    assert found["wilcoxon"] == pytest.approx(stats.wilcoxon(one, two, method="exact").pvalue)
    assert (found["songs"], found["seeds"]) == (9, 1)


def test_wilcoxon_p_value_is_exact():
    assert paired_test(np.arange(1.0, 8)[:, None])["wilcoxon"] == pytest.approx(2 / 2**7)


def test_variance_of_seeds_is_added(rng):
    # Without interaction, the variances of both means add up, as in Welch's test.
    songs, seeds = rng.normal(size=6), rng.normal(size=4)
    found = paired_test(0.7 + songs[:, None] + seeds)
    welch = stats.ttest_ind(0.7 + songs, -seeds, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    assert found["p"] == pytest.approx(welch.pvalue)
    assert (found["low"], found["high"]) == (pytest.approx(low), pytest.approx(high))


def test_noise_between_seeds_is_not_an_effect():
    # All songs have the same score, but the three trainings differ.
    found = paired_test(np.tile([-1.0, 0.5, 2.0], (50, 1)))
    assert found["p"] == pytest.approx(stats.ttest_1samp([-1.0, 0.5, 2.0], 0).pvalue)


@pytest.mark.parametrize("seeds", [(1,), (1, 2, 3)])
def test_effect_is_found_with_its_size(seeds):
    # Frequency is better by about 2 dB, which varies by song; the loss has no effect.
    found = effects(
        design(lambda s, seed, a, b: 2 * (a == "frequency") * (1 + s / 10) + 5 * s + seed, 7, seeds)
    ).set_index("factor")
    axis = found.loc["axis"]
    assert (axis["better"], axis["worse"]) == ("frequency", "time")
    assert axis["difference"] == pytest.approx(2 * 1.3)
    assert axis["d_z"] == pytest.approx(2.6 / np.std(0.2 * np.arange(7), ddof=1))
    assert axis["p"] < 0.001 and axis["wilcoxon"] == pytest.approx(2 * 2 / 2**7)
    assert axis["low"] < axis["difference"] < axis["high"]
    assert found.loc["loss", "difference"] == 0 and found.loc["loss", "wilcoxon"] == 1
    assert (found["songs"] == 7).all() and (found["seeds"] == len(seeds)).all()


def test_songs_are_the_units_for_any_number_of_networks():
    # Repeating the same scores for more networks adds no evidence.
    def value(s, seed, axis, loss):
        return (axis == "time") * [0.3, -0.2, 0.5, 0.4, 0.1][s]

    expected = stats.ttest_1samp([0.3, -0.2, 0.5, 0.4, 0.1], 0).confidence_interval()
    for losses in ("ab", "abcdefgh"):
        axis = effects(design(value, 5, losses=losses)).set_index("factor").loc["axis"]
        assert (axis["low"], axis["high"]) == pytest.approx((expected.low, expected.high))


def test_only_pairs_that_differ_in_one_factor_are_compared():
    songs = design(lambda s, seed, a, b: (1.0 + s) * (a == "time") + 10 * (b == "mae"))
    # Without time-mse, the axis can be compared for mae only.
    songs = songs[~((songs["axis"] == "time") & (songs["loss"] == "mse"))]
    found = effects(songs).set_index("factor")
    assert found.loc["axis", "difference"] == pytest.approx(1 + 3)
    assert found.loc["loss", "difference"] == pytest.approx(10)


def test_three_levels_give_three_comparisons():
    songs = design(
        lambda s, seed, a, b: {"max": 3, "minmax": 2, "robust": 0}[a] + 0.1 * s * (a == "max"),
        axes=("minmax", "robust", "max"), losses=("mae",),
    )  # fmt: skip
    found = effects(songs)
    pairs = {(e.better, e.worse): e.difference for e in found.itertuples()}
    assert pairs == {
        ("minmax", "robust"): pytest.approx(2),
        ("max", "minmax"): pytest.approx(1.3),
        ("max", "robust"): pytest.approx(3.3),
    }


def test_song_without_a_score_is_ignored():
    songs = design(lambda s, seed, a, b: np.nan if s == 2 else float(s * (a == "time")))
    assert (effects(songs)["songs"] == 6).all()


@pytest.mark.parametrize("songs", [0, 1])
def test_fewer_than_two_songs_give_no_test(songs):
    assert effects(design(lambda *_: 1.0, songs)).empty


def test_holm_correction_equals_values_computed_by_hand():
    # 0.01 x 3, 0.02 x 2, 0.04 x 1, with a cumulative maximum.
    assert holm([0.04, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.03, 0.02, 0.9]) == pytest.approx([0.06, 0.06, 0.9])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert np.isnan(holm([np.nan, 0.01])[0]) and holm([np.nan, 0.01])[1] == 0.01
    assert holm([]).tolist() == []
