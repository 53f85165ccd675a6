"""The field's protocols, for one song at its own rate and channels, and over a test set.

``museval``
    BSSEval v4 as in SiSEC: windows of one second, one 512-tap filter for the song, median over the
    windows, then over songs.
``global``
    The whole song at once: the SDR of the MDX challenges, and the SI-SDR; mean over songs.
"""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from vocalseg.scores import LIMIT_DB, bsseval
from vocalseg.scores.summary import METRICS

BLOCK = 2**16  # samples that are held in float64 at once


def sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Signal-to-distortion ratio of the MDX challenges: ``10 log10(sum s^2 / sum (s - e)^2)``.

    Parameters
    ----------
    reference, estimate : float arrays of one shape
        Summed over samples and channels.

    Returns
    -------
    float
        In dB. NaN for a silent reference; 0 for a silent estimate; 100 for a perfect one.
    """
    parts = [(np.sum(s**2), np.sum((s - e) ** 2)) for s, e in _blocks(reference, estimate)]
    return _decibels(*np.sum(parts, axis=0))


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant SDR (Le Roux et al., 2019, eq. 5), all channels under one scale.

    Returns
    -------
    float
        In dB. NaN for a silent reference; -100 for a silent estimate; 100 for a scaled reference.
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
    """BSSEval v4 of the vocals, as museval computes it.

    Parameters
    ----------
    vocals, accompaniment, vocals_estimate, accompaniment_estimate : arrays, (samples, channels)
    sample_rate : int
        In Hz.

    Returns
    -------
    dict
        ``sdr``, ``sir``, ``sar``, ``isr`` in dB: medians over the windows of one second in which
        nothing is silent. All NaN if there is no such window.
    """
    references = _pair(vocals, accompaniment)
    estimates = [_pair(vocals_estimate, accompaniment_estimate)]
    (by_window,) = bsseval.evaluate(references, estimates, len(vocals), sample_rate)
    return _medians(by_window)


def score_song(
    mixture: np.ndarray,
    vocals: np.ndarray,
    vocals_estimate: np.ndarray,
    sample_rate: int,
    accompaniment_estimate: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score one estimate of a song by both protocols: :func:`score_estimates` of one.

    Parameters
    ----------
    accompaniment_estimate : array, (samples, channels), optional
        The mixture minus the estimated vocals, unless it is given.
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

    They share what the references cost. Nothing as long as the song is held in memory beside the
    arguments.

    Parameters
    ----------
    mixture, vocals : float arrays, (samples, channels)
        The true accompaniment is the mixture minus the vocals.
    estimates : dict of (vocals, accompaniment)
        Arrays like the mixture; for None the accompaniment is the mixture minus the vocals.
    sample_rate : int
        In Hz.

    Returns
    -------
    DataFrame
        ``estimate``, ``protocol``, ``metric``, ``value`` (dB; NaN where not defined: silent
        vocals).

    Raises
    ------
    ValueError
        If an estimate holds NaN or infinite samples.
    """
    references = _pair(vocals, None, mixture)
    pairs = [_pair(*pair, mixture) for pair in estimates.values()]
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
    """The signals block by block, in float64."""
    for start in range(0, len(signals[0]), BLOCK):
        yield [signal[start : start + BLOCK].astype(np.float64) for signal in signals]


def _pair(
    vocals: np.ndarray, accompaniment: np.ndarray | None, mixture: np.ndarray | None = None
) -> bsseval.Signals:
    """Vocals and accompaniment in float64, part by part; without one, what the vocals leave."""

    def signals(part: slice) -> np.ndarray:
        target = vocals[part]
        rest = mixture[part] - target if accompaniment is None else accompaniment[part]
        return np.stack([target, rest]).astype(np.float64)

    return signals
