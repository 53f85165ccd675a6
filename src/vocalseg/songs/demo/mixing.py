"""From dry parts to the four stems: place, room, levels, sixteen bits."""

import numpy as np
from scipy import fft, signal

from .score import SAMPLE_RATE


def pan(mono: np.ndarray, position: float) -> np.ndarray:
    """(samples,) to (samples, 2) at equal power; position -1 is left, 0 centre, +1 right."""
    angle = (position + 1) * np.pi / 4
    return np.outer(mono, (np.cos(angle), np.sin(angle)))


def room(rng: np.random.Generator) -> np.ndarray:
    """Impulse response (length, 2) of a room: exponentially decaying noise, duller as it fades."""
    decay = rng.uniform(0.25, 0.9)  # seconds to -60 dB
    t = np.arange(round(decay * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.normal(0, 1, (len(t), 2)) * (0.001 ** (t / decay))[:, None]
    tail *= np.clip((t - 0.008) / 0.01, 0, 1)[:, None]
    colour = signal.butter(1, (200, rng.uniform(3000, 6500)), "bandpass", fs=SAMPLE_RATE)
    tail = signal.lfilter(*colour, tail, axis=0)
    return tail / np.sqrt((tail**2).sum(axis=0))


def reverberate(dry: np.ndarray, response: np.ndarray, wet: float) -> np.ndarray:
    """Add the room's answer to (samples, 2), `wet` times as loud as the sound itself."""
    send = dry.sum(axis=1, keepdims=True).astype(np.float32) / np.sqrt(2)
    return dry + wet * signal.oaconvolve(send, response.astype(np.float32), axes=0)[: len(dry)]


def crowd(stem: np.ndarray, voice: np.ndarray, depth: float) -> np.ndarray:
    """Equalise (samples, 2) towards the long-term spectrum of the voice, in octave bands.

    An accompaniment that fills the very octaves of the singer cannot be filtered away; depth 0
    leaves it as it is, 1 gives it the spectrum of the voice, within 12 dB up or down.
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
    """A high shelf: add `gain` times what lies above `corner` Hz."""
    shelf = signal.butter(1, corner, "high", fs=SAMPLE_RATE, output="sos")
    return mono + gain * signal.sosfilt(shelf, mono)


def level(stem: np.ndarray, decibels: float) -> np.ndarray:
    """Scale to an RMS level in dB; silence stays silence."""
    rms = np.sqrt(np.mean(stem**2))
    return stem * (10 ** (decibels / 20) / rms) if rms > 0 else stem


def master(stems: dict[str, np.ndarray], peak: float) -> dict[str, np.ndarray]:
    """One gain for all, so that their sum peaks at `peak`; then whole multiples of 2^-15."""
    gain = peak / max(np.abs(sum(stems.values())).max(), 1e-9)
    return {name: (np.round(x * gain * 32768) / 32768).astype(np.float32)
            for name, x in stems.items()}
