"""Waveform to spectrogram to tiles, and back (paper, section III-A).

A spectrogram is complex64, (bins + 1, frames) with ``bins = frame_size / 2``: centred frames, Hann
window, ``frames = 1 + samples // hop``. The network sees magnitudes of the lower ``bins`` rows, cut
into tiles of (bins, tile_frames).

All is what librosa gives, to rounding (tests compare), without the seconds that its import takes in
each stage.
"""

import numpy as np
import scipy.fft

BLOCK = 256  # frames: what is transformed at once stays in the processor's cache


def hann(size: int) -> np.ndarray:
    """Hann window for the STFT (periodic), float32, (size,)."""
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


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
    pad = [(0, 0)] * (waveform.ndim - 1) + [(frame_size // 2, frame_size // 2)]
    return transform(np.pad(waveform, pad), frame_size, hop).swapaxes(-1, -2)


def istft(spectrogram: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """Inverse of :func:`stft` with all its rows; exactly ``samples`` long, float32."""
    waveform = normalised(*overlap_add(spectrogram.swapaxes(-1, -2), hop))
    start = spectrogram.shape[-2] - 1  # half a frame
    waveform = waveform[..., start : start + samples]
    missing = samples - waveform.shape[-1]
    return np.pad(waveform, [(0, 0)] * (waveform.ndim - 1) + [(0, missing)])


def transform(waveform: np.ndarray, frame_size: int, hop: int) -> np.ndarray:
    """Windowed FFT of all whole frames, not centred.

    Parameters
    ----------
    waveform : float32 array, (..., samples)

    Returns
    -------
    complex64 array, (..., frames, frame_size / 2 + 1)
    """
    window = hann(frame_size)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, frame_size, axis=-1)[..., ::hop, :]
    spectra = np.empty((*frames.shape[:-1], frame_size // 2 + 1), np.complex64)
    for i in range(0, frames.shape[-2], BLOCK):
        spectra[..., i : i + BLOCK, :] = scipy.fft.rfft(frames[..., i : i + BLOCK, :] * window)
    return spectra


def overlap_add(spectra: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Windowed inverse FFT of frames, added where they overlap, from start to end, not centred.

    Parameters
    ----------
    spectra : complex64 array, (..., frames, bins + 1)
    hop : int
        A whole part of the frame.

    Returns
    -------
    sums : float32 array, (..., steps, hop)
        The samples times their weights, ``steps = frames + frame_size / hop - 1``.
    weights : float32 array, (steps, hop)
        Sums of the squared windows.
    """
    frames, size = spectra.shape[-2], 2 * (spectra.shape[-1] - 1)
    window, steps = hann(size), size // hop
    squares = (window**2).reshape(steps, hop)
    sums = np.zeros((*spectra.shape[:-2], frames + steps - 1, hop), np.float32)
    weights = np.zeros((frames + steps - 1, hop), np.float32)
    for i in range(0, frames, BLOCK):
        pieces = scipy.fft.irfft(spectra[..., i : i + BLOCK, :], size) * window
        pieces = pieces.reshape(*pieces.shape[:-1], steps, hop)
        end = i + pieces.shape[-3]
        for step in range(steps):
            sums[..., i + step : end + step, :] += pieces[..., step, :]
            weights[i + step : end + step] += squares[step]
    return sums, weights


def normalised(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What :func:`overlap_add` gives to samples, (..., steps * hop)."""
    waveform = sums / np.where(weights > np.finfo(np.float32).tiny, weights, 1)
    return waveform.reshape(*waveform.shape[:-2], -1)


def phase(spectrogram: np.ndarray) -> np.ndarray:
    """Unit-magnitude complex64 phase; 1 where the magnitude is zero."""
    magnitude = np.abs(spectrogram)
    silent = magnitude == 0
    magnitude[silent] = 1
    unit = np.empty_like(spectrogram)
    np.divide(spectrogram.real, magnitude, out=unit.real)
    np.divide(spectrogram.imag, magnitude, out=unit.imag)
    unit.real[silent] = 1
    return unit


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
    count, bins, frames = magnitudes.shape
    waveforms = np.empty((count, (frames - 1) * hop), np.float32)
    spectrum = np.zeros((frames, bins + 1), np.complex64)
    for waveform, magnitude, unit in zip(waveforms, magnitudes, phases, strict=True):
        np.multiply(magnitude.T, unit.T, out=spectrum[:, :bins])
        whole = normalised(*overlap_add(spectrum, hop))
        waveform[:] = whole[bins : bins + len(waveform)]
    return waveforms
