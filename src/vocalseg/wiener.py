"""Multichannel Wiener filter, which also uses the position of sources in the stereo image."""

import norbert
import numpy as np

#: Maximum number of frames that share a spatial model; 7 seconds at 44,100 Hz.
WINDOW = 300


def windows(frames: int) -> list[int]:
    """Return the lengths of windows of nearly equal size that cover a number of frames."""
    return [len(part) for part in np.array_split(range(frames), -(-frames // WINDOW))]


def refine(vocals: np.ndarray, mixture: np.ndarray, iterations: int) -> np.ndarray:
    """Refine an estimate of the vocals by expectation-maximization (Duong et al., 2010).

    Vocals and accompaniment are each modelled by a power spectrogram and, in each bin, a spatial
    covariance matrix that is constant over the given frames. The Wiener filter of this model
    separates the mixture again.

    Parameters
    ----------
    vocals, mixture : complex64 arrays, (channels, frames, bins)
        Initial estimate and mixture; not changed.
    iterations : int
        Number of iterations; with 0, the result is ``vocals``.

    Returns
    -------
    complex64 array, (channels, frames, bins)
        Refined estimate of the vocals.
    """
    x = mixture.transpose(1, 2, 0).astype(np.complex128)
    first = vocals.transpose(1, 2, 0).astype(np.complex128)
    level = max(1.0, float(np.abs(x).max()) / 10)  # the scale that norbert's regularisation assumes
    sources = np.stack([first, x - first], axis=-1) / level
    refined, _, _ = norbert.expectation_maximization(sources, x / level, iterations)
    return (refined[..., 0] * level).transpose(2, 0, 1).astype(np.complex64)
