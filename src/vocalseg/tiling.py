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

    The first tile begins where the song begins, the last one ends where it ends, so that all are
    full of it. Only a song that is shorter than a tile is mirrored until it fills one.

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
    rise = (np.arange(shared, dtype=np.float32) + 0.5) / max(shared, 1)
    fade = np.concatenate((rise, np.ones(stride - shared, np.float32), rise[::-1]))
    frames = past = None  # not yet estimated, and the last ones before them
    fading = None  # what the last tile gives to the frames to come

    def advance(count, back=0):
        """Estimate ``count`` tiles, the last of them as it stood ``back`` frames ago."""
        nonlocal frames, past, fading
        heard = np.concatenate((past, frames), axis=1)
        starts = np.arange(count) * stride
        seen = past.shape[1] + starts
        seen[-1] -= back
        estimates = estimate(np.stack([heard[:, s : s + size] for s in seen]))
        estimates[-1] = np.roll(estimates[-1], -back, axis=1)  # what goes round is past the end
        total = np.zeros((len(frames), count * stride + shared), np.float32)
        # Nothing is before the first tile: it fades out of itself.
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
    left = 0 if frames is None else frames.shape[1]
    if not left:
        return
    count = max(1, -(-(left - shared) // stride))
    beyond = count * stride + shared - left
    frames = np.pad(frames, ((0, 0), (0, beyond)), "symmetric")
    room = past.shape[1] + (count - 1) * stride
    estimates, mixture, tail = advance(count, back=min(beyond, room))
    # Nothing is after the last tile: it fades into itself.
    estimates = np.concatenate((estimates, fading + tail * rise), axis=1)
    yield estimates[:, :left], np.concatenate((mixture, frames), axis=1)[:, :left]
