"""Scaling of tiles (paper, section III-C): statistics of the mixture tile, apply, undo.

A statistic is taken along an axis of the tile (bins, frames):

``frequency``
    one for each frequency bin, over the tile's frames;
``time``
    one for each frame, over its bins.

Every scaler is the same map ``(x - offset) / scale``; only the statistics differ. They come from
the mixture alone and are applied to mixture and vocals, since a singer's statistics are not known
when a song is separated.
"""

import math

import numpy as np

_AXIS = {"frequency": 2, "time": 1}


def statistics(mixture: np.ndarray, axis: str, scaler: str) -> tuple[np.ndarray, np.ndarray]:
    """Offset and scale of each tile.

    Parameters
    ----------
    mixture : float32 array, (n, bins, frames)
        Magnitudes, at least 0.
    axis : {"frequency", "time"}
    scaler : {"minmax", "robust", "max"}
        ``minmax``: minimum and range. ``robust``: median and interquartile range. Both have their
        formulas in section III-C. ``max``: 0 and maximum, what the published code calls min/max.

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
    flat = scale < 10 * np.finfo(scale.dtype).eps
    return offset.astype(np.float32), np.where(flat, 1, scale).astype(np.float32)


def apply(tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Scale tiles, (n, bins, frames), with their own mixture's statistics."""
    return (tiles - offset) / scale


def undo(tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Back from scaled tiles to magnitudes: the inverse of :func:`apply`."""
    return tiles * scale + offset


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


_SCALERS = {"minmax": _minmax, "robust": _robust, "max": _max}
