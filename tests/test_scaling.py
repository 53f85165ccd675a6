"""Scaling equals that of scikit-learn for each tile, both axes and all scalers."""

import numpy as np
import pytest
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler

from vocalseg import scaling

ORACLES = {"minmax": MinMaxScaler, "robust": RobustScaler, "max": MaxAbsScaler}
AXES = ["frequency", "time"]
BINS, FRAMES = 12, 8


def music(rng, n=3):
    """Magnitudes distributed as in spectrograms: skewed, over several decades."""
    return rng.gamma(0.5, 10.0, (n, BINS, FRAMES)).astype(np.float32)


def constant_rows(rng):
    x = music(rng)
    x[:, 3, :] = 0.7
    x[:, :, 5] = 0.7
    return x


def zero_iqr(rng):
    """Mostly zeros: quartiles are equal, but minimum and maximum differ."""
    x = np.zeros((3, BINS, FRAMES), np.float32)
    x[:, 4, 2] = 5
    x[:, 7, 6] = 0.3
    return x


TILES = {
    "music": music,
    "constant rows": constant_rows,
    "zero IQR": zero_iqr,
    "silence": lambda rng: np.zeros((3, BINS, FRAMES), np.float32),
    "quiet": lambda rng: 1e-3 * music(rng),
    "tiny": lambda rng: 1e-6 * music(rng),
    "below rounding": lambda rng: 1e-9 * music(rng),
}


def by_scikit_learn(mixture, tiles, axis, scaler):
    """Bins are features and frames are samples for the axis `frequency`, and vice versa."""
    scaled = []
    for m, t in zip(mixture, tiles, strict=True):
        m, t = (m.T, t.T) if axis == "frequency" else (m, t)
        s = ORACLES[scaler]().fit(m).transform(t)
        scaled.append(s.T if axis == "frequency" else s)
    return np.stack(scaled)


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("scaler", ORACLES)
@pytest.mark.parametrize("kind", TILES)
def test_scaled_mixture_and_vocals_equal_those_of_scikit_learn(rng, axis, scaler, kind):
    mixture = TILES[kind](rng)
    vocals = mixture * rng.uniform(0, 1, mixture.shape).astype(np.float32)
    statistics = scaling.statistics(mixture, axis, scaler)
    for tiles in (mixture, vocals):
        ours = scaling.apply(tiles, *statistics)
        assert ours.dtype == np.float32
        np.testing.assert_allclose(
            ours, by_scikit_learn(mixture, tiles, axis, scaler), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("scaler", ORACLES)
@pytest.mark.parametrize("kind", TILES)
def test_undo_restores_the_magnitudes(rng, axis, scaler, kind):
    mixture = TILES[kind](rng)
    statistics = scaling.statistics(mixture, axis, scaler)
    vocals = 0.3 * mixture
    back = scaling.undo(scaling.apply(vocals, *statistics), *statistics)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, vocals, rtol=1e-5, atol=1e-6 * max(mixture.max(), 1e-30))


@pytest.mark.parametrize("scaler", ORACLES)
def test_there_is_one_statistic_per_bin_or_per_frame(rng, scaler):
    mixture = music(rng)
    for statistic in scaling.statistics(mixture, "frequency", scaler):
        assert statistic.shape == (3, BINS, 1)
        assert statistic.dtype == np.float32
    for statistic in scaling.statistics(mixture, "time", scaler):
        assert statistic.shape == (3, 1, FRAMES)


def test_statistics_equal_the_formulas_of_the_paper():
    mixture = np.array([[[0, 1, 2, 3, 8]]], np.float32)
    for scaler, expected in (("minmax", (0, 8)), ("robust", (2, 2)), ("max", (0, 8))):
        offset, scale = scaling.statistics(mixture, "frequency", scaler)
        assert (offset.item(), scale.item()) == expected
    offset, scale = scaling.statistics(mixture + 1, "frequency", "max")
    assert (offset.item(), scale.item()) == (0, 9)
    offset, scale = scaling.statistics(mixture + 1, "frequency", "minmax")
    assert (offset.item(), scale.item()) == (1, 8)


def test_tiles_are_scaled_independently(rng):
    mixture = music(rng) * np.array([1, 10, 100], np.float32)[:, None, None]
    together = scaling.statistics(mixture, "frequency", "robust")
    for i in range(3):
        alone = scaling.statistics(mixture[i : i + 1], "frequency", "robust")
        for t, a in zip(together, alone, strict=True):
            np.testing.assert_array_equal(t[i], a[0])


@pytest.mark.parametrize(("axis", "scaler"), [("frequencies", "max"), ("time", "quantile")])
def test_unknown_axis_or_scaler_is_an_error(rng, axis, scaler):
    with pytest.raises(KeyError):
        scaling.statistics(music(rng), axis, scaler)


# ------------------------------------------------------------------ beyond the paper


@pytest.mark.parametrize("axis", AXES)
def test_log_scaler_equals_numpy_and_has_no_statistics(rng, axis):
    mixture = music(rng)
    statistics = scaling.statistics(mixture, axis, "log")
    shape = (3, BINS, 1) if axis == "frequency" else (3, 1, FRAMES)
    assert [s.shape for s in statistics] == [shape, shape]
    scaled = scaling.apply(mixture, *statistics, log=True)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled, np.log(1 + mixture.astype(np.float64)), rtol=1e-5)
    back = scaling.undo(scaled, *statistics, log=True)
    np.testing.assert_allclose(back, mixture, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", TILES)
def test_standard_scaler_equals_scikit_learn_on_all_frames_of_the_data_set(rng, kind):
    mixture = TILES[kind](rng)
    parts = [scaling.moments(mixture[:2]), scaling.moments(mixture[2:])]
    statistics = scaling.data_set_statistics(np.stack(parts))
    frames = np.log(1 + mixture.astype(np.float64)).swapaxes(1, 2).reshape(-1, BINS)
    expected = StandardScaler().fit(frames)
    np.testing.assert_allclose(statistics[0][0, :, 0], expected.mean_, atol=1e-6)
    varying = expected.scale_ > 1e-5  # below, both only subtract the mean
    np.testing.assert_allclose(statistics[1][0, varying, 0], expected.scale_[varying], rtol=1e-3)
    scaled = scaling.apply(mixture, *statistics, log=True)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(
        scaling.undo(scaled, *statistics, log=True), mixture, rtol=1e-4, atol=1e-5
    )
