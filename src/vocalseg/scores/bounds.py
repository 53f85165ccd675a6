"""What no training is needed for: the floor and the ceilings that every score stands between.

The floor, the mixture as the estimate, needs no function.
"""

import numpy as np

from vocalseg.spectrogram import phase
from vocalseg.streaming import SampleCounter, analyse, synthesise

BLOCK = 2**18  # samples that are transformed at once


def ratio_mask(vocals: np.ndarray, accompaniment: np.ndarray) -> np.ndarray:
    """Ideal ratio mask of magnitudes, ``|V| / (|V| + |A|)``; 0 where both are silent."""
    total = vocals + accompaniment
    return np.divide(vocals, total, out=np.zeros_like(total), where=total > 0)


def ideal_estimates(
    mixture: np.ndarray, vocals: np.ndarray, frame_size: int, hop: int
) -> dict[str, np.ndarray]:
    """Estimates by someone who knows the vocals, each channel on its own, full band.

    Parameters
    ----------
    mixture, vocals : float32 arrays, (samples, channels)
    frame_size, hop : int
        In samples at the waveforms' rate.

    Returns
    -------
    dict of float32 arrays, (samples, channels)
        ``irm``: the ideal ratio mask on the mixture. ``mix_phase``: the true vocal magnitude with
        the mixture's phase, the ceiling of every method that estimates magnitudes alone.
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
