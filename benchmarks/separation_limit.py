"""Measure how short a separation can be, compared with the forward pass of its network.

    python -m benchmarks.separation_limit

Straight-line code separates stereo noise with the paper's network and 16 filters: without
resampling and for one size of frames and tiles only, but with fewer copies than
``Separator.stream``, and with one thread or one for each channel. The table gives its time relative
to the forward pass of the same tiles in the same run: the median of the repetitions, and the range.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.fft

from benchmarks.separation import print_from_subprocess, random_separator, seconds_of
from vocalseg import masks, scaling
from vocalseg.estimator import Estimator
from vocalseg.spectrogram import hann

SIZE, HOP, STEPS = 4096, 1024, 4  # of the STFT at 44,100 Hz
BINS, FRAMES, SHARED, TILES = 512, 128, 16, 4
STRIDE = FRAMES - SHARED
COUNT = TILES * STRIDE  # frames of a batch
BLOCK = 64  # frames that fit into the cache
BATCHES, REPEATS = 12, 7


class Stream:
    """Separates a stream of blocks, each of ``COUNT * HOP`` samples."""

    def __init__(self, estimator: Estimator, threads: int):
        self.network, self.pool = estimator.network, ThreadPoolExecutor(threads)
        self.window = hann(SIZE)
        self.weight = np.float32(HOP / np.square(self.window).sum())
        rise = (np.arange(SHARED, dtype=np.float32) + 0.5) / SHARED
        flat = np.ones(STRIDE - SHARED, np.float32)
        self.fade = np.concatenate((rise, flat, rise[::-1]))
        # What a batch leaves for the next one.
        self.samples = np.zeros((2, SIZE - HOP), np.float32)
        self.magnitudes = np.zeros((SHARED, BINS), np.float32)
        self.fading = np.zeros((SHARED, BINS), np.float32)
        self.sums = np.zeros((2, STEPS - 1, HOP), np.float32)

    def separate(self, block: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Separate a block (samples, 2)."""
        samples = np.empty((2, COUNT * HOP + SIZE - HOP), np.float32)
        spectra = np.empty((2, COUNT, SIZE // 2 + 1), np.complex64)

        def analyse(channel: int) -> None:
            x = samples[channel]
            x[: SIZE - HOP], x[SIZE - HOP :] = self.samples[channel], block[:, channel]
            frames = np.lib.stride_tricks.sliding_window_view(x, SIZE)[::HOP]
            for i in range(0, COUNT, BLOCK):
                windowed = frames[i : i + BLOCK] * self.window
                spectra[channel, i : i + BLOCK] = scipy.fft.rfft(windowed)

        def synthesise(channel: int) -> tuple[np.ndarray, np.ndarray]:
            spectrum = spectra[channel]
            spectrum[:, :BINS] *= mask
            spectrum[:, BINS:] *= above
            sums = np.zeros((COUNT + STEPS - 1, HOP), np.float32)
            sums[: STEPS - 1] = self.sums[channel]
            for i in range(0, COUNT, BLOCK):
                pieces = scipy.fft.irfft(spectrum[i : i + BLOCK], SIZE)
                pieces *= self.window
                pieces = pieces.reshape(-1, STEPS, HOP)
                for step in range(STEPS):
                    sums[i + step : i + step + len(pieces)] += pieces[:, step]
            self.sums[channel] = sums[COUNT:]
            vocals = sums[:COUNT]
            vocals *= self.weight
            vocals = vocals.reshape(-1)
            return vocals, samples[channel, : COUNT * HOP] - vocals

        list(self.pool.map(analyse, range(2)))
        self.samples = samples[:, COUNT * HOP :].copy()
        mixture = np.abs(spectra[0, :, :BINS] + spectra[1, :, :BINS]) / (2 * STEPS)
        mask, frames = self._mask(mixture)
        upper = slice(3 * BINS // 4, None)
        weight = frames[:, upper] + np.finfo(np.float32).tiny
        above = ((mask[:, upper] * weight).sum(axis=1) / weight.sum(axis=1))[:, np.newaxis]
        return list(self.pool.map(synthesise, range(2)))

    def _mask(self, mixture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Estimate the mask of the oldest ``COUNT`` frames; return it with their magnitudes."""
        frames = np.concatenate((self.magnitudes, mixture))
        self.magnitudes = frames[COUNT:]
        starts = range(0, COUNT, STRIDE)
        tiles = np.stack([frames[start : start + FRAMES].T for start in starts])
        offset, scale = scaling.statistics(tiles, "frequency", "minmax")
        output = np.asarray(self.network(scaling.apply(tiles, offset, scale)[..., np.newaxis]))
        estimate = masks.ratio_mask(scaling.undo(output[..., 0], offset, scale), tiles)
        estimate *= self.fade
        mask = np.zeros((COUNT + SHARED, BINS), np.float32)
        mask[:SHARED] = self.fading
        for start, tile in zip(starts, estimate, strict=True):
            mask[start : start + FRAMES] += tile.T
        self.fading = mask[COUNT:]
        return mask[:COUNT], frames[:COUNT]


def limit(precision: str, threads: int) -> str:
    """Measure the time of the separation relative to the forward pass, and format a table row."""
    estimator = random_separator(16, precision).estimator
    assert isinstance(estimator, Estimator), "random_separator makes no ensemble"
    stream = Stream(estimator, threads)
    rng = np.random.default_rng(0)
    block = 0.1 * rng.standard_normal((COUNT * HOP, 2), dtype=np.float32)
    tiles = rng.random((TILES, BINS, FRAMES, 1), np.float32)
    for _ in range(3):  # warm up
        stream.separate(block)
    ratios = []
    for _ in range(REPEATS):
        total = seconds_of(lambda: [stream.separate(block) for _ in range(BATCHES)])
        forward = seconds_of(lambda: [estimator.network(tiles) for _ in range(BATCHES)])
        ratios.append(total / forward)
    low, median, high = np.quantile(ratios, (0, 0.5, 1))
    return f"| {precision} | {threads} | {median:.2f} | {low:.2f} to {high:.2f} |"


def main():
    print("| precision | threads | x forward pass | range |\n|---|---:|---:|---:|")
    for precision in ("float32", "bfloat16"):
        for threads in (1, 2):
            print_from_subprocess(limit, precision, threads)


if __name__ == "__main__":
    main()
