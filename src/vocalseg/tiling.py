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
    all others. The last tile begins early enough to be as full of the song as they are.

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
    past = None  # the last frames before them
    surplus = shared  # mirrored frames at the start, which nobody asked for

    def advance(count, back=0):
        """Estimate ``count`` tiles; the last one from where it would stand ``back`` frames ago."""
        nonlocal frames, fading, past, surplus
        heard = np.concatenate((past, frames), axis=1)
        starts = np.arange(count) * stride
        seen = starts + past.shape[1]
        seen[-1] -= back
        estimates = estimate(np.stack([heard[:, s : s + size] for s in seen]))
        estimates[-1] = np.roll(estimates[-1], -back, axis=1)  # what goes round is past the end
        total = np.zeros((len(frames), count * stride + shared), np.float32)
        total[:, :shared] = fading
        for start, tile in zip(starts, estimates, strict=True):
            total[:, start : start + size] += tile * fade
        done = count * stride
        result = total[:, surplus:done], frames[:, surplus:done]
        past = frames[:, done - stride : done]
        frames, fading, surplus = frames[:, done:], total[:, done:], 0
        return result

    for piece in _mirror_start(pieces, shared):
        if frames is None:
            frames, fading = piece, np.zeros((len(piece), shared), np.float32)
            past = piece[:, :0]
        else:
            frames = np.concatenate((frames, piece), axis=1)
        while frames.shape[1] >= batch * stride + shared:
            yield advance(batch)
    left = 0 if frames is None else frames.shape[1]
    if not left:
        return
    count = -(-left // stride)
    beyond = count * stride - left
    frames = np.pad(frames, ((0, 0), (0, beyond + shared)), "symmetric")
    room = past.shape[1] + (count - 1) * stride  # none, if the song is shorter than a tile
    estimates, mixture = advance(count, back=min(beyond, room))
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
