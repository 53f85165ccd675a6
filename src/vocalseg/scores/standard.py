"""The field's protocols, for one song at its own rate and channels, and over a test set.

``museval``
    BSSEval v4 as in SiSEC: windows of one second, one 512-tap filter for the song, median over the
    windows, then over songs.
``global``
    The whole song at once: the SDR of the MDX challenges, and the SI-SDR; mean over songs.
"""

import museval
import numpy as np
import pandas as pd

from vocalseg.scores import LIMIT_DB
from vocalseg.scores.summary import METRICS


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
    reference = np.asarray(reference, dtype=np.float64)
    return _decibels(np.sum(reference**2), np.sum((reference - estimate) ** 2))


def si_sdr(reference: np.ndarray, estimate: np.ndarray) -> float:
    """Scale-invariant SDR (Le Roux et al., 2019, eq. 5), all channels under one scale.

    Returns
    -------
    float
        In dB. NaN for a silent reference; -100 for a silent estimate; 100 for a scaled reference.
    """
    reference = np.asarray(reference, dtype=np.float64)
    energy = np.sum(reference**2)
    if energy == 0:
        return np.nan
    target = np.sum(reference * estimate) / energy * reference
    return _decibels(np.sum(target**2), np.sum((estimate - target) ** 2), silent=-LIMIT_DB)


def bss_eval(
    vocals: np.ndarray,
    accompaniment: np.ndarray,
    vocals_estimate: np.ndarray,
    accompaniment_estimate: np.ndarray,
    sample_rate: int,
) -> dict[str, float]:
    """BSSEval v4 of the vocals, by museval.

    Parameters
    ----------
    vocals, accompaniment, vocals_estimate, accompaniment_estimate : arrays, (samples, channels)
    sample_rate : int
        In Hz.

    Returns
    -------
    dict
        ``sdr``, ``sir``, ``sar``, ``isr`` in dB: medians over the windows of one second in which
        nothing is silent. All NaN if a signal is silent throughout, which BSSEval does not define.
    """
    signals = [vocals, accompaniment], [vocals_estimate, accompaniment_estimate]
    references, estimates = (np.stack(pair).astype(np.float64) for pair in signals)
    if not (references.any(axis=(1, 2)) & estimates.any(axis=(1, 2))).all():
        return dict.fromkeys(METRICS["museval"], np.nan)
    by_window = museval.evaluate(references, estimates, win=sample_rate, hop=sample_rate)
    names = ("sdr", "isr", "sir", "sar")
    scores = {name: _median(values[0]) for name, values in zip(names, by_window, strict=True)}
    return {name: scores[name] for name in METRICS["museval"]}


def score_song(
    mixture: np.ndarray,
    vocals: np.ndarray,
    vocals_estimate: np.ndarray,
    sample_rate: int,
    accompaniment_estimate: np.ndarray | None = None,
) -> pd.DataFrame:
    """Score one song by both protocols.

    Parameters
    ----------
    mixture, vocals, vocals_estimate : float arrays, (samples, channels)
        The accompaniment is the mixture minus the vocals, for the reference and, unless it is
        given, for the estimate.

    Returns
    -------
    DataFrame
        ``protocol``, ``metric``, ``value`` (dB; NaN where not defined: silent vocals).

    Raises
    ------
    ValueError
        If the estimate holds NaN or infinite samples.
    """
    if accompaniment_estimate is None:
        accompaniment_estimate = mixture - vocals_estimate
    if not (np.isfinite(vocals_estimate).all() and np.isfinite(accompaniment_estimate).all()):
        raise ValueError("the estimate holds NaN or infinite samples")
    scores = {
        "museval": bss_eval(
            vocals, mixture - vocals, vocals_estimate, accompaniment_estimate, sample_rate
        ),
        "global": {
            "sdr": sdr(vocals, vocals_estimate),
            "si_sdr": si_sdr(vocals, vocals_estimate),
        },
    }
    return pd.DataFrame(
        [(p, m, v) for p, values in scores.items() for m, v in values.items()],
        columns=["protocol", "metric", "value"],
    )


def _decibels(signal: float, error: float, silent: float = np.nan) -> float:
    if signal == 0:
        return silent
    if error == 0:
        return LIMIT_DB
    return float(np.clip(10 * np.log10(signal / error), -LIMIT_DB, LIMIT_DB))


def _median(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(np.clip(values, -LIMIT_DB, LIMIT_DB))) if len(values) else np.nan
