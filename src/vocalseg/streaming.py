"""The STFT of a stream of blocks, and back: what librosa does to a whole song, piece by piece."""

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.fft


class Counter:
    """Counts the samples of a stream that passes by: known in full once it has passed."""

    def __init__(self):
        self.samples = 0

    def count(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.samples += len(block)
            yield block


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
        yield out[skip:]
    if sums is not None:
        rest = (sums / np.maximum(weights, 1e-8)).reshape(len(sums), -1).T[dropped:]
        yield rest[: length.samples - given]
