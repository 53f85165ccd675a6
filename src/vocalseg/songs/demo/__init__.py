"""Synthetic songs: a singer over drums, bass and accompaniment, as stems.

    compose -> sing, play -> mix

Every song is drawn from its own generator, so it depends on nothing but seed and number.
"""

import numpy as np

from . import band, mixing, voice
from .score import SAMPLE_RATE, compose

__all__ = ["SAMPLE_RATE", "synthesise", "title"]


def synthesise(seed: int, number: int, seconds: float) -> dict[str, np.ndarray]:
    """The song `number` of the collection `seed` as "vocals", "drums", "bass" and "other".

    Each stem is (round(seconds * 44100), 2) float32 in whole multiples of 1/32768; the mixture,
    their sum, peaks between 0.7 and 0.95. The vocals have an RMS between -5 and -2 dB
    relative to the rest together.
    """
    rng = np.random.default_rng([seed, number])
    samples = round(seconds * SAMPLE_RATE)
    score = compose(seconds, rng)
    room = mixing.room(rng)

    vocals = np.zeros((samples, 2))
    for i, (singer, line) in enumerate(score.lines):
        dry = voice.sing(line, singer, samples, rng)
        dry = mixing.brighten(dry, rng.uniform(2500, 4000), rng.uniform(0.4, 1.4))
        width = 0.1 if i == 0 else 0.5  # the second voice is softer and further from the centre
        vocals += mixing.pan(mixing.level(dry, -7.0 * i), rng.uniform(-width, width))
    drums = np.zeros((samples, 2))
    for piece, dry in band.play_drums(score.drums, samples, rng).items():
        drums += mixing.pan(dry, 0 if piece in ("kick", "snare") else rng.uniform(-0.6, 0.6))
    other = np.zeros((samples, 2))
    for instrument, notes in score.parts:
        dry = band.play(instrument, notes, samples, rng)
        other += mixing.pan(mixing.level(dry, rng.uniform(-5, 0)), rng.uniform(-0.7, 0.7))
    other = mixing.crowd(other, vocals, rng.uniform(0.7, 1.0))
    bass = mixing.pan(band.play("bass", score.bass, samples, rng), 0)

    stems = {
        "drums": mixing.level(mixing.reverberate(drums, room, 0.15), rng.uniform(-12, -8)),
        "bass": mixing.level(bass, rng.uniform(-16, -12)),
        "other": mixing.level(mixing.reverberate(other, room, rng.uniform(0.1, 0.3)), 0),
    }
    loudness = 10 * np.log10(np.mean(sum(stems.values()) ** 2)) + rng.uniform(-5, -2)
    wet = mixing.reverberate(vocals, room, rng.uniform(0.1, 0.3))
    stems = {"vocals": mixing.level(wet, loudness), **stems}
    return mixing.master(stems, peak=rng.uniform(0.72, 0.93))


def title(seed: int, number: int) -> str:
    """An invented "Artist - Title", different for each number in 0..399 of one seed."""
    songs = [f"{a} {b}" for a in _FIRST for b in _SECOND]
    bands = [f"{a} {b}" for a in _WHO for b in _WHAT]
    rng = np.random.default_rng(seed)
    song = songs[rng.permutation(len(songs))[number % len(songs)]]
    artist = bands[rng.permutation(len(bands))[number % len(bands)]]
    return f"{artist} - {song}"


_WHO = ("Copper", "Velvet", "Northern", "Paper", "Silent", "Harbour", "Amber", "Little", "Broken",
        "Marble")
_WHAT = ("Foxes", "Parade", "Lanterns", "Orchard", "Tigers", "Avenue", "Satellites", "Gardeners",
         "Pylons", "Winters")
_FIRST = ("Golden", "Slow", "Midnight", "Another", "Borrowed", "Distant", "Hollow", "Summer",
          "Faded", "Restless", "Electric", "Quiet", "Second", "Burning", "Winter", "Open",
          "Falling", "Crooked", "Silver", "Wild")
_SECOND = ("River", "Letters", "Highway", "Morning", "Mirror", "Garden", "Promise", "Radio",
           "Shadow", "Weather", "Harvest", "Signal", "Station", "Window", "Ocean", "Fever",
           "Circle", "Thunder", "Machine", "Goodbye")
