"""BSSEval v4 of one target, for several estimates of a song at once and in little memory.

``museval.metrics.bss_eval`` finds its distortion filters with FFTs of the whole song, anew for each
estimate and each target, which takes gigabytes and most of its time; then it transforms the same
references and filters in every window again. The filters depend only on the signals' correlations
at lags shorter than a filter. Here these are sums over blocks, the references are transformed once
for all estimates, and only the target is scored. The framing, the rule for silence and the ratios
are museval's.
"""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import numpy as np
import scipy.fft
from museval import metrics
from scipy.linalg import toeplitz

TAPS = 512
RATIOS = ("sdr", "isr", "sir", "sar")
FFT_SIZE = 2**14  # of a block, in samples: its spectra stay in the processor's cache

#: A slice of the song's samples to float64 (2, samples, channels): the target and the rest.
Signals = Callable[[slice], np.ndarray]


def evaluate(
    references: Signals, estimates: Sequence[Signals], samples: int, window: int
) -> list[dict[str, np.ndarray]]:
    """Scores of the target in each window, as ``museval.evaluate(..., win=window, hop=window)``.

    Parameters
    ----------
    references : callable
        Gives the true target and the true rest.
    estimates : sequence of callables
        Each gives its target and rest; the rest only decides which windows count.
    samples : int
        Length of the song.
    window : int
        In samples. An incomplete window at the end is left out unless it is the only one.

    Returns
    -------
    list of dict of float64 arrays, (windows,)
        For each estimate ``sdr``, ``isr``, ``sir`` and ``sar`` in dB; NaN where a signal is silent.
    """
    window = min(window, samples)
    size = scipy.fft.next_fast_len(window + TAPS - 1, real=True)
    filters = [
        [scipy.fft.rfft(taps, size) for taps in pair]
        for pair in distortion_filters(*correlations(references, estimates, samples))
    ]
    windows = list(metrics.Framing(window, window, samples))
    scores = np.full((len(estimates), len(RATIOS), len(windows)), np.nan)
    for w, part in enumerate(windows):
        true = references(part)
        if metrics._any_source_silent(true):
            continue
        spectra = scipy.fft.rfft(true.swapaxes(1, 2), size)
        for values, estimate, pair in zip(scores, estimates, filters, strict=True):
            estimated = estimate(part)
            if not metrics._any_source_silent(estimated):
                parts = _decomposed(true[0].T, estimated[0].T, spectra, *pair)
                values[:, w] = metrics._bss_crit(*parts, bsseval_sources_version=False)
    return [dict(zip(RATIOS, values, strict=True)) for values in scores]


def correlations(
    references: Signals, estimates: Sequence[Signals], samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cross-correlations of the references' channels with each other and with the estimates'.

    ``r[i, j, TAPS - 1 + lag] = sum_t x_i[t] y_j[t + lag]`` for ``|lag| < TAPS``.

    Returns
    -------
    of_references : float64 array, (2 * channels, 2 * channels, 2 * TAPS - 1)
    of_estimates : float64 array, (2 * channels, estimates * channels, 2 * TAPS - 1)
        With the targets' channels, estimate by estimate.
    """
    margin = TAPS - 1
    step = FFT_SIZE - 2 * margin
    total = 0
    for start in range(0, samples, step):
        # A block and its margins on both sides, with zeros before and after the song.
        part = slice(max(start - margin, 0), min(start + step + margin, samples))
        true = np.concatenate(references(part), axis=1)
        signals = np.concatenate([true, *(estimate(part)[0] for estimate in estimates)], axis=1).T
        before = part.start - (start - margin)
        signals = np.pad(signals, ((0, 0), (before, FFT_SIZE - before - signals.shape[1])))
        block = signals[: true.shape[1], margin : margin + step]
        total = total + scipy.fft.rfft(block, FFT_SIZE)[:, np.newaxis].conj() * scipy.fft.rfft(
            signals
        )
    by_lag = scipy.fft.irfft(total, FFT_SIZE)[..., : 2 * TAPS - 1]
    return by_lag[:, : len(by_lag)], by_lag[:, len(by_lag) :]


def distortion_filters(
    of_references: np.ndarray, of_estimates: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Least-squares filters from the references to each estimate (Vincent et al., 2006).

    Parameters
    ----------
    of_references, of_estimates : float64 arrays
        As :func:`correlations` gives them.

    Returns
    -------
    list of (of_target, of_both)
        For each estimate its filters from the target alone, (channels, channels, TAPS), and from
        target and rest, (2 * channels, channels, TAPS); the second axis is the estimate's channels.
    """
    rows, columns, _ = of_estimates.shape
    gram = np.empty((rows, TAPS, rows, TAPS))
    for i, j in combinations_with_replacement(range(rows), 2):
        lags = of_references[i, j]
        gram[i, :, j] = toeplitz(lags[TAPS - 1 :], lags[TAPS - 1 :: -1])
        gram[j, :, i] = gram[i, :, j].T
    products = of_estimates[:, :, TAPS - 1 :].swapaxes(1, 2)  # reference, delay, estimate
    channels = rows // 2
    of_target, of_both = (
        _solve(gram[:n, :, :n].reshape(n * TAPS, -1), products[:n].reshape(n * TAPS, -1))
        .reshape(n, TAPS, columns // channels, channels)
        .transpose(2, 0, 3, 1)
        for n in (channels, rows)
    )
    return list(zip(of_target, of_both, strict=True))


def _solve(gram: np.ndarray, products: np.ndarray) -> np.ndarray:
    gram = gram + np.finfo(float).eps * np.eye(len(gram))  # as museval does
    try:
        return np.linalg.solve(gram, products)
    except np.linalg.LinAlgError:
        return np.linalg.lstsq(gram, products)[0]


def _decomposed(
    true: np.ndarray,
    estimate: np.ndarray,
    spectra: np.ndarray,
    of_target: np.ndarray,
    of_both: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Target, spatial distortion, interference and artefacts, whose sum is the estimate.

    Parameters
    ----------
    true, estimate : float64 arrays, (channels, samples)
        Of the target.
    spectra : complex128 array, (2, channels, bins)
        Of target and rest.
    of_target, of_both : complex128 arrays
        Spectra of the filters of :func:`distortion_filters`.
    """
    tail = ((0, 0), (0, TAPS - 1))
    true, estimate = np.pad(true, tail), np.pad(estimate, tail)
    projections = np.stack(
        [
            (spectra[0][:, np.newaxis] * of_target).sum(axis=0),
            (spectra.reshape(-1, 1, spectra.shape[-1]) * of_both).sum(axis=0),
        ]
    )
    size = scipy.fft.next_fast_len(true.shape[1], real=True)
    on_target, on_both = scipy.fft.irfft(projections, size)[..., : true.shape[1]]
    return true, on_target - true, on_both - on_target, estimate - on_both
