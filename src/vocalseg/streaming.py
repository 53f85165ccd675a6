"""STFT, inverse STFT and resampling of a stream of blocks, equal to those of the whole song."""

from collections import deque
from collections.abc import Iterable, Iterator

import numpy as np
import soxr

from vocalseg.spectrogram import normalised, overlap_add, transform


class SampleCounter:
    """Count the samples of a stream; the total is known when the stream is exhausted."""

    def __init__(self):
        self.samples = 0

    def count(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the blocks unchanged and add up their lengths."""
        for block in blocks:
            self.samples += len(block)
            yield block


class DelayBuffer:
    """First-in, first-out buffer that delays a stream until results derived from it are ready.

    Parameters
    ----------
    axis : int
        Axis along which pieces follow each other.
    """

    def __init__(self, axis: int = 0):
        self.axis = axis
        self.kept: deque[np.ndarray] = deque()

    def keep(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Yield the pieces unchanged and append them to the buffer."""
        for piece in pieces:
            self.kept.append(piece)
            yield piece

    def pieces(self, count: int | None = None) -> Iterator[np.ndarray]:
        """Remove and yield the oldest ``count`` steps along the axis (by default all)."""
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
        """Remove and return the oldest ``count`` steps as one array; see :meth:`pieces`."""
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
    """Compute the STFT of blocks (samples, channels), centred, with a Hann window.

    Parameters
    ----------
    blocks : iterable of float32 arrays, (samples, channels)
        Song in blocks of any length.
    frame_size, hop : int
        Frame length and distance in samples.

    Yields
    ------
    complex64 array, (channels, frames, frame_size / 2 + 1)
        Consecutive frames. The bins of a frame are contiguous in memory, as the FFT needs them.
    """
    half = frame_size // 2
    waiting = None
    for block in blocks:
        if waiting is None:
            waiting = np.zeros((block.shape[1], half), np.float32)
        waiting = np.concatenate((waiting, block.T), axis=1)
        if waiting.shape[1] >= frame_size + 63 * hop:  # 64 frames, to amortise the call
            piece = transform(waiting, frame_size, hop)
            waiting = waiting[:, piece.shape[1] * hop :].copy()
            yield piece
    if waiting is not None:
        yield transform(np.pad(waiting, ((0, 0), (0, half))), frame_size, hop)


def synthesise(
    spectra: Iterable[np.ndarray], hop: int, length: SampleCounter
) -> Iterator[np.ndarray]:
    """Invert :func:`analyse`: yield blocks (samples, channels), ``length.samples`` in total."""
    tail = None  # sums and weights that the next spectra add to
    position = 0  # of the next sample; negative in the padding before the song
    for spectrum in spectra:
        sums, weights = overlap_add(spectrum, hop)
        count = spectrum.shape[1]
        if tail is None:
            position = -(spectrum.shape[2] - 1)  # half a frame, because frames are centred
        else:
            sums[:, : tail[0].shape[1]] += tail[0]
            weights[: len(tail[1])] += tail[1]
        block = normalised(sums[:, :count], weights[:count]).T
        tail = sums[:, count:], weights[count:]
        skip = min(max(-position, 0), len(block))
        position += len(block)
        if len(block) > skip:
            yield block[skip:]
    if tail is not None:
        rest = normalised(*tail).T[max(-position, 0) :]
        yield rest[: length.samples - max(position, 0)]
