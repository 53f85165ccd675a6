"""BSSEval v4 of one target, for several estimates of a song at once and with little memory.

``museval.metrics.bss_eval`` computes its distortion filters with FFTs of the whole song, separately
for each estimate and each target, which takes gigabytes and most of its time; then it repeats the
FFTs of the same references and filters in every window. The filters depend only on the signals'
correlations at lags shorter than a filter. Here the correlations are sums over blocks, the
references are transformed once for all estimates, and only the target is scored. The framing, the
treatment of silence and the ratios are those of museval.
"""

from collections.abc import Callable, Sequence
from itertools import combinations_with_replacement

import numpy as np
import scipy.fft
from museval import metrics
from scipy.linalg import toeplitz

TAPS = 512
RATIOS = ("sdr", "isr", "sir", "sar")
FFT_SIZE = 2**14  # samples per block, so that its spectra stay in the processor's cache

#: Function from a slice of the song's samples to float64 (2, samples, channels): target and rest.
Signals = Callable[[slice], np.ndarray]


def evaluate(
    references: Signals, estimates: Sequence[Signals], samples: int, window: int
) -> list[dict[str, np.ndarray]]:
    """Score the target in each window, like ``museval.evaluate(..., win=window, hop=window)``.

    Parameters
    ----------
    references : callable
        Returns the true target and the true rest.
    estimates : sequence of callables
        Each returns the estimates of target and rest; the rest only decides which windows are
        silent.
    samples : int
        Length of the song.
    window : int
        Window length in samples. An incomplete last window is ignored unless it is the only one.

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
                parts = _decompose(true[0].T, estimated[0].T, spectra, *pair)
                values[:, w] = metrics._bss_crit(*parts, bsseval_sources_version=False)
    return [dict(zip(RATIOS, values, strict=True)) for values in scores]


def correlations(
    references: Signals, estimates: Sequence[Signals], samples: int
) -> tuple[np.ndarray, np.ndarray]:
    """Correlate the channels of the references with each other and with those of the estimates.

    ``r[i, j, TAPS - 1 + lag] = sum_t x_i[t] y_j[t + lag]`` for ``|lag| < TAPS``.

    Parameters
    ----------
    references : callable
        Returns the true target and the true rest.
    estimates : sequence of callables
        Each returns the estimates of target and rest.
    samples : int
        Length of the song.

    Returns
    -------
    of_references : float64 array, (2 * channels, 2 * channels, 2 * TAPS - 1)
        Correlations of the references.
    of_estimates : float64 array, (2 * channels, estimates * channels, 2 * TAPS - 1)
        Correlations with the estimated targets, ordered by estimate, then channel.
    """
    margin = TAPS - 1
    step = FFT_SIZE - 2 * margin
    total: np.ndarray | int = 0
    for start in range(0, samples, step):
        # A block with margins on both sides; zeros surround the song.
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
    """Compute the least-squares filters from references to estimates (Vincent et al., 2006).

    Parameters
    ----------
    of_references, of_estimates : float64 arrays
        Results of :func:`correlations`.

    Returns
    -------
    list of (of_target, of_both)
        For each estimate, the filters from the target alone, (channels, channels, TAPS), and from
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


def _decompose(
    true: np.ndarray,
    estimate: np.ndarray,
    spectra: np.ndarray,
    of_target: np.ndarray,
    of_both: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Decompose an estimate into target, spatial distortion, interference and artefacts.

    Parameters
    ----------
    true, estimate : float64 arrays, (channels, samples)
        True and estimated target.
    spectra : complex128 array, (2, channels, bins)
        Spectra of target and rest.
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
