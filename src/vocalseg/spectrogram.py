"""Convert waveforms to spectrograms and tiles, and back (paper, section III-A).

A spectrogram is complex64, (bins + 1, frames) with ``bins = frame_size / 2``: centred frames, Hann
window, ``frames = 1 + samples // hop``. The network's input is the magnitude of the lower ``bins``
rows, cut into tiles of (bins, tile_frames).

All results equal librosa's up to rounding (tests compare them); librosa is not used because its
import would take seconds in each stage.
"""

import numpy as np
import scipy.fft

BLOCK = 2**17  # samples per FFT call, so that the data stays in the processor's cache


def hann(size: int) -> np.ndarray:
    """Return the periodic Hann window for an STFT, float32, (size,).

    Parameters
    ----------
    size : int
        Length in samples.

    Returns
    -------
    float32 array, (size,)
        ``0.5 - 0.5 cos(2 pi n / size)``.

    Examples
    --------
    >>> hann(4)
    array([0. , 0.5, 1. , 0.5], dtype=float32)
    """
    return (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)).astype(np.float32)


def stft(waveform: np.ndarray, frame_size: int, hop: int) -> np.ndarray:
    """Compute the short-time Fourier transform (paper, eq. 1): centred frames, Hann window.

    Parameters
    ----------
    waveform : float32 array, (..., samples)
        Signal, padded with zeros at both ends.
    frame_size, hop : int
        Frame length and distance in samples.

    Returns
    -------
    complex64 array, (..., frame_size / 2 + 1, 1 + samples // hop)
        Spectrogram.

    Raises
    ------
    ValueError
        If there are no samples.

    Examples
    --------
    >>> spectrogram = stft(np.ones(1000, np.float32), frame_size=64, hop=16)
    >>> spectrogram.shape
    (33, 63)
    >>> np.allclose(istft(spectrogram, hop=16, samples=1000), 1, atol=1e-6)
    True
    """
    if waveform.shape[-1] == 0:
        raise ValueError("no samples")
    pad = [(0, 0)] * (waveform.ndim - 1) + [(frame_size // 2, frame_size // 2)]
    return transform(np.pad(waveform, pad), frame_size, hop).swapaxes(-1, -2)


def istft(spectrogram: np.ndarray, hop: int, samples: int) -> np.ndarray:
    """Invert :func:`stft`.

    Parameters
    ----------
    spectrogram : complex64 array, (..., frame_size / 2 + 1, frames)
        All rows of the spectrogram.
    hop : int
        Frame distance in samples.
    samples : int
        Length of the result.

    Returns
    -------
    float32 array, (..., samples)
        Waveform.
    """
    waveform = normalised(*overlap_add(spectrogram.swapaxes(-1, -2), hop))
    start = spectrogram.shape[-2] - 1  # half a frame
    waveform = waveform[..., start : start + samples]
    missing = samples - waveform.shape[-1]
    return np.pad(waveform, [(0, 0)] * (waveform.ndim - 1) + [(0, missing)])


def transform(waveform: np.ndarray, frame_size: int, hop: int) -> np.ndarray:
    """Compute the windowed FFT of all complete frames, not centred.

    Parameters
    ----------
    waveform : float32 array, (..., samples)
        Signal.
    frame_size, hop : int
        Frame length and distance in samples.

    Returns
    -------
    complex64 array, (..., frames, frame_size / 2 + 1)
        One spectrum per frame.
    """
    window = hann(frame_size)
    frames = np.lib.stride_tricks.sliding_window_view(waveform, frame_size, axis=-1)[..., ::hop, :]
    spectra = np.empty((*frames.shape[:-1], frame_size // 2 + 1), np.complex64)
    block = max(1, BLOCK // frame_size)
    for i in range(0, frames.shape[-2], block):
        spectra[..., i : i + block, :] = scipy.fft.rfft(frames[..., i : i + block, :] * window)
    return spectra


def overlap_add(spectra: np.ndarray, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Compute the windowed inverse FFT of frames and their overlap-add, not centred.

    Parameters
    ----------
    spectra : complex64 array, (..., frames, bins + 1)
        One spectrum per frame.
    hop : int
        Frame distance in samples; must divide the frame size.

    Returns
    -------
    sums : float32 array, (..., steps, hop)
        Samples times their weights, ``steps = frames + frame_size / hop - 1``.
    weights : float32 array, (steps, hop)
        Sums of the squared windows.
    """
    frames, size = spectra.shape[-2], 2 * (spectra.shape[-1] - 1)
    window, steps = hann(size), size // hop
    squares = (window**2).reshape(steps, hop)
    sums = np.zeros((*spectra.shape[:-2], frames + steps - 1, hop), np.float32)
    weights = np.zeros((frames + steps - 1, hop), np.float32)
    block = max(1, BLOCK // size)
    for i in range(0, frames, block):
        pieces = scipy.fft.irfft(spectra[..., i : i + block, :], size)
        pieces *= window
        pieces = pieces.reshape(*pieces.shape[:-1], steps, hop)
        end = i + pieces.shape[-3]
        for step in range(steps):
            sums[..., i + step : end + step, :] += pieces[..., step, :]
            weights[i + step : end + step] += squares[step]
    return sums, weights


def normalised(sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Divide the sums of :func:`overlap_add` by their weights, (..., steps * hop)."""
    waveform = sums / np.where(weights > np.finfo(np.float32).tiny, weights, 1)
    return waveform.reshape(*waveform.shape[:-2], -1)


def phase(spectrogram: np.ndarray) -> np.ndarray:
    """Return the phase as unit-magnitude complex64; 1 where the magnitude is zero."""
    magnitude = np.abs(spectrogram)
    silent = magnitude == 0
    magnitude[silent] = 1
    unit = np.empty_like(spectrogram)
    np.divide(spectrogram.real, magnitude, out=unit.real)
    np.divide(spectrogram.imag, magnitude, out=unit.imag)
    unit.real[silent] = 1
    return unit


def tiles(spectrogram: np.ndarray, tile_frames: int) -> np.ndarray:
    """Cut a spectrogram into adjacent tiles; the highest bin and an incomplete tile are dropped.

    Parameters
    ----------
    spectrogram : array, (bins + 1, frames)
        Any dtype.
    tile_frames : int
        Frames per tile.

    Returns
    -------
    array, (frames // tile_frames, bins, tile_frames)
        A view where NumPy can provide one.

    Examples
    --------
    >>> tiles(np.zeros((513, 300)), tile_frames=128).shape
    (2, 512, 128)
    """
    bins, count = spectrogram.shape[0] - 1, spectrogram.shape[1] // tile_frames
    whole = spectrogram[:bins, : count * tile_frames]
    return whole.reshape(bins, count, tile_frames).swapaxes(0, 1)


def tile_count(samples: int, hop: int, tile_frames: int) -> int:
    """Return the number of complete tiles that :func:`tiles` gives for a waveform."""
    return (1 + samples // hop) // tile_frames


def tile_waveforms(magnitudes: np.ndarray, phases: np.ndarray, hop: int) -> np.ndarray:
    """Invert each tile on its own, with zeros for the dropped highest bin.

    Parameters
    ----------
    magnitudes : float32 array, (n, bins, tile_frames)
        Magnitudes of the tiles.
    phases : complex64 array, (n, bins, tile_frames)
        Unit-magnitude phases; see :func:`phase`.
    hop : int
        Frame distance in samples.

    Returns
    -------
    float32 array, (n, (tile_frames - 1) * hop)
        Waveforms.
    """
    count, bins, frames = magnitudes.shape
    waveforms = np.empty((count, (frames - 1) * hop), np.float32)
    spectrum = np.zeros((frames, bins + 1), np.complex64)
    for waveform, magnitude, unit in zip(waveforms, magnitudes, phases, strict=True):
        np.multiply(magnitude.T, unit.T, out=spectrum[:, :bins])
        whole = normalised(*overlap_add(spectrum, hop))
        waveform[:] = whole[bins : bins + len(waveform)]
    return waveforms
