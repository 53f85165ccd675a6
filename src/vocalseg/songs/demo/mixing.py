"""Mix dry parts to four stems: panning, reverberation, levels, 16-bit quantisation."""

import numpy as np
from scipy import fft, signal

from .score import SAMPLE_RATE


def pan(mono: np.ndarray, position: float) -> np.ndarray:
    """Pan (samples,) to (samples, 2) with equal power; -1 is left, 0 centre, +1 right."""
    angle = (position + 1) * np.pi / 4
    return np.outer(mono, (np.cos(angle), np.sin(angle)))


def room_response(rng: np.random.Generator) -> np.ndarray:
    """Return a room's impulse response (length, 2): exponentially decaying, band-limited noise."""
    decay = rng.uniform(0.25, 0.9)  # seconds to -60 dB
    t = np.arange(round(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.normal(0, 1, (len(t), 2)) * (0.001 ** (t / decay))[:, None]
    tail *= np.clip((t - 0.008) / 0.01, 0, 1)[:, None]
    colour = signal.butter(1, (200, rng.uniform(3000, 6500)), "bandpass", fs=SAMPLE_RATE)
    tail = signal.lfilter(*colour, tail, axis=0)
    return tail / np.sqrt((tail**2).sum(axis=0))


def reverberate(dry: np.ndarray, response: np.ndarray, wet: float) -> np.ndarray:
    """Add reverberation to a signal (samples, 2), ``wet`` times as loud as the signal."""
    send = dry.sum(axis=1, keepdims=True).astype(np.float32) / np.sqrt(2)
    return dry + wet * signal.oaconvolve(send, response.astype(np.float32), axes=0)[: len(dry)]


def match_spectrum(stem: np.ndarray, voice: np.ndarray, depth: float) -> np.ndarray:
    """Equalise a stem in octave bands towards the long-term spectrum of the voice.

    An accompaniment in the same octaves as the singer cannot be removed by a fixed filter.

    Parameters
    ----------
    stem, voice : float arrays, (samples, 2)
        Signal to equalise, and the reference.
    depth : float, in [0, 1]
        0 leaves the stem unchanged; 1 gives it the spectrum of the voice, within 12 dB up or down.

    Returns
    -------
    float array, (samples, 2)
        Equalised stem.
    """
    spectrum = fft.rfft(stem.astype(np.float32), axis=0)
    f = fft.rfftfreq(len(stem), 1 / SAMPLE_RATE)
    band = np.clip(np.round(np.log2(np.maximum(f, 1) / 88)), 0, 7).astype(int)
    have, want = (
        10 * np.log10(np.bincount(band, (np.abs(x) ** 2).sum(axis=1), 8) + 1e-9)
        for x in (spectrum, fft.rfft(voice.astype(np.float32), axis=0))
    )
    change = np.clip(depth * (want - want.max() - have + have.max()), -12, 12)
    gain = np.interp(np.log2(np.maximum(f, 1) / 88), np.arange(8), change)
    return fft.irfft(spectrum * 10 ** (gain[:, None] / 20), len(stem), axis=0)


def brighten(mono: np.ndarray, corner: float, gain: float) -> np.ndarray:
    """Apply a high shelf: add ``gain`` times the content above ``corner`` Hz."""
    shelf = signal.butter(1, corner, "high", fs=SAMPLE_RATE, output="sos")
    return mono + gain * signal.sosfilt(shelf, mono)


def set_level(stem: np.ndarray, decibels: float) -> np.ndarray:
    """Scale to an RMS level in dB; silence remains silence."""
    rms = np.sqrt(np.mean(stem**2))
    return stem * (10 ** (decibels / 20) / rms) if rms > 0 else stem


def master(stems: dict[str, np.ndarray], peak: float) -> dict[str, np.ndarray]:
    """Scale all stems so that their sum peaks at ``peak``; round to multiples of 2^-15."""
    gain = peak / max(np.abs(sum(stems.values())).max(), 1e-9)
    return {name: (np.round(x * gain * 32768) / 32768).astype(np.float32)
            for name, x in stems.items()}
