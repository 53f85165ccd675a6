"""Synthetic songs as stems: a singer, drums, bass and accompanying instruments.

A song is composed (:mod:`~vocalseg.songs.demo.composition`), sung and played
(:mod:`~vocalseg.songs.demo.voice`, :mod:`~vocalseg.songs.demo.band`), and mixed
(:mod:`~vocalseg.songs.demo.mixing`). Every song has its own random generator, so it depends only on
seed and number.
"""

import numpy as np

from . import band, mixing, voice
from .composition import compose
from .score import SAMPLE_RATE

__all__ = ["SAMPLE_RATE", "synthesise", "title"]


def synthesise(seed: int, number: int, seconds: float) -> dict[str, np.ndarray]:
    """Synthesise song ``number`` of the collection ``seed``.

    Parameters
    ----------
    seed, number : int
        Seed of the collection; number of the song.
    seconds : float
        Length.

    Returns
    -------
    dict of float32 arrays, (round(44100 * seconds), 2)
        "vocals", "drums", "bass" and "other", in multiples of 1/32768. Their sum, the mixture,
        peaks between 0.7 and 0.95. The RMS of the vocals is between -5 and -2 dB relative to that
        of the rest.
    """
    rng = np.random.default_rng([seed, number])
    samples = round(seconds * SAMPLE_RATE)
    score = compose(seconds, rng)
    room = mixing.room_response(rng)

    vocals = np.zeros((samples, 2))
    for i, (singer, line) in enumerate(score.lines):
        dry = voice.sing(line, singer, samples, rng)
        dry = mixing.brighten(dry, rng.uniform(2500, 4000), rng.uniform(0.4, 1.4))
        width = 0.1 if i == 0 else 0.5  # the second voice is quieter and further from the centre
        vocals += mixing.pan(mixing.set_level(dry, -7.0 * i), rng.uniform(-width, width))
    drums = np.zeros((samples, 2))
    for piece, dry in band.play_drums(score.drums, samples, rng).items():
        drums += mixing.pan(dry, 0 if piece in ("kick", "snare") else rng.uniform(-0.6, 0.6))
    other = np.zeros((samples, 2))
    for instrument, notes in score.parts:
        dry = band.play(instrument, notes, samples, rng)
        other += mixing.pan(mixing.set_level(dry, rng.uniform(-5, 0)), rng.uniform(-0.7, 0.7))
    other = mixing.match_spectrum(other, vocals, rng.uniform(0.7, 1.0))
    bass = mixing.pan(band.play("bass", score.bass, samples, rng), 0)

    stems = {
        "drums": mixing.set_level(mixing.reverberate(drums, room, 0.15), rng.uniform(-12, -8)),
        "bass": mixing.set_level(bass, rng.uniform(-16, -12)),
        "other": mixing.set_level(mixing.reverberate(other, room, rng.uniform(0.1, 0.3)), 0),
    }
    loudness = 10 * np.log10(np.mean(sum(stems.values()) ** 2)) + rng.uniform(-5, -2)
    wet = mixing.reverberate(vocals, room, rng.uniform(0.1, 0.3))
    stems = {"vocals": mixing.set_level(wet, loudness), **stems}
    return mixing.master(stems, peak=rng.uniform(0.72, 0.93))


def title(seed: int, number: int) -> str:
    """Return an invented "Artist - Title", unique among the numbers 0 to 399 of a seed."""
    songs = [f"{a} {b}" for a in _TITLE_ADJECTIVES for b in _TITLE_NOUNS]
    bands = [f"{a} {b}" for a in _ARTIST_ADJECTIVES for b in _ARTIST_NOUNS]
    rng = np.random.default_rng(seed)
    song = songs[rng.permutation(len(songs))[number % len(songs)]]
    artist = bands[rng.permutation(len(bands))[number % len(bands)]]
    return f"{artist} - {song}"


_ARTIST_ADJECTIVES = (
    "Copper", "Velvet", "Northern", "Paper", "Silent", "Harbour", "Amber", "Little", "Broken",
    "Marble",
)  # fmt: skip
_ARTIST_NOUNS = (
    "Foxes", "Parade", "Lanterns", "Orchard", "Tigers", "Avenue", "Satellites", "Gardeners",
    "Pylons", "Winters",
)  # fmt: skip
_TITLE_ADJECTIVES = (
    "Golden", "Slow", "Midnight", "Another", "Borrowed", "Distant", "Hollow", "Summer", "Faded",
    "Restless", "Electric", "Quiet", "Second", "Burning", "Winter", "Open", "Falling", "Crooked",
    "Silver", "Wild",
)  # fmt: skip
_TITLE_NOUNS = (
    "River", "Letters", "Highway", "Morning", "Mirror", "Garden", "Promise", "Radio", "Shadow",
    "Weather", "Harvest", "Signal", "Station", "Window", "Ocean", "Fever", "Circle", "Thunder",
    "Machine", "Goodbye",
)  # fmt: skip
