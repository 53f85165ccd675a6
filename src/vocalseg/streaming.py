"""STFT, its inverse, and resampling of a stream of blocks: as librosa and soxr do to a song."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import scipy.fft
import soxr


class Counter:
    """Counts the samples of a stream that passes by: known in full once it has passed."""

    def __init__(self):
        self.samples = 0

    def count(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.samples += len(block)
            yield block


class Backlog:
    """Keeps what passes by until its counterpart, some way behind in the stream, is ready.

    Parameters
    ----------
    axis : int
        Along which pieces follow each other.
    """

    def __init__(self, axis: int = 0):
        self.axis = axis
        self.pieces: deque[np.ndarray] = deque()

    def keep(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass pieces on and remember them."""
        for piece in pieces:
            self.pieces.append(piece)
            yield piece

    def take(self, count: int | None = None) -> np.ndarray:
        """The oldest ``count`` steps along the axis, fewer where there are no more; or all."""
        taken, missing = [], count
        while self.pieces and missing != 0:
            piece = self.pieces.popleft()
            if missing is not None and piece.shape[self.axis] > missing:
                piece, rest = np.split(piece, [missing], axis=self.axis)
                self.pieces.appendleft(rest)
            if missing is not None:
                missing -= piece.shape[self.axis]
            taken.append(piece)
        return np.concatenate(taken, axis=self.axis) if taken else np.empty(0, np.float32)


def resample(blocks: Iterable[np.ndarray], rate: int, new_rate: int) -> Iterator[np.ndarray]:
    """Change the rate of blocks (samples, channels) with soxr's HQ filter."""
    if rate == new_rate:
        yield from blocks
        return
    stream = None
    for block in blocks:
        if stream is None:
            channels = block.shape[1]
            stream = soxr.ResampleStream(rate, new_rate, channels, dtype="float32", quality="HQ")
        out = stream.resample_chunk(np.ascontiguousarray(block))
        if len(out):
            yield out.reshape(-1, channels)
    if stream is not None:
        out = stream.resample_chunk(np.empty((0, channels), np.float32), last=True)
        if len(out):
            yield out.reshape(-1, channels)


def analyse(blocks: Iterable[np.ndarray], window: np.ndarray, hop: int) -> Iterator[np.ndarray]:
    """Blocks (samples, channels) to centred STFT pieces (channels, rows, k), as librosa frames."""
    size = len(window)
    waiting = None
    for block in blocks:
        if waiting is None:
            waiting = np.zeros((block.shape[1], size // 2), np.float32)
        waiting = np.concatenate((waiting, block.T), axis=1)
        if waiting.shape[1] >= size + 63 * hop:  # enough frames at once to be worth the call
            waiting, piece = _frames(waiting, window, hop)
            yield piece
    if waiting is not None:
        waiting = np.pad(waiting, ((0, 0), (0, size // 2)))
        yield _frames(waiting, window, hop)[1]


def _frames(waiting, window, hop):
    count = 1 + (waiting.shape[1] - len(window)) // hop
    frames = np.lib.stride_tricks.sliding_window_view(waiting, len(window), axis=1)
    frames = frames[:, : count * hop : hop] * window
    spectrum = scipy.fft.rfft(frames, axis=2, workers=-1).swapaxes(1, 2)
    return waiting[:, count * hop :].copy(), spectrum


def synthesise(
    spectra: Iterable[np.ndarray], window: np.ndarray, hop: int, length: Counter
) -> Iterator[np.ndarray]:
    """Inverse of :func:`analyse`: weighted overlap-add, ``length.samples`` samples in all."""
    size = len(window)
    steps = size // hop
    squares = (window**2).reshape(steps, hop)
    sums = weights = None
    dropped, given = size // 2, 0
    for spectrum in spectra:
        channels, _, count = spectrum.shape
        if sums is None:
            sums = np.zeros((channels, steps - 1, hop), np.float32)
            weights = np.zeros((steps - 1, hop), np.float32)
        frames = scipy.fft.irfft(spectrum, size, axis=1, workers=-1).swapaxes(1, 2) * window
        frames = frames.reshape(channels, count, steps, hop)
        sums = np.concatenate((sums, np.zeros((channels, count, hop), np.float32)), axis=1)
        weights = np.concatenate((weights, np.zeros((count, hop), np.float32)))
        for step in range(steps):
            sums[:, step : step + count] += frames[:, :, step]
            weights[step : step + count] += squares[step]
        out = (sums[:, :count] / np.maximum(weights[:count], 1e-8)).reshape(channels, -1).T
        sums, weights = sums[:, count:], weights[count:]
        skip = min(dropped, len(out))
        dropped -= skip
        given += len(out) - skip
        if len(out) > skip:
            yield out[skip:]
    if sums is not None:
        rest = (sums / np.maximum(weights, 1e-8)).reshape(len(sums), -1).T[dropped:]
        yield rest[: length.samples - given]
