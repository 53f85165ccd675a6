"""Scaling of tiles (paper, section III-C): statistics of the mixture tile, apply, undo.

A statistic is taken along an axis of the tile (bins, frames):

``frequency``
    one for each frequency bin, over the tile's frames;
``time``
    one for each frame, over its bins.

Every scaler is the same map ``(x - offset) / scale``; only the statistics differ. They come from
the mixture alone and are applied to mixture and vocals, since a singer's statistics are not known
when a song is separated. In that map ``log`` and ``standard``, which the paper does not have, take
``log(1 + magnitude)`` for x.
"""

import math

import numpy as np

_AXIS = {"frequency": 2, "time": 1}

#: Scalers that compress magnitudes first.
LOGARITHMIC = ("log", "standard")


def statistics(mixture: np.ndarray, axis: str, scaler: str) -> tuple[np.ndarray, np.ndarray]:
    """Offset and scale of each tile.

    Parameters
    ----------
    mixture : float32 array, (n, bins, frames)
        Magnitudes, at least 0.
    axis : {"frequency", "time"}
    scaler : {"minmax", "robust", "max", "log"}
        ``minmax``: minimum and range. ``robust``: median and interquartile range. Both have their
        formulas in section III-C. ``max``: 0 and maximum, what the published code calls min/max.
        ``log``: 0 and 1, the logarithm itself, whatever the axis.

    Returns
    -------
    offset, scale : float32 arrays
        (n, bins, 1) for ``frequency``, (n, 1, frames) for ``time``. A scale below ten times
        float32's resolution, 1.2e-6, counts as 1, by scikit-learn's rule: such values are only
        shifted. (The published code's ``max`` divides by every maximum but zero.)

    Raises
    ------
    KeyError
        For an unknown axis or scaler.
    """
    offset, scale = _SCALERS[scaler](mixture, _AXIS[axis])
    return offset.astype(np.float32), _not_flat(scale)


def of_data_set(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Offset and scale of ``standard``: mean and standard deviation of each bin over a data set.

    Parameters
    ----------
    parts : float64 array, (k, 3, bins)
        What :func:`moments` gives for parts of the data set.

    Returns
    -------
    offset, scale : float32 arrays, (1, bins, 1)
    """
    count, first, second = parts.sum(axis=0)
    mean = first / count
    deviation = np.sqrt(np.maximum(second / count - mean**2, 0))
    mean, deviation = (x.astype(np.float32)[None, :, None] for x in (mean, deviation))
    return mean, _not_flat(deviation)


def moments(mixture: np.ndarray) -> np.ndarray:
    """Number, sum and sum of squares of each bin's logarithms, float64 (3, bins)."""
    x = np.log1p(mixture, dtype=np.float64)
    count = np.full(x.shape[1], x.shape[0] * x.shape[2])
    return np.stack([count, x.sum(axis=(0, 2)), (x**2).sum(axis=(0, 2))])


def _not_flat(scale):
    flat = scale < 10 * np.finfo(scale.dtype).eps
    return np.where(flat, 1, scale).astype(np.float32)


def apply(
    tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray, log: bool = False
) -> np.ndarray:
    """Scale tiles, (n, bins, frames), with their own mixture's statistics.

    ``log`` says that the scaler is one of :data:`LOGARITHMIC`.
    """
    return ((np.log1p(tiles) if log else tiles) - offset) / scale


def undo(
    tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray, log: bool = False
) -> np.ndarray:
    """Back from scaled tiles to magnitudes: the inverse of :func:`apply`."""
    x = tiles * scale + offset
    return np.expm1(x) if log else x


def _minmax(x, axis):
    low = x.min(axis=axis, keepdims=True)
    return low, x.max(axis=axis, keepdims=True) - low


def _robust(x, axis):
    ordered = np.sort(x, axis=axis)  # np.percentile does the same, ten times as slowly
    low, median, high = (_quantile(ordered, part, axis) for part in (0.25, 0.5, 0.75))
    return median, high - low


def _quantile(ordered, part, axis):
    """Linear between the two nearest of the sorted values; float64."""
    place = part * (ordered.shape[axis] - 1)
    below = np.take(ordered, [math.floor(place)], axis).astype(np.float64)
    above = np.take(ordered, [math.ceil(place)], axis)
    return below + place % 1 * (above - below)


def _max(x, axis):
    high = x.max(axis=axis, keepdims=True)
    return np.zeros_like(high), high


def _none(x, axis):
    one = np.ones_like(x.take([0], axis))
    return np.zeros_like(one), one


_SCALERS = {"minmax": _minmax, "robust": _robust, "max": _max, "log": _none}
