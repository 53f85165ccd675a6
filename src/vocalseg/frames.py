"""Spectra of frames at arbitrary positions of a song, optionally with another pitch or tempo."""

import numpy as np
import scipy.fft
import soxr

from vocalseg.spectrogram import hann


def spectrum(
    waveform: np.ndarray,
    subtract: np.ndarray | None,
    start: int,
    frames: int,
    frame_size: int,
    hop: int,
    semitones: float = 0.0,
    tempo: float = 1.0,
) -> np.ndarray:
    """Compute spectra of a song that is transposed and played at another tempo.

    The song is transposed by resampling, so its tempo changes as well, as on a tape that runs
    faster. Any further change of tempo is made by the distance between frames: the magnitudes are
    those of the new tempo, but phases are not consistent from frame to frame. Both operations are
    linear: frames of the sources add up to frames of their mixture.

    Parameters
    ----------
    waveform : float32 array, (samples,)
        Song; silence is assumed around it.
    subtract : float32 array, (samples,), optional
        Source to subtract from ``waveform``.
    start : int
        Sample at the centre of the first frame.
    frames : int
        Number of frames.
    frame_size, hop : int
        Frame length and distance in samples.
    semitones : float
        Transposition, positive upwards.
    tempo : float
        Factor of the tempo, in addition to that of the transposition.

    Returns
    -------
    complex64 array, (frame_size / 2, frames)
        Spectra without the highest bin.
    """
    ratio = 2 ** (semitones / 12)
    reach = round(frame_size / 2 * ratio)
    spare = 0 if ratio == 1 else 32 + reach  # for the resampler's edges
    first = start - reach - spare
    last = start + round((frames - 1) * hop * tempo * ratio) + reach + spare
    piece = _within(waveform, first, last)
    if subtract is not None:
        piece -= _within(subtract, first, last)
    if ratio != 1:
        piece = soxr.resample(piece, ratio, 1.0, quality="HQ")
    centres = (reach + spare) / ratio + np.arange(frames) * hop * tempo
    starts = np.rint(centres).astype(int) - frame_size // 2
    return frame_spectra(piece, starts, frame_size)[:-1]


def frame_spectra(waveform: np.ndarray, starts: np.ndarray, frame_size: int) -> np.ndarray:
    """Compute the windowed FFT of frames at arbitrary positions.

    Parameters
    ----------
    waveform : float32 array, (samples,)
        Signal.
    starts : int array, (frames,)
        First sample of each frame; all frames must lie within the waveform.
    frame_size : int
        Frame length in samples.

    Returns
    -------
    complex64 array, (frame_size / 2 + 1, frames)
        Spectra.
    """
    frames = waveform[starts[:, np.newaxis] + np.arange(frame_size)]
    return scipy.fft.rfft(frames * hann(frame_size)).T


def _within(waveform: np.ndarray, first: int, last: int) -> np.ndarray:
    """Return samples from ``first`` up to ``last``, with zeros outside the waveform."""
    piece = np.zeros(last - first, np.float32)
    inside = slice(max(first, 0), max(min(last, len(waveform)), 0))
    found = waveform[inside]
    piece[inside.start - first : inside.start - first + len(found)] = found
    return piece
