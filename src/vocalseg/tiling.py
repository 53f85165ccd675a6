"""Overlapping tiles of a stream of frames, each estimated on its own, faded into each other."""

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

    The song is mirrored at both ends, so that its first and last frames stand inside a tile like
    all others.

    Parameters
    ----------
    pieces : iterable of float32 arrays, (bins, k)
        The song's frames in order, in any cuts.
    estimate : callable
        Tiles (n, bins, size) to as many estimates of the same shape.
    size, shared : int
        Frames of a tile, and how many it shares with the next, at most half of it; over those the
        estimates fade linearly into each other.
    batch : int
        Tiles to estimate at once.

    Yields
    ------
    estimates, frames : float32 arrays, (bins, k)
        In other cuts than the input's; all frames once, in order.
    """
    stride = size - shared
    fade = _fade(size, shared)
    frames = fading = None  # not yet estimated; what the last tile gives to the frames to come
    surplus = shared  # mirrored frames at the start, which nobody asked for

    def advance(count):
        nonlocal frames, fading, surplus
        starts = np.arange(count) * stride
        estimates = estimate(np.stack([frames[:, s : s + size] for s in starts])) * fade
        total = np.zeros((len(frames), count * stride + shared), np.float32)
        total[:, :shared] = fading
        for start, tile in zip(starts, estimates, strict=True):
            total[:, start : start + size] += tile
        done = count * stride
        result = total[:, surplus:done], frames[:, surplus:done]
        frames, fading, surplus = frames[:, done:], total[:, done:], 0
        return result

    for piece in _mirror_start(pieces, shared):
        if frames is None:
            frames, fading = piece, np.zeros((len(piece), shared), np.float32)
        else:
            frames = np.concatenate((frames, piece), axis=1)
        while frames.shape[1] >= batch * stride + shared:
            yield advance(batch)
    left = 0 if frames is None else frames.shape[1]
    if not left:
        return
    count = -(-left // stride)
    frames = np.pad(frames, ((0, 0), (0, count * stride + shared - left)), "symmetric")
    beyond = count * stride - left
    estimates, mixture = advance(count)
    end = estimates.shape[1] - beyond
    yield estimates[:, :end], mixture[:, :end]


def _fade(size: int, shared: int) -> np.ndarray:
    """Weight of each frame of a tile: neighbours' weights add to 1 where they overlap."""
    ramp = (np.arange(shared, dtype=np.float32) + 0.5) / max(shared, 1)
    return np.concatenate((ramp, np.ones(size - 2 * shared, np.float32), ramp[::-1]))


def _mirror_start(pieces: Iterable[np.ndarray], shared: int) -> Iterator[np.ndarray]:
    """Put the mirror image of the first ``shared`` frames before them."""
    start = None
    for piece in pieces:
        if start is None or start.shape[1] < shared:
            start = piece if start is None else np.concatenate((start, piece), axis=1)
            if start.shape[1] >= shared:
                yield np.pad(start, ((0, 0), (shared, 0)), "symmetric")
        else:
            yield piece
    if start is not None and start.shape[1] < shared:
        yield np.pad(start, ((0, 0), (shared, 0)), "symmetric")
