"""Overlapping tiles of a stream of frames, estimated separately and cross-faded."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np


def crossfade(
    pieces: Iterable[np.ndarray],
    estimate: Callable[[np.ndarray], np.ndarray],
    size: int,
    shared: int,
    batch: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Apply a function of tiles to a song of any length.

    The first tile begins at the start of the song and the last one ends at its end, so that no tile
    is padded. Only a song shorter than a tile is mirrored to fill one.

    Parameters
    ----------
    pieces : iterable of float32 arrays, (bins, k)
        Consecutive frames of the song, in pieces of any length.
    estimate : callable
        Function from tiles (n, bins, size) to estimates of the same shape.
    size : int
        Frames per tile.
    shared : int
        Frames shared by neighbouring tiles, at most half a tile; the estimates are cross-faded
        linearly there.
    batch : int
        Number of tiles to estimate at once.

    Yields
    ------
    estimates, frames : float32 arrays, (bins, k)
        Estimates with the corresponding frames of the input, in pieces of any length; in total all
        frames, in order.

    Examples
    --------
    >>> song = np.arange(10, dtype=np.float32).reshape(1, 10)
    >>> pieces = crossfade([song[:, :3], song[:, 3:]], lambda tiles: 2 * tiles, 4, 2, batch=2)
    >>> np.concatenate([estimates for estimates, _ in pieces], axis=1)
    array([[ 0.,  2.,  4.,  6.,  8., 10., 12., 14., 16., 18.]], dtype=float32)
    """
    stride = size - shared
    rise = (np.arange(shared, dtype=np.float32) + 0.5) / max(shared, 1)
    fade = np.concatenate((rise, np.ones(stride - shared, np.float32), rise[::-1]))
    frames: np.ndarray | None = None  # not yet estimated
    past: np.ndarray | None = None  # the frames before them
    fading: np.ndarray | None = None  # faded end of the last tile, which overlaps the next one

    def advance(count, back=0):
        """Estimate ``count`` tiles; the last one is shifted ``back`` frames into the past."""
        nonlocal frames, past, fading
        assert past is not None and frames is not None
        available = np.concatenate((past, frames), axis=1)
        starts = np.arange(count) * stride
        first = past.shape[1] + starts
        first[-1] -= back
        estimates = estimate(np.stack([available[:, s : s + size] for s in first]))
        estimates[-1] = np.roll(estimates[-1], -back, axis=1)  # wrapped frames are beyond the end
        total = np.zeros((len(frames), count * stride + shared), np.float32)
        # The first tile has no predecessor: its start is not faded.
        total[:, :shared] = estimates[0, :, :shared] * rise[::-1] if fading is None else fading
        for start, tile in zip(starts, estimates, strict=True):
            total[:, start : start + size] += tile * fade
        done = count * stride
        result = total[:, :done], frames[:, :done]
        past, frames, fading = frames[:, done - stride : done], frames[:, done:], total[:, done:]
        return *result, estimates[-1, :, stride:]

    for piece in pieces:
        if frames is None:
            frames, past = piece, piece[:, :0]
        else:
            frames = np.concatenate((frames, piece), axis=1)
        while frames.shape[1] > batch * stride + shared:
            yield advance(batch)[:2]
    if frames is None or past is None or not frames.shape[1]:
        return
    left = frames.shape[1]
    count = max(1, -(-(left - shared) // stride))
    missing = count * stride + shared - left
    frames = np.pad(frames, ((0, 0), (0, missing)), "symmetric")
    before = past.shape[1] + (count - 1) * stride
    estimates, mixture, tail = advance(count, back=min(missing, before))
    # The last tile has no successor: its end is not faded.
    estimates = np.concatenate((estimates, fading + tail * rise), axis=1)
    yield estimates[:, :left], np.concatenate((mixture, frames), axis=1)[:, :left]
