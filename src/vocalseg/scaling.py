"""Scale tiles with statistics of the mixture (paper, section III-C): compute, apply, undo.

A statistic is computed along an axis of the tile (bins, frames):

``frequency``
    one for each frequency bin, over the tile's frames;
``time``
    one for each frame, over its bins.

Every scaler is the map ``(x - offset) / scale``; only the statistics differ. They are computed from
the mixture alone and applied to mixture and vocals, since the vocals' statistics are unknown when a
song is separated. For ``log`` and ``standard``, which are not in the paper, x is
``log(1 + magnitude)``.
"""

import math

import numpy as np

_ARRAY_AXIS = {"frequency": 2, "time": 1}

#: Scalers that are applied to ``log(1 + magnitude)``.
LOGARITHMIC = ("log", "standard")


def statistics(mixture: np.ndarray, axis: str, scaler: str) -> tuple[np.ndarray, np.ndarray]:
    """Compute offset and scale of each tile.

    Parameters
    ----------
    mixture : float32 array, (n, bins, frames)
        Magnitudes, at least 0.
    axis : {"frequency", "time"}
        Whether there is a statistic per bin or per frame.
    scaler : {"minmax", "robust", "max", "log"}
        ``minmax``: minimum and range. ``robust``: median and interquartile range. Section III-C of
        the paper has the formulas of both. ``max``: 0 and maximum, which the published code calls
        min/max. ``log``: 0 and 1 for both axes, that is, the logarithm itself.

    Returns
    -------
    offset, scale : float32 arrays
        (n, bins, 1) for ``frequency``, (n, 1, frames) for ``time``. A scale below ten times the
        machine epsilon of float32 (1.2e-6) is replaced by 1, as in scikit-learn: such values are
        only shifted. The published code's ``max`` divides by every maximum except zero.

    Raises
    ------
    KeyError
        For an unknown axis or scaler.

    Examples
    --------
    >>> offset, scale = statistics(np.array([[[1, 3], [0, 8]]], np.float32), "frequency", "minmax")
    >>> offset.ravel(), scale.ravel()
    (array([1., 0.], dtype=float32), array([2., 8.], dtype=float32))
    """
    offset, scale = _SCALERS[scaler](mixture, _ARRAY_AXIS[axis])
    return offset.astype(np.float32), _nonzero_scale(scale)


def data_set_statistics(parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Compute the statistics of ``standard``: mean and deviation of each bin over all tiles.

    Parameters
    ----------
    parts : float64 array, (k, 3, bins)
        Results of :func:`moments` for k parts of the data set.

    Returns
    -------
    offset, scale : float32 arrays, (1, bins, 1)
        Mean and standard deviation of ``log(1 + magnitude)``.
    """
    count, first, second = parts.sum(axis=0)
    mean = first / count
    deviation = np.sqrt(np.maximum(second / count - mean**2, 0))
    mean, deviation = (x.astype(np.float32)[None, :, None] for x in (mean, deviation))
    return mean, _nonzero_scale(deviation)


def moments(mixture: np.ndarray) -> np.ndarray:
    """Return count, sum and sum of squares of ``log(1 + magnitude)`` per bin, float64 (3, bins)."""
    x = np.log1p(mixture, dtype=np.float64)
    count = np.full(x.shape[1], x.shape[0] * x.shape[2])
    return np.stack([count, x.sum(axis=(0, 2)), (x**2).sum(axis=(0, 2))])


def _nonzero_scale(scale):
    """Replace scales that are zero up to rounding by 1."""
    flat = scale < 10 * np.finfo(scale.dtype).eps
    return np.where(flat, 1, scale).astype(np.float32)


def apply(
    tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray, log: bool = False
) -> np.ndarray:
    """Scale tiles with the statistics of their own mixtures.

    Parameters
    ----------
    tiles : float32 array, (n, bins, frames)
        Magnitudes.
    offset, scale : float32 arrays
        Results of :func:`statistics` or :func:`data_set_statistics`.
    log : bool
        Whether the scaler is one of :data:`LOGARITHMIC`.

    Returns
    -------
    float32 array, (n, bins, frames)
        ``(x - offset) / scale``.

    Examples
    --------
    >>> mixture = np.array([[[1, 3], [0, 8]]], np.float32)
    >>> offset, scale = statistics(mixture, "frequency", "minmax")
    >>> apply(mixture, offset, scale)
    array([[[0., 1.],
            [0., 1.]]], dtype=float32)
    >>> np.array_equal(undo(apply(mixture, offset, scale), offset, scale), mixture)
    True
    """
    return ((np.log1p(tiles) if log else tiles) - offset) / scale


def undo(
    tiles: np.ndarray, offset: np.ndarray, scale: np.ndarray, log: bool = False
) -> np.ndarray:
    """Convert scaled tiles back to magnitudes; inverse of :func:`apply` with the same arguments."""
    x = tiles * scale + offset
    return np.expm1(x) if log else x


def _minmax(x, axis):
    low = x.min(axis=axis, keepdims=True)
    return low, x.max(axis=axis, keepdims=True) - low


def _robust(x, axis):
    ordered = np.sort(x, axis=axis)  # np.percentile gives the same but takes ten times as long
    low, median, high = (_quantile(ordered, part, axis) for part in (0.25, 0.5, 0.75))
    return median, high - low


def _quantile(ordered, part, axis):
    """Interpolate linearly between the two nearest of the sorted values; float64."""
    place = part * (ordered.shape[axis] - 1)
    below = np.take(ordered, [math.floor(place)], axis).astype(np.float64)
    above = np.take(ordered, [math.ceil(place)], axis)
    return below + place % 1 * (above - below)


def _max(x, axis):
    high = x.max(axis=axis, keepdims=True)
    return np.zeros_like(high), high


def _identity(x, axis):
    one = np.ones_like(x.take([0], axis))
    return np.zeros_like(one), one


_SCALERS = {"minmax": _minmax, "robust": _robust, "max": _max, "log": _identity}
