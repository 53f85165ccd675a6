"""A composition as plain data: which notes are sung and played, and when."""

from dataclasses import dataclass

SAMPLE_RATE = 44_100  # Hz, of all waveforms; times in a score are in seconds


@dataclass(frozen=True)
class Note:
    """A note.

    Attributes
    ----------
    start, seconds : float
        Start and duration in seconds.
    pitch : int
        MIDI number (69 is 440 Hz).
    velocity : float, in [0, 1]
        Loudness.
    """

    start: float
    seconds: float
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Hit:
    """A stroke on one piece of the drum kit; ``start`` in seconds, ``velocity`` in [0, 1]."""

    start: float
    piece: str
    velocity: float


@dataclass(frozen=True)
class Syllable:
    """A sung note: consonants around a vowel that may glide to a second vowel.

    Attributes
    ----------
    note : Note
        The note.
    onset, vowel, glide, coda : str
        Consonant, vowel, second vowel, consonant; see :mod:`vocalseg.songs.demo.phonetics`.
    scoop, fall : float
        Semitones by which the pitch starts too low, and drops at the end.
    breath : bool
        Whether the singer breathes in before the note, as at the start of a phrase.
    """

    note: Note
    onset: str
    vowel: str
    glide: str
    coda: str
    scoop: float
    fall: float
    breath: bool


@dataclass(frozen=True)
class Singer:
    """A voice.

    Attributes
    ----------
    low, high : int
        Range as MIDI numbers.
    tract : float
        Formant frequencies relative to a man's.
    breathiness : float
        Aspiration noise relative to the tone.
    effort : float, in [0, 1]
        Brightness of the glottal source.
    rate, extent, delay : float
        Vibrato: frequency in Hz, amplitude in semitones, onset in seconds.
    glide : float
        Time constant of the portamento in seconds.
    """

    low: int
    high: int
    tract: float
    breathiness: float
    effort: float
    rate: float
    extent: float
    delay: float
    glide: float


@dataclass(frozen=True)
class Score:
    """A composition.

    Attributes
    ----------
    lines : list of (Singer, list of Syllable)
        Voices, the melody first.
    drums : list of Hit
        Drum strokes.
    bass : list of Note
        Bass line.
    parts : list of (str, list of Note)
        Accompanying instruments with their notes.
    """

    lines: list[tuple[Singer, list[Syllable]]]
    drums: list[Hit]
    bass: list[Note]
    parts: list[tuple[str, list[Note]]]
