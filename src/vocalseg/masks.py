"""Masks: shares of a mixture's spectrogram, in [0, 1]."""

import numpy as np


def ratio_mask(estimate: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Estimated magnitude over the mixture's, clipped to [0, 1]; 0 where the mixture is silent.

    Parameters
    ----------
    estimate, mixture : float32 arrays of one shape

    Returns
    -------
    float32 array of the same shape
    """
    ratio = np.divide(estimate, mixture, out=np.zeros_like(mixture), where=mixture > 0)
    return np.clip(ratio, 0, 1, out=ratio)


def soft_mask(vocals: np.ndarray, accompaniment: np.ndarray) -> np.ndarray:
    """V² / (V² + A²) of two estimated magnitudes, negative ones taken as 0; 0 where both are.

    The Wiener filter of two sources whose power is known (Liutkus and Badeau, 2015).
    """
    power, other = (np.square(np.maximum(x, 0)) for x in (vocals, accompaniment))
    whole = power + other
    return np.divide(power, whole, out=np.zeros_like(power), where=whole > 0)


def full_band(mask: np.ndarray, mixture: np.ndarray, rows: int, extend: bool) -> np.ndarray:
    """A mask of the network's band for the whole spectrum.

    Parameters
    ----------
    mask, mixture : float32 arrays, (frames, bins)
        ``mixture`` weights the mean below, so that bins with nothing in them have no say.
    rows : int
        Bins of the whole spectrum.
    extend : bool
        Above the band, a frame gets its mean over the band's upper quarter; otherwise 0.

    Returns
    -------
    float32 array, (frames, rows)
    """
    bins = mask.shape[1]
    full = np.zeros((len(mask), rows), np.float32)
    full[:, :bins] = mask
    if extend:
        upper = slice(3 * bins // 4, None)
        weight = mixture[:, upper] + np.finfo(np.float32).tiny
        mean = (mask[:, upper] * weight).sum(axis=1) / weight.sum(axis=1)
        full[:, bins:] = mean[:, np.newaxis]
    return full
