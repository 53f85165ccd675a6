"""Choose the seconds of a song that are worth listening to."""

import numpy as np


def cut_excerpt(
    mixture: np.ndarray,
    vocals: np.ndarray,
    estimate: np.ndarray,
    sample_rate: int,
    seconds: float,
) -> tuple[float, dict[str, np.ndarray]]:
    """Cut all stems where the true vocals are loudest, or the mixture if the vocals are silent.

    Parameters
    ----------
    mixture, vocals, estimate : float32 arrays, (samples, channels)
        Stems of equal length.
    sample_rate : int
        Rate in Hz.
    seconds : float
        Maximum length.

    Returns
    -------
    start : float
        Start of the excerpt in seconds.
    stems : dict of float32 arrays, (samples, channels)
        ``mixture``, ``vocals`` and ``estimate``.
    """
    part = loudest(vocals if vocals.any() else mixture, round(seconds * sample_rate))
    stems = {"mixture": mixture[part], "vocals": vocals[part], "estimate": estimate[part]}
    return part.start / sample_rate, stems


def loudest(waveform: np.ndarray, length: int) -> slice:
    """Return the slice of ``length`` samples (fewer if there are fewer) with the most energy.

    Parameters
    ----------
    waveform : float array, (samples, channels)
        Signal.
    length : int
        Number of samples.

    Returns
    -------
    slice
        Of the first axis.

    Examples
    --------
    >>> loudest(np.array([[0.0], [0.1], [0.9], [0.8], [0.0]]), 2)
    slice(2, 4, None)
    """
    length = min(max(length, 1), len(waveform))
    energy = np.sum(waveform**2, axis=1, dtype=np.float64)
    until = np.concatenate([[0.0], np.cumsum(energy)])
    start = int(np.argmax(until[length:] - until[: len(until) - length]))
    return slice(start, start + length)
