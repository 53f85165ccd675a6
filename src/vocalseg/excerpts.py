"""Which seconds of a song are worth hearing."""

import numpy as np


def cut(
    mixture: np.ndarray,
    vocals: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    seconds: float,
) -> tuple[float, dict[str, np.ndarray]]:
    """Cut out where the true vocals are loudest, or the mixture if they are silent throughout.

    Parameters
    ----------
    mixture, vocals, estimate : float32 arrays, (samples, channels)
    sample_rate : int
        In Hz.
    seconds : float
        Maximum length.

    Returns
    -------
    start : float
        In seconds.
    stems : dict of float32 arrays, (samples, channels)
        ``mixture``, ``vocals`` and ``estimate``.
    """
    part = loudest(vocals if vocals.any() else mixture, round(seconds * sample_rate))
    stems = {"mixture": mixture[part], "vocals": vocals[part], "estimate": estimate[part]}
    return part.start / sample_rate, stems


def loudest(waveform: np.ndarray, length: int) -> slice:
    """The ``length`` samples with the most energy, or all if there are fewer.

    Parameters
    ----------
    waveform : float array, (samples, channels)
    length : int
    """
    length = min(max(length, 1), len(waveform))
    energy = np.sum(waveform**2, axis=1, dtype=np.float64)
    until = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(until[length:] - until[: len(until) - length]))
    return slice(start, start + length)
