"""Synthesise a singing voice from syllables: a glottal source and a time-varying vocal tract.

Source-filter model (Fant 1960; Klatt 1980). The singer's controls are tracks with one value per
frame of HOP samples. The source is computed from them at the sample rate and then filtered in
overlapping blocks.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from .phonetics import BREATH, CONSONANTS, VOWELS
from .score import SAMPLE_RATE, Singer, Syllable

HOP = 256
_FRAME_RATE = SAMPLE_RATE / HOP
_BLOCK = 8 * HOP  # long enough for the decay of a formant with a bandwidth of 60 Hz
_FREQUENCIES = fft.rfftfreq(_BLOCK, 1 / SAMPLE_RATE).astype(np.float32)
_BANDS = [(p.centre, p.octaves) for phones in CONSONANTS.values() for p in phones]


@dataclass
class Tracks:
    """One value per frame: pitch (MIDI number), amplitudes, formants (frames, 3) in Hz."""

    pitch: np.ndarray
    vibrato: np.ndarray
    voicing: np.ndarray
    effort: np.ndarray
    aspiration: np.ndarray
    friction: np.ndarray
    band: np.ndarray
    formants: np.ndarray


def sing(
    line: list[Syllable], singer: Singer, samples: int, rng: np.random.Generator
) -> np.ndarray:
    """Synthesise the voice alone, mono (samples,) float64, at arbitrary level."""
    tracks = _articulate(line, singer, samples // HOP + 2)
    f0, tremolo = _intonation(tracks, singer, rng)
    at = np.arange(samples) / HOP

    def curve(track):
        return np.interp(at, np.arange(len(track)), track)

    pulses, opening = _glottis(curve(f0), rng)
    shimmer = 10 ** (_smooth(rng.normal(0, 1.5, len(f0)), 3) / 20)
    tone = pulses * curve(tracks.voicing * tremolo * shimmer)
    noise = np.diff(rng.normal(0, 1, samples + 1))  # radiation acts as a derivative
    breathy = singer.breathiness * tracks.voicing + 0.2 * tracks.aspiration
    breath = noise * curve(breathy) * np.where(curve(tracks.aspiration) > 0.1, 1.0, opening)
    hiss = rng.normal(0, 1, samples) * curve(tracks.friction)

    tract = _tract(tracks.formants, f0, singer.tract)
    tilt = 900 * 2 ** (3 * tracks.effort)  # louder singing has a brighter source
    source = 0.1 + 0.9 / (1 + 1j * _FREQUENCIES / tilt[:, None].astype(np.float32))
    friction = 0.9 * _filter(hiss, _noise_bands()[tracks.band])
    return _filter(tone, tract * source) + _filter(breath, tract) + friction


def _articulate(line, singer, frames):
    """Place the phones of each syllable on the time axis and smooth the transitions."""
    t = Tracks(
        pitch=np.zeros(frames), vibrato=np.zeros(frames), voicing=np.zeros(frames),
        effort=np.full(frames, 0.5), aspiration=np.zeros(frames), friction=np.zeros(frames),
        band=np.zeros(frames, int), formants=np.tile((500.0, 1500.0, 2500.0), (frames, 1)),
    )

    def frame(seconds):
        return min(max(round(seconds * _FRAME_RATE), 0), frames)

    def lay(phone, start, gain):
        here = slice(frame(start), max(frame(start + phone.seconds), frame(start) + 1))
        t.voicing[here] = gain * phone.voicing
        t.aspiration[here] = gain * phone.aspiration
        t.friction[here] = gain * phone.friction
        t.formants[here] = phone.formants
        if phone.friction:
            t.band[frame(start) - 4:frame(start + phone.seconds) + 4] = _BANDS.index(
                (phone.centre, phone.octaves))

    lengths = [sum(p.seconds for p in CONSONANTS[s.onset]) for s in line]
    for i, s in enumerate(line):
        note = s.note
        gain = 10 ** (16 * (note.velocity - 1) / 20)
        final = i + 1 == len(line) or line[i + 1].breath
        limit = np.inf if i + 1 == len(line) else line[i + 1].note.start - lengths[i + 1]
        coda = CONSONANTS[s.coda] if note.seconds > 0.3 else ()
        end = min(note.start + note.seconds, limit) - sum(p.seconds for p in coda)
        onset = note.start - lengths[i]
        if s.breath:
            lay(BREATH, onset - BREATH.seconds - 0.04, gain)
        for phone in CONSONANTS[s.onset]:
            lay(phone, onset, gain)
            onset += phone.seconds

        vowel, turn = frame(note.start), frame(end - 0.35 * (end - note.start))
        stop = max(frame(end), vowel + 1)
        t.formants[vowel:turn] = VOWELS[s.vowel]
        t.formants[turn:stop] = VOWELS[s.glide]
        time = np.arange(stop - vowel) / _FRAME_RATE
        swell = 1 - 0.35 * np.exp(-time / 0.08)
        if final:
            swell *= np.minimum(1, 0.25 + 1.5 * (1 - time / max(time[-1], 0.01)))
        t.voicing[vowel:stop] = gain * swell
        t.effort[vowel:] = singer.effort + 0.6 * (note.velocity - 0.7)
        t.vibrato[vowel:stop] = np.clip((time - singer.delay) / 0.25, 0, 1)
        t.pitch[frame(note.start - lengths[i]):] = note.pitch - s.scoop
        t.pitch[vowel:] += s.scoop * (1 - np.exp(-np.arange(frames - vowel) / _FRAME_RATE / 0.07))
        fall = np.clip(1 - (end - note.start - time) / 0.25, 0, 1)
        t.pitch[vowel:stop] -= s.fall * fall**2

        for phone in coda:
            lay(phone, end, gain * 0.7)
            end += phone.seconds

    t.pitch[t.pitch == 0] = line[0].note.pitch
    for name, width in (("voicing", 5), ("aspiration", 5), ("friction", 3), ("effort", 15),
                        ("vibrato", 9)):
        setattr(t, name, _smooth(getattr(t, name), width))
    t.formants = _smooth(t.formants, 13)
    return t


def _intonation(tracks, singer, rng):
    """Return the fundamental in Hz and the tremolo (a factor) of the vibrato, per frame.

    The pitch glides with a slight overshoot (a damped second-order system, as in Saitou, Unoki &
    Akagi 2005), and has vibrato, slow drift and jitter.
    """
    frames = len(tracks.pitch)
    pole = np.exp((-1 + 0.6j) / (singer.glide * _FRAME_RATE))
    a = np.real(np.poly((pole, pole.conjugate())))
    first = tracks.pitch[0]
    pitch = first + signal.lfilter([a.sum()], a, tracks.pitch - first)
    rate = singer.rate * (1 + 0.3 * _smooth(rng.normal(0, 1, frames), 61))
    phase = 2 * np.pi * np.cumsum(rate) / _FRAME_RATE
    pitch += singer.extent * tracks.vibrato * np.sin(phase)
    tremolo = 1 + 0.12 * singer.extent * tracks.vibrato * np.sin(phase + 1)
    pitch += 0.9 * _smooth(rng.normal(0, 1, frames), 81) + _smooth(rng.normal(0, 0.08, frames), 3)
    return 440 * 2 ** ((pitch - 69) / 12), tremolo


def _glottis(f0, rng):
    """Return the derivative of the glottal flow and the opening of the glottis (0 to 1).

    Rosenberg's (1971) trigonometric pulse, opening for 40 % and closing for 12 % of the period; one
    table per octave of f0 keeps its harmonics below 18 kHz.
    """
    size = 2048
    t = np.arange(size) / size
    flow = np.where(t < 0.40, 0.5 - 0.5 * np.cos(np.pi * t / 0.40),
                    np.cos(np.clip((t - 0.40) / 0.12, 0, 1) * np.pi / 2))
    order = np.arange(size // 2 + 1)
    spectrum = 1j * order * fft.rfft(flow)
    phase = np.cumsum(f0) / SAMPLE_RATE % 1.0
    level = np.log2(18_000 / f0)
    pulses = np.zeros_like(f0)
    grid = np.append(t, 1.0)
    for octave in range(int(level.min()), int(level.max()) + 1):
        limit = 2 ** (octave + 0.5)
        table = fft.irfft(np.where(order < limit, spectrum, 0), size)
        here = np.floor(level) == octave
        pulses[here] = np.interp(phase[here], grid, np.append(table, table[0]))
    return pulses / np.std(pulses), np.interp(phase, grid, np.append(flow, 0.0))


def _tract(formants, f0, scale):
    """Return the transfer function of the vocal tract, (frames, bins): a cascade of resonators.

    There are three moving formants, a fixed one above them (the singer's formant), and the equally
    spaced resonances of a uniform tube (Fant 1960). F1 is at least the fundamental, since singers
    open the jaw for high notes (Sundberg 1975).
    """
    low = formants * scale
    low[:, 0] = np.maximum(low[:, 0], f0)
    f = _FREQUENCIES
    response = np.ones((1, len(f)), np.complex64)
    for centre in np.arange(4.5, 100) * 1000 * scale:  # inaudible ones affect audible frequencies
        response = response * _resonance(np.array([centre]), 0.08 * centre, f)
    response = response * _resonance(np.array([3400 * scale]), 250.0, f)
    for i, width in enumerate((80.0, 120.0, 200.0)):
        response = response * _resonance(low[:, i], width, f)
    return response


def _resonance(centre, width, f):
    """Return a pole pair with centre and bandwidth in Hz and unity gain at 0 Hz."""
    square = (centre**2 + width**2 / 4)[:, None].astype(np.float32)
    return square / (square - f**2 + np.complex64(1j * width) * f)


def _noise_bands():
    """Return the magnitude of the friction noise of every phone, (phones, bins)."""
    octaves = np.log2(np.maximum(_FREQUENCIES, 20))
    rows = [np.exp(-0.5 * ((octaves - np.log2(c)) / w) ** 2) for c, w in _BANDS]
    return np.array(rows, np.float32)


def _filter(x, response):
    """Filter x (samples,) with one response per frame, cross-faded between frames."""
    frames = len(response)
    padded = np.zeros((frames + 1) * HOP, np.float32)
    padded[HOP:HOP + len(x)] = x[:frames * HOP]
    halves = padded.reshape(-1, HOP)
    blocks = np.concatenate((halves[:-1], halves[1:]), axis=1)
    blocks *= signal.get_window("hann", 2 * HOP).astype(np.float32)
    ringing = fft.irfft(fft.rfft(blocks, _BLOCK) * response, _BLOCK).reshape(frames, -1, HOP)
    out = np.zeros((frames + _BLOCK // HOP, HOP), np.float32)
    for i in range(_BLOCK // HOP):
        out[i:i + frames] += ringing[:, i]
    return out.ravel()[HOP:HOP + len(x)].astype(float)


def _smooth(track, width):
    """Return a running Hann-weighted mean over ``width`` frames (odd), along the first axis."""
    weights = np.hanning(width + 2)[1:-1]
    weights = weights / weights.sum()
    padded = np.pad(track, [(width // 2, width // 2)] + [(0, 0)] * (track.ndim - 1), mode="edge")
    kernel = weights.reshape(-1, *[1] * (track.ndim - 1))
    return signal.convolve(padded, kernel, mode="valid")
