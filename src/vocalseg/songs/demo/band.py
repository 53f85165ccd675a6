"""Synthesise drums, bass and accompaniment with a few models of instruments."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import signal

from .score import SAMPLE_RATE, Hit, Note


def play_drums(hits: list[Hit], samples: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Synthesise the drum kit; return (samples,) for each piece, so that pieces can be panned."""
    kit = {piece: make(rng) for piece, make in _KIT.items()}
    out: dict[str, np.ndarray] = {}
    for hit in hits:
        sound = kit[hit.piece][rng.integers(len(kit[hit.piece]))]
        _add(out.setdefault(hit.piece, np.zeros(samples)), sound * hit.velocity**1.5, hit.start)
    return out


def play(instrument: str, notes: list[Note], samples: int, rng: np.random.Generator) -> np.ndarray:
    """Synthesise one pitched instrument, mono (samples,), at arbitrary level."""
    out = np.zeros(samples)
    tones: dict[int, np.ndarray] = {}  # of decaying instruments, cut to each note's length
    model = _DECAYING[instrument](rng) if instrument in _DECAYING else _additive(instrument, rng)
    for note in notes:
        hertz = 440 * 2 ** ((note.pitch - 69) / 12)
        if instrument in _DECAYING:
            if note.pitch not in tones:
                tones[note.pitch] = model(hertz, 2.5)
            t = _time(min(note.seconds + 0.1, 2.5))
            tone = tones[note.pitch][: len(t)] * _envelope(t, note.seconds, 0.001, 0.1)
        else:
            tone = model(hertz, note.seconds)
        _add(out, tone * note.velocity, note.start)
    return out


def _time(seconds):
    return np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE


def _add(out, sound, start):
    first = round(start * SAMPLE_RATE)
    sound = sound[: max(len(out) - first, 0)]
    out[first:first + len(sound)] += sound


def _envelope(t, seconds, attack, release):
    """Return an envelope that rises to 1 within ``attack`` and falls to 0 after ``seconds``."""
    return np.clip(t / attack, 0, 1) * np.clip((seconds + release - t) / release, 0, 1)


# --------------------------------------------------------------------------- sums of harmonics


@dataclass(frozen=True)
class _Timbre:
    """Timbre as a sum of harmonics.

    Harmonic k has the amplitude k**-slope, times ``even`` if k is even, times a random weight of at
    least 1 - uneven. Times are in seconds; detune and vibrato are relative to the pitch.
    """

    slope: float
    even: float = 1.0
    uneven: float = 0.3
    attack: float = 0.01
    release: float = 0.05
    decay: float = np.inf  # time constant of the amplitude
    mellow: float = np.inf  # time constant of the upper harmonics
    players: int = 1
    detune: float = 0.0
    vibrato: float = 0.0
    air: float = 0.0  # noise of breath or bow, relative to the tone


_TIMBRES = {
    "bass": _Timbre(1.0, decay=1.5, mellow=0.4, release=0.04),
    "piano": _Timbre(1.1, attack=0.002, decay=1.2, mellow=0.15, players=2, detune=0.0007),
    "organ": _Timbre(0.8, uneven=0.95, vibrato=0.001),
    "pad": _Timbre(1.5, attack=0.25, release=0.3, players=3, detune=0.006),
    "strings": _Timbre(1.0, attack=0.1, release=0.3, players=3, detune=0.004),
    "flute": _Timbre(2.0, even=0.6, attack=0.05, vibrato=0.006, air=0.05),
    "violin": _Timbre(0.9, uneven=0.7, attack=0.04, vibrato=0.009, air=0.02),
    "synth": _Timbre(1.1, even=0.2, vibrato=0.005),
}
_HARMONICS = np.arange(1, 65)
_TABLE_SIZE = 2048


def _additive(instrument, rng) -> Callable:
    """Return a randomised instrument: a function from (hertz, seconds) to a waveform."""
    timbre = _TIMBRES[instrument]
    slope, decay, mellow, vibrato = rng.uniform(0.75, 1.3, 4) * (
        timbre.slope, timbre.decay, timbre.mellow, timbre.vibrato)
    amplitudes = np.where(_HARMONICS % 2, 1, timbre.even) / _HARMONICS**slope
    amplitudes[1:] *= rng.uniform(1 - timbre.uneven, 1, len(amplitudes) - 1)
    rate = rng.uniform(4.5, 6.5)

    def model(hertz, seconds):
        t = _time(seconds + timbre.release)
        shake = np.clip(t / 0.4, 0, 1) * np.sin(2 * np.pi * rate * t)
        bend = vibrato * np.cumsum(shake) / SAMPLE_RATE
        bright, dull = _period(amplitudes, hertz), _period(amplitudes / _HARMONICS, hertz)
        fresh = np.exp(-t / mellow)
        tone = timbre.air * rng.normal(0, 1, len(t)) if timbre.air else np.zeros(len(t))
        for detune in rng.uniform(-1, 1, timbre.players) * timbre.detune:
            cycles = hertz * ((1 + detune) * t + bend) + rng.random()
            tone += fresh * _interpolate(bright, cycles)
            if mellow < np.inf:
                tone += (1 - fresh) * _interpolate(dull, cycles)
        tone *= np.exp(-t / decay) * (1 + 20 * vibrato * shake)
        return tone * _envelope(t, seconds, timbre.attack, timbre.release)

    return model


def _period(amplitudes, hertz):
    """Return one period with the harmonics below 18 kHz, RMS 1, closed for interpolation."""
    amplitudes = amplitudes[: max(int(18_000 / hertz), 1)]
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, complex)
    spectrum[1:len(amplitudes) + 1] = amplitudes * np.exp(1.9j * np.arange(len(amplitudes)) ** 2)
    period = np.fft.irfft(spectrum)
    return np.append(period, period[0]) / np.std(period)


def _interpolate(period, cycles):
    """Interpolate the period linearly at a phase in cycles."""
    position = cycles * _TABLE_SIZE
    whole = position.astype(np.int64)
    first = whole & (_TABLE_SIZE - 1)
    return period[first] + (position - whole) * np.diff(period)[first]


# --------------------------------------------------------------------------- decaying instruments


def _pluck(rng) -> Callable:
    """Plucked string (Karplus & Strong 1983), tuned by an all-pass filter (Jaffe & Smith 1983)."""
    place, life = rng.uniform(0.1, 0.3), rng.uniform(0.8, 3.0)
    soft = signal.butter(1, rng.uniform(2500, 7000), fs=SAMPLE_RATE)

    def model(hertz, seconds):
        period = SAMPLE_RATE / hertz - 0.5
        delay = int(period - 0.2)
        c = (1 - (period - delay)) / (1 + (period - delay))
        loop = 0.5 * 0.001 ** (1 / (life * hertz))
        a = np.zeros(delay + 3)
        a[:2] = 1, c
        a[delay:] -= loop * np.array((c, 1 + c, 1))
        burst = np.zeros(round(seconds * SAMPLE_RATE))
        burst[:delay] = rng.uniform(-1, 1, delay)
        bridge = max(int(place * delay), 1)  # plucking suppresses harmonics with a node there
        burst[bridge:] -= burst[:-bridge].copy()
        tone = signal.lfilter([1, c], a, signal.lfilter(*soft, burst))
        return tone / np.std(tone[: SAMPLE_RATE // 2])

    return model


def _guitar(rng) -> Callable:
    """Plucked string with an overdriven amplifier."""
    string, drive = _pluck(rng), rng.uniform(0.5, 3.0)
    cabinet = signal.butter(2, (90, rng.uniform(3500, 5500)), "bandpass", fs=SAMPLE_RATE)
    return lambda hertz, seconds: signal.lfilter(
        *cabinet, np.tanh(drive * string(hertz, seconds)) / np.tanh(drive))


def _epiano(rng) -> Callable:
    """Electric piano by frequency modulation (Chowning 1973)."""
    index, tine, decay = rng.uniform(0.6, 2.0), rng.integers(7, 15), rng.uniform(0.7, 1.6)

    def model(hertz, seconds):
        t = _time(seconds)
        w = 2 * np.pi * hertz * t
        body = np.sin(w + index * np.exp(-t / 0.4) * np.sin(w))
        ping = 0.25 * np.exp(-t / 0.06) * np.sin(tine * w)
        return (body + ping) * np.exp(-t / decay)

    return model


_DECAYING = {"guitar": _guitar, "pluck": _pluck, "epiano": _epiano}

# --------------------------------------------------------------------------- drums


def _noise(t, low, high, rng):
    band = signal.butter(2, (low, high), "bandpass", fs=SAMPLE_RATE)
    return signal.lfilter(*band, rng.normal(0, 1, len(t)))


def _drum(low, high, drop, decay, rattle, band, fade) -> Callable:
    """Membrane whose pitch falls from ``high`` to ``low`` Hz within ``drop`` s, with noise."""

    def make(rng):
        t = _time(6 * max(decay, fade))
        tune, length = rng.uniform(0.85, 1.15), rng.uniform(0.8, 1.3)
        hertz = tune * (low + (high - low) * np.exp(-t / drop))
        skin = np.sin(2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE) * np.exp(-t / decay)
        noise = rattle * np.exp(-t / (length * fade))
        low_noise, high_noise = band
        return [skin + noise * _noise(t, low_noise, high_noise, rng) for _ in range(3)]

    return make


def _cymbal(low, decay, gain) -> Callable:
    """Noise above ``low`` Hz with a few inharmonic partials."""

    def make(rng):
        t = _time(5 * decay)
        partials = sum(signal.square(2 * np.pi * f * t) for f in rng.uniform(300, 900, 6))
        ring = signal.lfilter(*signal.butter(3, low, "high", fs=SAMPLE_RATE), partials)
        fade = gain * np.exp(-t / decay)
        return [fade * (0.3 * ring + _noise(t, low, 16_000, rng)) for _ in range(3)]

    return make


_KIT = {
    "kick": _drum(48, 180, 0.025, 0.10, 0.6, (1500, 6000), 0.004),
    "tom": _drum(130, 190, 0.06, 0.14, 0.3, (1500, 6000), 0.004),
    "low tom": _drum(85, 130, 0.06, 0.17, 0.3, (1500, 6000), 0.004),
    "snare": _drum(190, 260, 0.02, 0.06, 1.1, (900, 9000), 0.07),
    "rim": _drum(420, 500, 0.01, 0.025, 1.5, (1500, 6000), 0.004),
    "hat": _cymbal(6500, 0.035, 0.35),
    "ride": _cymbal(4500, 0.25, 0.18),
    "crash": _cymbal(3000, 0.7, 0.35),
    "shaker": _cymbal(5000, 0.025, 0.25),
}
