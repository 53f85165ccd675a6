"""What no training is needed for: the floor and the ceilings that every score stands between.

The floor, the mixture as the estimate, needs no function.
"""

import numpy as np

from vocalseg.spectrogram import istft, phase, stft


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
    samples = len(mixture)
    x, v = (stft(signal.T, frame_size, hop) for signal in (mixture, vocals))
    spectra = {
        "irm": ratio_mask(np.abs(v), np.abs(x - v)) * x,
        "mix_phase": np.abs(v) * phase(x),
    }
    return {name: istft(spectrum, hop, samples).T for name, spectrum in spectra.items()}
