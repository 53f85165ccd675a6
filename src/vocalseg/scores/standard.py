"""Standard protocols, for one song at its own sample rate and channels.

``museval``
    BSSEval v4 as in SiSEC: windows of one second, one 512-tap filter per song, median over the
    windows, then median over songs.
``global``
    The whole song at once: the SDR of the MDX challenges and the SI-SDR; mean over songs.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from vocalseg.scores import LIMIT_DB, bsseval
from vocalseg.scores.summary import METRICS

BLOCK = 2**16  # samples per block of float64


def sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Compute the signal-to-distortion ratio of the MDX challenges.

    ``10 log10(sum s^2 / sum (s - e)^2)``, with sums over samples and channels.

    Parameters
    ----------
    reference, estimate : float arrays of one shape
        True and estimated signal, s and e.

    Returns
    -------
    float
        Ratio in dB. NaN for a silent reference; 0 for a silent estimate; 100 for a perfect one.

    Examples
    --------
    >>> reference = np.array([[1.0], [-1.0], [1.0]])
    >>> round(sdr(reference, 0.9 * reference), 6)
    20.0
    """
    parts = [(np.sum(s**2), np.sum((s - e) ** 2)) for s, e in _blocks(reference, estimate)]
    return _decibels(*np.sum(parts, axis=0))


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Compute the scale-invariant SDR (Le Roux et al., 2019, eq. 5); one scale for all channels.

    Parameters
    ----------
    reference, estimate : float arrays of one shape
        True and estimated signal.

    Returns
    -------
    float
        Ratio in dB. NaN for a silent reference; -100 for a silent estimate; 100 for a perfect one.

    Examples
    --------
    >>> reference = np.array([[1.0], [-1.0], [1.0]])
    >>> si_sdr(reference, 0.5 * reference)
    100.0
    """
    parts = [(np.sum(s**2), np.sum(s * e)) for s, e in _blocks(reference, estimate)]
    energy, product = np.sum(parts, axis=0)
    if energy == 0:
        return np.nan
    scale = product / energy
    error = sum(np.sum((e - scale * s) ** 2) for s, e in _blocks(reference, estimate))
    return _decibels(scale**2 * energy, error, silent=-LIMIT_DB)


def bss_eval(
    vocals: np.ndarray,
    accompaniment: np.ndarray,
    vocals_estimate: np.ndarray,
    accompaniment_estimate: np.ndarray,
    sample_rate: int,
) -> dict[str, float]:
    """Compute BSSEval v4 of the vocals, like museval.

    Parameters
    ----------
    vocals, accompaniment : float arrays, (samples, channels)
        True sources.
    vocals_estimate, accompaniment_estimate : float arrays, (samples, channels)
        Estimated sources.
    sample_rate : int
        Rate in Hz.

    Returns
    -------
    dict
        ``sdr``, ``sir``, ``sar``, ``isr`` in dB: medians over windows of one second in which no
        signal is silent. All are NaN if there is no such window.
    """
    references = _signals(vocals, accompaniment)
    estimates = [_signals(vocals_estimate, accompaniment_estimate)]
    (by_window,) = bsseval.evaluate(references, estimates, len(vocals), sample_rate)
    return _medians(by_window)


def score_song(
    mixture: np.ndarray,
    vocals: np.ndarray,
    vocals_estimate: np.ndarray,
    sample_rate: int,
    accompaniment_estimate: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score one estimate of a song by both protocols; see :func:`score_estimates`.

    Parameters
    ----------
    mixture, vocals, vocals_estimate : float arrays, (samples, channels)
        Mixture, true vocals and estimated vocals.
    sample_rate : int
        Rate in Hz.
    accompaniment_estimate : float array, (samples, channels), optional
        By default the mixture minus the estimated vocals.

    Returns
    -------
    DataFrame
        ``protocol``, ``metric``, ``value`` (dB; NaN where undefined).
    """
    pair = (vocals_estimate, accompaniment_estimate)
    return score_estimates(mixture, vocals, {"": pair}, sample_rate).drop(columns="estimate")


def score_estimates(
    mixture: np.ndarray,
    vocals: np.ndarray,
    estimates: Mapping[str, tuple[np.ndarray, np.ndarray | None]],
    sample_rate: int,
) -> pd.DataFrame:
    """Score several estimates of one song by both protocols.

    Computations on the references are shared by the estimates. No array as long as the song is
    allocated besides the arguments.

    Parameters
    ----------
    mixture, vocals : float arrays, (samples, channels)
        True signals; the true accompaniment is the mixture minus the vocals.
    estimates : dict of (vocals, accompaniment)
        Arrays like the mixture; if the accompaniment is None, it is the mixture minus the vocals.
    sample_rate : int
        Rate in Hz.

    Returns
    -------
    DataFrame
        ``estimate``, ``protocol``, ``metric``, ``value`` (dB; NaN where undefined, for instance for
        silent vocals).

    Raises
    ------
    ValueError
        If an estimate holds NaN or infinite samples.
    """
    references = _signals(vocals, None, mixture)
    pairs = [_signals(*pair, mixture) for pair in estimates.values()]
    for start in range(0, len(mixture), BLOCK):
        if not all(np.isfinite(pair(slice(start, start + BLOCK))).all() for pair in pairs):
            raise ValueError("the estimate holds NaN or infinite samples")
    rows = []
    by_window = bsseval.evaluate(references, pairs, len(mixture), sample_rate)
    for (name, (estimate, _)), windows in zip(estimates.items(), by_window, strict=True):
        scores = {
            "museval": _medians(windows),
            "global": {"sdr": sdr(vocals, estimate), "si_sdr": si_sdr(vocals, estimate)},
        }
        rows += [(name, p, m, v) for p, values in scores.items() for m, v in values.items()]
    return pd.DataFrame(rows, columns=["estimate", "protocol", "metric", "value"])


def _decibels(signal: float, error: float, silent: float = np.nan) -> float:
    if signal == 0:
        return silent
    if error == 0:
        return LIMIT_DB
    return float(np.clip(10 * np.log10(signal / error), -LIMIT_DB, LIMIT_DB))


def _medians(by_window: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: _median(by_window[name]) for name in METRICS["museval"]}


def _median(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(np.clip(values, -LIMIT_DB, LIMIT_DB))) if len(values) else np.nan


def _blocks(*signals: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Yield the signals block by block, in float64."""
    for start in range(0, len(signals[0]), BLOCK):
        yield [signal[start : start + BLOCK].astype(np.float64) for signal in signals]


def _signals(
    vocals: np.ndarray, accompaniment: np.ndarray | None, mixture: np.ndarray | None = None
) -> bsseval.Signals:
    """Return a function that gives vocals and accompaniment (default: the residual) in float64."""

    def signals(part: slice) -> np.ndarray:
        target = vocals[part]
        if accompaniment is not None:
            rest = accompaniment[part]
        else:
            assert mixture is not None
            rest = mixture[part] - target
        return np.stack([target, rest]).astype(np.float64)

    return signals
