"""Spectra of frames of a song, from any place, transposed or faster."""

import numpy as np
import scipy.fft
import soxr

from vocalseg.spectrogram import hann


def spectrum(
    waveform: np.ndarray,
    less: np.ndarray | None,
    start: int,
    frames: int,
    frame_size: int,
    hop: int,
    semitones: float = 0.0,
    tempo: float = 1.0,
) -> np.ndarray:
    """Frames of a song that is transposed and played faster, without its highest bin.

    Resampling transposes, as a tape does that runs faster. The distance of frames says how fast the
    result is beyond that: their magnitudes are those of another tempo, but their phases do not fit
    from one frame to the next. Either way frames of sources add up to those of their mixture.

    Parameters
    ----------
    waveform, less : float32 arrays, (samples,)
        The latter, if there is one, is taken away from the former; silence surrounds them.
    start : int
        Sample on which the first frame is centred.
    semitones : float
        Upwards.
    tempo : float
        Factor, beside the one by which a transposed song is faster.

    Returns
    -------
    complex64 array, (frame_size / 2, frames)
    """
    ratio = 2 ** (semitones / 12)
    reach = round(frame_size / 2 * ratio)
    spare = 0 if ratio == 1 else 32 + reach  # for the resampler's edges
    first = start - reach - spare
    last = start + round((frames - 1) * hop * tempo * ratio) + reach + spare
    piece = _within(waveform, first, last)
    if less is not None:
        piece -= _within(less, first, last)
    if ratio != 1:
        piece = soxr.resample(piece, ratio, 1.0, quality="HQ")
    centres = (reach + spare) / ratio + np.arange(frames) * hop * tempo
    starts = np.rint(centres).astype(int) - frame_size // 2
    return framed(piece, starts, frame_size)[:-1]


def framed(waveform: np.ndarray, starts: np.ndarray, frame_size: int) -> np.ndarray:
    """Windowed FFT of the frames that begin at ``starts``, which need not be evenly apart.

    Parameters
    ----------
    waveform : float32 array, (samples,)
    starts : int array, (frames,)
        All frames lie within the waveform.

    Returns
    -------
    complex64 array, (frame_size / 2 + 1, frames)
    """
    frames = waveform[starts[:, np.newaxis] + np.arange(frame_size)]
    return scipy.fft.rfft(frames * hann(frame_size)).T


def _within(waveform: np.ndarray, first: int, last: int) -> np.ndarray:
    """Samples from ``first`` up to ``last``; zeros outside the waveform."""
    piece = np.zeros(last - first, np.float32)
    inside = slice(max(first, 0), max(min(last, len(waveform)), 0))
    found = waveform[inside]
    piece[inside.start - first : inside.start - first + len(found)] = found
    return piece
