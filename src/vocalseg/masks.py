"""Time-frequency masks, in [0, 1]."""

import numpy as np


def ratio_mask(estimate: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    """Divide an estimated magnitude by the mixture's (0 where that is silent), clipped to [0, 1].

    Parameters
    ----------
    estimate, mixture : float32 arrays of one shape
        Magnitudes.

    Returns
    -------
    float32 array
        Mask of the same shape.

    Examples
    --------
    >>> ratio_mask(np.float32([1, 3, -1, 1]), np.float32([2, 2, 2, 0]))
    array([0.5, 1. , 0. , 0. ], dtype=float32)
    """
    ratio = np.divide(estimate, mixture, out=np.zeros_like(mixture), where=mixture > 0)
    return np.clip(ratio, 0, 1, out=ratio)


def soft_mask(vocals: np.ndarray, accompaniment: np.ndarray) -> np.ndarray:
    """Compute the mask ``V^2 / (V^2 + A^2)`` of two estimates; 0 where both are silent.

    It is the Wiener filter of two sources with known power (Liutkus and Badeau, 2015).

    Parameters
    ----------
    vocals, accompaniment : float32 arrays of one shape
        Estimated magnitudes V and A; negative values are taken as 0.

    Returns
    -------
    float32 array
        Mask of the same shape.

    Examples
    --------
    >>> soft_mask(np.float32([1, 2, -1, 0]), np.float32([1, 1, 1, 0]))
    array([0.5, 0.8, 0. , 0. ], dtype=float32)
    """
    power, other = (np.square(np.maximum(x, 0)) for x in (vocals, accompaniment))
    whole = power + other
    return np.divide(power, whole, out=np.zeros_like(power), where=whole > 0)


def full_band(mask: np.ndarray, mixture: np.ndarray, rows: int, extend: bool) -> np.ndarray:
    """Extend a mask of the network's band to the whole spectrum.

    Parameters
    ----------
    mask, mixture : float32 arrays, (frames, bins)
        Mask and magnitude of the mixture; the magnitude weights the mean described below, so that
        silent bins do not count.
    rows : int
        Number of bins of the whole spectrum.
    extend : bool
        Whether bins above the band get the frame's mean over the upper quarter of the band;
        otherwise they get 0.

    Returns
    -------
    float32 array, (frames, rows)
        Mask of the whole spectrum.
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
