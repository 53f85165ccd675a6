"""Loudness according to ITU-R BS.1770-4, and gains that make signals equally loud."""

import numpy as np
import soxr
from scipy.signal import lfilter

RATE = 48_000  # Hz; the standard's filters are for this rate
#: Numerator and denominator of the two stages of the K weighting (BS.1770-4, tables 1 and 2).
STAGES = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285),
     (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)  # fmt: skip
BLOCK, STEP = 0.4, 0.1  # s
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0  # LUFS; LU

TARGET = -18.0  # LUFS
LARGEST_GAIN = 20.0  # dB


def loudness(waveform: np.ndarray, sample_rate: int) -> float:
    """Compute the integrated loudness, with absolute and relative gate (ITU-R BS.1770-4).

    A signal shorter than a block of 0.4 s is treated as one block.

    Parameters
    ----------
    waveform : float array, (samples, channels)
        One or two channels; the standard gives both the weight 1.
    sample_rate : int
        In Hz.

    Returns
    -------
    float
        In LUFS; -inf for silence.

    Examples
    --------
    The standard's example, a sine of 997 Hz with amplitude 1 in one channel:

    >>> sine = np.sin(2 * np.pi * 997 * np.arange(96_000) / 48_000)
    >>> round(loudness(sine[:, np.newaxis], 48_000), 2)
    -3.01
    """
    weighted = soxr.resample(np.asarray(waveform, dtype=np.float64), sample_rate, RATE)
    for numerator, denominator in STAGES:
        weighted = lfilter(numerator, denominator, weighted, axis=0)
    power = np.sum(weighted**2, axis=1)
    length = min(round(BLOCK * RATE), len(power))
    if length == 0:
        return -np.inf
    until = np.concatenate([[0.0], np.cumsum(power)])
    starts = np.arange(0, len(power) - length + 1, round(STEP * RATE))
    blocks = (until[starts + length] - until[starts]) / length
    blocks = blocks[_lufs(blocks) > ABSOLUTE_GATE]
    if len(blocks) == 0:
        return -np.inf
    gate = _lufs(blocks.mean()) + RELATIVE_GATE
    return float(_lufs(blocks[_lufs(blocks) > gate].mean()))


def gains(waveforms: list[np.ndarray], sample_rate: int) -> list[float]:
    """Compute gains that make signals equally loud without clipping.

    The common loudness is :data:`TARGET`, or lower if the peak of a signal would exceed 1. Gains
    are limited to :data:`LARGEST_GAIN`, so that nearly silent signals remain quiet; the gain of
    silence is 0 dB.

    Parameters
    ----------
    waveforms : list of float arrays, (samples, channels)
        Signals.
    sample_rate : int
        In Hz.

    Returns
    -------
    list of float
        In dB, rounded to 0.1.
    """
    levels = [loudness(waveform, sample_rate) for waveform in waveforms]
    peaks = [np.abs(waveform).max(initial=0) for waveform in waveforms]
    heard = [(level, peak) for level, peak in zip(levels, peaks, strict=True) if level > -np.inf]
    common = min([TARGET, *(level - 20 * np.log10(peak) for level, peak in heard)])
    return [
        round(float(min(common - level, LARGEST_GAIN)), 1) if level > -np.inf else 0.0
        for level in levels
    ]


def _lufs(power: np.ndarray | float) -> np.ndarray | float:
    with np.errstate(divide="ignore"):
        return -0.691 + 10 * np.log10(power)
