"""Spectrograms of signals that arrive in blocks, in the memory of their pictures."""

from collections.abc import Sequence

import numpy as np

from vocalseg.report.spectrograms import FRAME_SECONDS, ROWS, decibels, edges, rows, top
from vocalseg.spectrogram import transform

COLUMNS = 480


class StreamedSpectrogram:
    """Mean power in mel rows over time, of one signal.

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
        """Append samples (samples, channels), float32."""
        self._waiting = np.concatenate((self._waiting, block.mean(axis=1)))
        if len(self._waiting) >= self.frame:
            power = np.abs(transform(self._waiting, self.frame, self.hop)) ** 2
            self._waiting = self._waiting[len(power) * self.hop :]
            self._power.append(rows(power.T, self.edges).astype(np.float32))

    def power(self) -> np.ndarray:
        """Mean power, (ROWS, frames), the lowest frequency first."""
        return np.concatenate([np.zeros((ROWS, 0), np.float32), *self._power], axis=1)


def levels(spectra: Sequence[StreamedSpectrogram], seconds: float) -> np.ndarray:
    """Spectrograms of signals that belong together, on one scale.

    Parameters
    ----------
    spectra : sequence of StreamedSpectrogram
        Of the same sample rate and as many samples.
    seconds : float
        Where the time axis ends; what has not arrived yet is silent.

    Returns
    -------
    float32 array, (signals, ROWS, at most COLUMNS)
        In dB as :func:`vocalseg.report.spectrograms.decibels`.
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
