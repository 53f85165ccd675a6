"""The multichannel Wiener filter, compared with a slow loop over its definition."""

import numpy as np
import pytest

from vocalseg.wiener import WINDOW, refine, windows


def sources(rng, channels=2, frames=12, bins=5):
    shape = 2, channels, frames, bins
    return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64)


def by_definition(vocals, mixture, iterations):
    """The filter with a matrix for every bin of every frame (Duong et al., 2010, section IV)."""
    level = max(1, np.abs(mixture).max() / 10)
    y = [x.transpose(1, 2, 0).astype(complex) / level for x in (vocals, mixture - vocals)]
    x = mixture.transpose(1, 2, 0).astype(complex) / level
    channels, eps = x.shape[2], np.finfo(float).eps
    for _ in range(iterations):
        power = [np.mean(np.abs(s) ** 2, axis=2) for s in y]
        covariance = [
            np.einsum("tfa,tfb->fab", s, s.conj()) / (eps + v.sum(axis=0))[:, None, None]
            for s, v in zip(y, power, strict=True)
        ]
        for t, f in np.ndindex(x.shape[:2]):
            parts = [v[t, f] * r[f] for v, r in zip(power, covariance, strict=True)]
            inverse = np.linalg.inv(sum(parts) + np.sqrt(eps) * np.eye(channels))
            for s, part in zip(y, parts, strict=True):
                s[t, f] = part @ inverse @ x[t, f]
    return (y[0] * level).transpose(2, 0, 1)


@pytest.mark.parametrize("channels", [2, 3])
@pytest.mark.parametrize("iterations", [0, 1, 3])
def test_filter_equals_its_definition(rng, channels, iterations):
    vocals, other = sources(rng, channels)
    expected = by_definition(vocals, vocals + other, iterations)
    found = refine(vocals, vocals + other, iterations)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_filter_does_not_depend_on_the_level(rng):
    vocals, other = 100 * sources(rng)
    quiet = refine(vocals, vocals + other, 2)
    loud = refine(8 * vocals, 8 * (vocals + other), 2)
    np.testing.assert_allclose(loud, 8 * quiet, rtol=1e-4, atol=1e-2)


def test_arguments_are_not_modified(rng):
    vocals, other = sources(rng)
    kept = vocals.copy(), (mixture := vocals + other).copy()
    refine(vocals, mixture, 1)
    np.testing.assert_array_equal(vocals, kept[0])
    np.testing.assert_array_equal(mixture, kept[1])


def test_sources_in_two_directions_are_separated(rng):
    """Each source comes from one direction, so a poor initial estimate is sufficient."""
    a, b = rng.standard_normal((2, 200, 8)) + 1j * rng.standard_normal((2, 200, 8))
    vocals = (a * np.array([1.0, 1.0])[:, None, None]).astype(np.complex64)
    other = (b * np.array([1.0, -0.5])[:, None, None]).astype(np.complex64)
    guess = 0.7 * vocals + 0.3 * other
    error = [np.linalg.norm(x - vocals) for x in (guess, refine(guess, vocals + other, 10))]
    assert error[1] < 0.3 * error[0]


@pytest.mark.parametrize("frames", [1, 299, 300, 301, 448, 1000])
def test_windows_cover_all_frames_and_have_similar_lengths(frames):
    lengths = windows(frames)
    assert sum(lengths) == frames and max(lengths) <= WINDOW
    assert max(lengths) - min(lengths) <= 1
