"""The multichannel Wiener filter: where a source stands in the stereo image is used, too."""

import norbert
import numpy as np

#: Frames that share a spatial model, at most; 7 seconds at 44,100 Hz.
WINDOW = 300


def windows(frames: int) -> list[int]:
    """Lengths of windows, as equal as can be, that cover a number of frames, at least 1."""
    return [len(part) for part in np.array_split(range(frames), -(-frames // WINDOW))]


def refine(vocals: np.ndarray, mixture: np.ndarray, iterations: int) -> np.ndarray:
    """Refine an estimate of the vocals by expectation-maximization (Duong et al., 2010).

    Vocals and accompaniment each get a power spectrogram and, in each bin, a covariance of their
    channels that holds for all frames given; the filter that follows from both separates again.

    Parameters
    ----------
    vocals, mixture : complex64 arrays, (channels, frames, bins)
        Not changed.
    iterations : int
        At 0, the result is ``vocals``.

    Returns
    -------
    complex64 array, (channels, frames, bins)
    """
    x = mixture.transpose(1, 2, 0).astype(np.complex128)
    first = vocals.transpose(1, 2, 0).astype(np.complex128)
    level = max(1.0, float(np.abs(x).max()) / 10)  # norbert's regularisation supposes such levels
    sources = np.stack([first, x - first], axis=-1) / level
    refined, _, _ = norbert.expectation_maximization(sources, x / level, iterations)
    return (refined[..., 0] * level).transpose(2, 0, 1).astype(np.complex64)
