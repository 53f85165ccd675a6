"""Spectrograms of signals that arrive in blocks; samples are not kept in memory."""

from collections.abc import Sequence

import numpy as np

from vocalseg.report.spectrograms import FRAME_SECONDS, ROWS, decibels, edges, rows, top
from vocalseg.spectrogram import transform

COLUMNS = 480


class StreamedSpectrogram:
    """Power spectrogram of one signal, with rows equally spaced on the mel scale.

    Parameters
    ----------
    sample_rate : int
        In Hz.
    """

    def __init__(self, sample_rate: int):
        self.frame = 2 ** round(np.log2(FRAME_SECONDS * sample_rate))
        self.hop = self.frame // 2
        self.edges = self.frame / sample_rate * edges(top(sample_rate))
        self.hops_per_second = sample_rate / self.hop
        self._waiting = np.zeros(self.hop, np.float32)
        self._power: list[np.ndarray] = []

    def add(self, block: np.ndarray) -> None:
        """Append a block of the signal, float32, (samples, channels)."""
        self._waiting = np.concatenate((self._waiting, block.mean(axis=1)))
        if len(self._waiting) >= self.frame:
            power = np.abs(transform(self._waiting, self.frame, self.hop)) ** 2
            self._waiting = self._waiting[len(power) * self.hop :]
            self._power.append(rows(power.T, self.edges).astype(np.float32))

    def power(self) -> np.ndarray:
        """Return the power so far, float32, (ROWS, frames); the lowest frequency is first."""
        return np.concatenate([np.zeros((ROWS, 0), np.float32), *self._power], axis=1)


def levels(spectra: Sequence[StreamedSpectrogram], seconds: float) -> np.ndarray:
    """Compute spectrograms of several signals relative to their common maximum.

    Parameters
    ----------
    spectra : sequence of StreamedSpectrogram
        They have the same sample rate and the same number of samples.
    seconds : float
        Length of the time axis; the part after the last sample is silent.

    Returns
    -------
    float32 array, (signals, ROWS, at most COLUMNS)
        In dB, see :func:`vocalseg.report.spectrograms.decibels`.
    """
    power = np.stack([each.power() for each in spectra])
    frames = power.shape[2]
    total = max(frames, round(seconds * spectra[0].hops_per_second), 1)
    columns = min(total, COLUMNS)
    column = np.arange(frames) * columns // total
    means = np.zeros((*power.shape[:2], columns), np.float32)
    if frames:
        starts = np.unique(column, return_index=True)[1]
        counts = np.diff(starts, append=frames)
        means[..., column[starts]] = np.add.reduceat(power, starts, axis=2) / counts
    return decibels(means)
