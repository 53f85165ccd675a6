"""STFT, its inverse, and resampling of a stream of blocks: as librosa and soxr do to a song."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from vocalseg.spectrogram import normalised, overlap_add, transform


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
        self.kept: deque[np.ndarray] = deque()

    def keep(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Pass pieces on and remember them."""
        for piece in pieces:
            self.kept.append(piece)
            yield piece

    def pieces(self, count: int | None = None) -> Iterator[np.ndarray]:
        """The oldest ``count`` steps along the axis, fewer where there are no more; or all."""
        missing = count
        while self.kept and missing != 0:
            piece = self.kept.popleft()
            if missing is not None and piece.shape[self.axis] > missing:
                piece, rest = np.split(piece, [missing], axis=self.axis)
                self.kept.appendleft(rest)
            if missing is not None:
                missing -= piece.shape[self.axis]
            yield piece

    def take(self, count: int | None = None) -> np.ndarray:
        """The same in one piece."""
        pieces = list(self.pieces(count))
        return np.concatenate(pieces, axis=self.axis) if pieces else np.empty(0, np.float32)


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


def analyse(blocks: Iterable[np.ndarray], frame_size: int, hop: int) -> Iterator[np.ndarray]:
    """STFT of blocks (samples, channels), in pieces (channels, k, rows): centred, Hann.

    A frame's rows lie side by side, as the FFT leaves and wants them.
    """
    half = frame_size // 2
    waiting = None
    for block in blocks:
        if waiting is None:
            waiting = np.zeros((block.shape[1], half), np.float32)
        waiting = np.concatenate((waiting, block.T), axis=1)
        if waiting.shape[1] >= frame_size + 63 * hop:  # enough frames to be worth the call
            piece = transform(waiting, frame_size, hop)
            waiting = waiting[:, piece.shape[1] * hop :].copy()
            yield piece
    if waiting is not None:
        yield transform(np.pad(waiting, ((0, 0), (0, half))), frame_size, hop)


def synthesise(spectra: Iterable[np.ndarray], hop: int, length: Counter) -> Iterator[np.ndarray]:
    """Inverse of :func:`analyse`: blocks (samples, channels), ``length.samples`` samples in all."""
    sums = weights = None
    given = 0
    for spectrum in spectra:
        tail = (sums, weights)
        sums, weights = overlap_add(spectrum, hop)
        count = spectrum.shape[1]
        if tail[0] is None:
            given = -(spectrum.shape[2] - 1)  # what centring put before the first sample
        else:
            sums[:, : tail[0].shape[1]] += tail[0]
            weights[: len(tail[1])] += tail[1]
        block = normalised(sums[:, :count], weights[:count]).T
        sums, weights = sums[:, count:], weights[count:]
        skip = min(max(-given, 0), len(block))
        given += len(block)
        if len(block) > skip:
            yield block[skip:]
    if sums is not None:
        rest = normalised(sums, weights).T[max(-given, 0) :]
        yield rest[: length.samples - max(given, 0)]
