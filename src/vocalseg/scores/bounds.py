"""Bounds of every score that need no training: upper bounds from ideal estimates.

The lower bound, the unprocessed mixture as the estimate, needs no function.
"""

import numpy as np

from vocalseg.spectrogram import phase
from vocalseg.streaming import SampleCounter, analyse, synthesise

BLOCK = 2**18  # samples per block of the STFT


def ratio_mask(vocals: np.ndarray, accompaniment: np.ndarray) -> np.ndarray:
    """Return the ideal ratio mask of magnitudes, ``|V| / (|V| + |A|)``; 0 where both are silent."""
    total = vocals + accompaniment
    return np.divide(vocals, total, out=np.zeros_like(total), where=total > 0)


def ideal_estimates(
    mixture: np.ndarray, vocals: np.ndarray, frame_size: int, hop: int
) -> dict[str, np.ndarray]:
    """Compute estimates from the true vocals, separately for each channel, at full bandwidth.

    Parameters
    ----------
    mixture, vocals : float32 arrays, (samples, channels)
        True signals.
    frame_size, hop : int
        Frame length and distance in samples at the waveforms' rate.

    Returns
    -------
    dict of float32 arrays, (samples, channels)
        ``irm``: the mixture multiplied by the ideal ratio mask. ``mix_phase``: the true vocal
        magnitude with the mixture's phase, an upper bound for all methods that estimate only
        magnitudes.
    """
    channels, length = mixture.shape[1], SampleCounter()

    def blocks(signal: np.ndarray):
        return (signal[i : i + BLOCK] for i in range(0, len(signal), BLOCK))

    def spectra():
        mixtures = analyse(length.count(blocks(mixture)), frame_size, hop)
        for x, v in zip(mixtures, analyse(blocks(vocals), frame_size, hop), strict=True):
            irm = ratio_mask(np.abs(v), np.abs(x - v)) * x
            yield np.concatenate([irm, np.abs(v) * phase(x)])

    estimates = {name: np.empty(mixture.shape, np.float32) for name in ("irm", "mix_phase")}
    start = 0
    for piece in synthesise(spectra(), hop, length):
        for i, estimate in enumerate(estimates.values()):
            estimate[start : start + len(piece)] = piece[:, i * channels : (i + 1) * channels]
        start += len(piece)
    return estimates
