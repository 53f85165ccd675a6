"""Compose random songs: chords, melody, lyrics, drums, bass and accompaniment."""

from dataclasses import replace

import numpy as np

from .phonetics import CODAS, DIPHTHONGS, ONSETS, VOWELS
from .score import Hit, Note, Score, Singer, Syllable

# Range as MIDI numbers, and ratio of the formant frequencies to a man's.
_VOICES = {
    "soprano": (62, 78, 1.17),
    "alto": (56, 72, 1.13),
    "tenor": (50, 67, 1.03),
    "baritone": (45, 62, 0.98),
    "bass": (41, 57, 0.94),
}
_MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
_PROGRESSIONS = {
    "major": ((0, 4, 5, 3), (0, 5, 3, 4), (5, 3, 0, 4), (0, 3, 1, 4), (0, 2, 3, 4)),
    "minor": ((0, 5, 2, 6), (0, 3, 5, 4), (0, 6, 5, 6), (0, 5, 3, 4), (0, 2, 6, 3)),
    "dorian": ((0, 3, 0, 3), (0, 6, 3, 0), (0, 2, 3, 0)),
    "mixolydian": ((0, 6, 3, 0), (0, 3, 6, 0), (0, 4, 6, 3)),
}
# Strokes of one bar in beats, for each piece of the kit.
_GROOVES = {
    4: (
        {"kick": (0, 2), "snare": (1, 3), "hat": (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)},
        {"kick": (0, 1.5, 2), "snare": (1, 3), "hat": (0, 0.5, 1, 1.5, 2, 2.5, 3)},
        {"kick": (0, 1, 2, 3), "snare": (1, 3), "hat": (0.5, 1.5, 2.5, 3.5)},
        {"kick": (0, 0.75, 2.5), "snare": (2,), "hat": tuple(np.arange(16) / 4)},
        {"kick": (0, 2.5), "snare": (1, 3, 3.75), "ride": (0, 1, 1.5, 2, 3, 3.5)},
        {"kick": (0, 2.5), "rim": (1, 3), "shaker": tuple(np.arange(16) / 4)},
    ),
    3: (
        {"kick": (0,), "snare": (1, 2), "hat": (0, 1, 2)},
        {"kick": (0, 2.5), "snare": (1.5,), "hat": (0, 0.5, 1, 1.5, 2, 2.5)},
    ),
}
_BASS_LINES = {  # (beat, length, scale steps above the root)
    4: (
        ((0, 4, 0),),
        ((0, 1.5, 0), (1.5, 0.5, 0), (2, 2, 0)),
        tuple((b / 2, 0.45, 0) for b in range(8)),
        ((0, 1, 0), (1, 1, 2), (2, 1, 4), (3, 1, 2)),
        ((0, 0.75, 0), (1.5, 0.5, 0), (2.5, 0.5, 4), (3, 1, 0)),
    ),
    3: (((0, 3, 0),), ((0, 1, 0), (1, 1, 4), (2, 1, 4)), ((0, 2, 0), (2, 1, 2))),
}
HELD = ("organ", "pad", "strings")
STRUCK = ("guitar", "pluck", "epiano", "piano")
LEADS = ("flute", "violin", "synth")


def compose(seconds: float, rng: np.random.Generator) -> Score:
    """Compose a song of the given length in seconds, independent of how it will sound."""
    mode = str(rng.choice(list(_MODES), p=(0.4, 0.3, 0.15, 0.15)))
    scale = rng.integers(12) + np.array(_MODES[mode])
    beats = int(rng.choice((4, 4, 4, 3)))
    beat = 60 / rng.uniform(74, 126)
    swing = float(rng.choice((0.5, 0.5, 0.58, 0.66)))
    bars = int(seconds / (beats * beat)) + 1

    def clock(bar: int, position: float) -> float:
        whole, part = divmod(position, 1.0)
        warped = 2 * part * swing if part < 0.5 else swing + (2 * part - 1) * (1 - swing)
        return (bar * beats + whole + warped) * beat

    options = _PROGRESSIONS[mode]
    verse, chorus = (options[i] for i in rng.choice(len(options), 2, replace=False))
    roots = [(chorus if bar // 4 % 2 else verse)[bar % 4] for bar in range(bars)]
    singer = _cast(rng)
    melody = _melody(singer.low, singer.high, scale, roots, beats, clock, rng)
    lines = [(singer, _lyrics(melody, rng))]
    if rng.random() < 0.3:
        lines.append(_harmony(*lines[0], scale, rng))
    drums = _drums(bars, beats, clock, rng)
    bass = _bass(scale, roots, beats, clock, rng)
    centre = int(np.clip((singer.low + singer.high) / 2 + 5, 63, 70))  # within the vowels' range
    parts = _parts(centre, scale, roots, beats, clock, rng)
    if rng.random() < 0.6:
        lead = _melody(singer.low + 3, singer.high + 5, scale, roots, beats, clock, rng)
        parts.append((str(rng.choice(LEADS)), [note for phrase in lead for note in phrase]))
    return Score(lines, drums, bass, parts)


def _cast(rng):
    low, high, tract = _VOICES[str(rng.choice(list(_VOICES)))]
    return Singer(
        low, high, tract * rng.uniform(0.97, 1.03),
        breathiness=10 ** rng.uniform(-1.6, -0.9), effort=rng.uniform(0.35, 0.8),
        rate=rng.uniform(4.8, 6.4), extent=rng.uniform(0.25, 0.8),
        delay=rng.uniform(0.12, 0.35), glide=rng.uniform(0.020, 0.045),
    )


def _melody(low, high, scale, roots, beats, clock, rng):
    """Compose a phrase per two bars: a random walk on the scale, attracted by chord tones."""
    ladder = np.array([p for p in range(low, high + 1) if (p - scale[0]) % 12 in scale - scale[0]])
    steps = 4 * beats  # two bars of quavers
    place = len(ladder) // 2
    phrases, rhythm = [], None
    for bar in range(0, len(roots), 2):
        if rhythm is None or rng.random() < 0.6:
            rhythm = _rhythm(steps, rng)
        phrase = []
        arch = rng.uniform(0.1, 0.3)
        for step, length in rhythm:
            place += int(rng.choice((-4, -2, -1, 0, 1, 2, 3), p=(.06, .14, .26, .1, .24, .14, .06)))
            place = min(max(place, 0), len(ladder) - 1)
            here = min(bar + step // (2 * beats), len(roots) - 1)
            if step % 4 == 0 or length >= 3:
                tones = scale[(roots[here] + np.array((0, 2, 4))) % 7] % 12
                candidates = [i for i, p in enumerate(ladder) if p % 12 in tones]
                place = candidates[int(np.argmin(np.abs(np.array(candidates) - place)))]
            start, end = clock(bar, step / 2), clock(bar, (step + length) / 2)
            loudness = 0.6 + arch * np.sin(np.pi * step / steps) + rng.uniform(-0.12, 0.12)
            phrase.append(Note(start, end - start, int(ladder[place]), float(loudness)))
        phrases.append(phrase)
    return phrases


def _rhythm(steps, rng):
    """Return (first step, length) in quavers of each note of a phrase, which ends with a rest."""
    step = int(rng.integers(0, 3))
    end = steps - int(rng.integers(2, 5))
    notes = []
    while end - step > 4:
        length = int(rng.choice((1, 2, 3), p=(0.55, 0.35, 0.10)))
        notes.append((step, length))
        step += length
    return [*notes, (step, end - step)]


def _lyrics(phrases, rng):
    line = []
    for phrase in phrases:
        for i, note in enumerate(phrase):
            vowel = str(rng.choice(list(VOWELS)))
            glide = vowel
            if rng.random() < 0.25:
                vowel, glide = DIPHTHONGS[rng.integers(len(DIPHTHONGS))]
            onset, coda = str(rng.choice(ONSETS)), str(rng.choice(CODAS))
            scoop = rng.uniform(0.5, 2.5) if i == 0 or rng.random() < 0.25 else 0.0
            fall = rng.uniform(1, 4) if i + 1 == len(phrase) and rng.random() < 0.4 else 0.0
            line.append(Syllable(note, onset, vowel, glide, coda, scoop, fall, i == 0))
    return line


def _harmony(singer, line, scale, rng):
    """Derive a second voice with the same words, a third or a sixth away on the scale."""
    shift = int(rng.choice((2, -2, -5)))
    degrees = {int(p) % 12: i for i, p in enumerate(scale)}

    def moved(note):
        octave, degree = divmod(degrees[note.pitch % 12] + shift, 7)
        interval = scale[degree] + 12 * octave - scale[degrees[note.pitch % 12]]
        start = note.start + rng.normal(0, 0.012)
        return Note(max(start, 0), note.seconds, note.pitch + int(interval), note.velocity - 0.1)

    second = [replace(s, note=moved(s.note), breath=False) for s in line]
    return replace(_cast(rng), tract=singer.tract * rng.uniform(0.96, 1.05)), second


def _drums(bars, beats, clock, rng):
    groove = _GROOVES[beats][rng.integers(len(_GROOVES[beats]))]
    hits = []
    for bar in range(bars):
        fill = bar % 4 == 3 and rng.random() < 0.7
        for piece, positions in groove.items():
            for position in positions:
                if fill and position >= beats - 1:
                    continue
                accent = 1.0 if position % 1 == 0 else 0.7
                start = clock(bar, float(position)) + rng.normal(0, 0.004)
                hits.append(Hit(max(start, 0.0), piece, accent * rng.uniform(0.75, 1.0)))
        if fill:
            for i, piece in enumerate(rng.choice(("snare", "tom", "low tom"), 4)):
                hits.append(Hit(clock(bar, beats - 1 + i / 4), str(piece), 0.6 + 0.1 * i))
        if bar % 4 == 0:
            hits.append(Hit(clock(bar, 0.0), "crash", rng.uniform(0.4, 0.9)))
    return hits


def _bass(scale, roots, beats, clock, rng):
    pattern = _BASS_LINES[beats][rng.integers(len(_BASS_LINES[beats]))]
    notes = []
    for bar, root in enumerate(roots):
        for position, length, above in pattern:
            pitch = 28 + (int(scale[(root + above) % 7]) - 28) % 12 + (12 if above else 0)
            start = clock(bar, position)
            seconds = (clock(bar, position + length) - start) * 0.92
            notes.append(Note(start, seconds, pitch, rng.uniform(0.75, 1.0)))
    return notes


def _parts(centre, scale, roots, beats, clock, rng):
    """Compose two or three accompanying instruments around the pitch ``centre``."""
    players = [str(rng.choice(HELD)), *map(str, rng.choice(STRUCK, 2, replace=False))]
    players = [players[i] for i in sorted(rng.permutation(3)[: rng.integers(2, 4)])]
    seventh = rng.random() < 0.4
    parts = []
    for player in players:
        where = centre + int(rng.integers(-4, 5))
        figure = _held if player in HELD else (_strummed, _arpeggio)[rng.integers(2)]
        accents = [0.0, *sorted(rng.choice(np.arange(1, 2 * beats), beats, replace=False) / 2)]
        notes = []
        for bar, root in enumerate(roots):
            tones = scale[(root + np.array((0, 2, 4, 6)[: 4 if seventh else 3])) % 7]
            chord = sorted(where - 6 + (int(p) - where + 6) % 12 for p in tones)
            chord.append(chord[0] + 12)
            notes += figure(bar, chord, beats, accents, clock, rng)
        parts.append((player, notes))
    return parts


def _held(bar, chord, beats, accents, clock, rng):
    start, end = clock(bar, 0.0), clock(bar + 1, 0.0)
    return [Note(start, end - start, p, rng.uniform(0.6, 0.9)) for p in chord]


def _strummed(bar, chord, beats, accents, clock, rng):
    notes = []
    for here, after in zip(accents, [*accents[1:], float(beats)], strict=True):
        start, seconds = clock(bar, here), clock(bar, after) - clock(bar, here)
        loud = rng.uniform(0.55, 1.0)
        notes += [Note(start + 0.012 * i, seconds, p, loud) for i, p in enumerate(chord)]
    return notes


def _arpeggio(bar, chord, beats, accents, clock, rng):
    order = [*range(len(chord)), *range(len(chord) - 2, 0, -1)]
    quaver = clock(bar, 1.0) - clock(bar, 0.0)
    return [
        Note(clock(bar, i / 2), quaver, chord[order[i % len(order)]], rng.uniform(0.6, 1.0))
        for i in range(2 * beats)
    ]
