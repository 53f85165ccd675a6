"""Waveform to spectrogram to tiles, and back (paper, section III-A).

A spectrogram is complex64, (bins + 1, frames) with ``bins = frame_size / 2``: centred frames, Hann
window, ``frames = 1 + samples // hop``. The network sees magnitudes of the lower ``bins`` rows, cut
into tiles of (bins, tile_frames).
"""

import librosa
import numpy as np


def stft(waveform: np.ndarray, frame_size: int, hop: int) -> np.ndarray:
    """Short-time Fourier transform (paper, eq. 1), centred, Hann.

    Parameters
    ----------
    waveform : float32 array, (..., samples)

    Returns
    -------
    complex64 array, (..., frame_size / 2 + 1, 1 + samples // hop)
    """
    if waveform.shape[-1] == 0:
        raise ValueError("no samples")
    return librosa.stft(waveform, n_fft=frame_size, hop_length=hop, window="hann")


def istft(spectrogram: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """Inverse of :func:`stft` with all its rows; exactly ``samples`` long, float32."""
    return librosa.istft(spectrogram, hop_length=hop, window="hann", length=samples)


def phase(spectrogram: np.ndarray) -> np.ndarray:
    """Unit-magnitude complex64 phase; 1 where the magnitude is zero."""
    return librosa.magphase(spectrogram)[1]


def tiles(spectrogram: np.ndarray, tile_frames: int) -> np.ndarray:
    """Cut into whole tiles side by side; the highest bin and the rest of the song are dropped.

    Parameters
    ----------
    spectrogram : array, (bins + 1, frames), any dtype

    Returns
    -------
    array, (frames // tile_frames, bins, tile_frames), a view where NumPy can give one
    """
    bins, count = spectrogram.shape[0] - 1, spectrogram.shape[1] // tile_frames
    whole = spectrogram[:bins, : count * tile_frames]
    return whole.reshape(bins, count, tile_frames).swapaxes(0, 1)


def tile_count(samples: int, hop: int, tile_frames: int) -> int:
    """Number of whole tiles of a waveform: what :func:`tiles` of its :func:`stft` gives."""
    return (1 + samples // hop) // tile_frames


def tile_waveforms(magnitudes: np.ndarray, phases: np.ndarray, hop: int) -> np.ndarray:
    """Each tile on its own back to a waveform, with the dropped highest bin as zero.

    Parameters
    ----------
    magnitudes, phases : float32 and complex64 arrays, (n, bins, tile_frames)

    Returns
    -------
    float32 array, (n, (tile_frames - 1) * hop)
    """
    spectra = np.pad(magnitudes * phases, ((0, 0), (0, 1), (0, 0)))
    return librosa.istft(spectra, hop_length=hop, window="hann")
