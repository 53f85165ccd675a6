"""One song on disk: which files are its stems, are they sound, and reading them."""

from pathlib import Path

import numpy as np

from vocalseg import audio
from vocalseg.errors import BadInput

#: What libsndfile reads on every system.
FORMATS = (".wav", ".flac", ".mp3", ".ogg")

#: Lossy files of one song may differ by an encoder's padding; more is another recording.
PADDING_SECONDS = 0.1


def stem_file(song: Path, stem: str) -> Path:
    """The file of a stem in a song's folder.

    Raises
    ------
    BadInput
        If there is none, or more than one.
    """
    found = [p for p in (song / f"{stem}{suffix}" for suffix in FORMATS) if p.is_file()]
    if not found:
        raise BadInput(
            f"{song}: no {stem} stem; add {stem}{FORMATS[0]} (or {', '.join(FORMATS[1:])}), "
            "or remove the song's folder"
        )
    if len(found) > 1:
        raise BadInput(f"{song}: {' and '.join(p.name for p in found)}; keep one of them")
    return found[0]


def check(song: Path) -> tuple[int, int, int]:
    """Samples, rate and channels of a song, from its files' headers.

    Raises
    ------
    BadInput
        If mixture and vocals are not one recording: rate, channels or length differ.
    """
    mixture, vocals = stem_file(song, "mixture"), stem_file(song, "vocals")
    samples, rate, channels = audio.properties(mixture)
    vocal_samples, *vocal_form = audio.properties(vocals)
    if vocal_form != [rate, channels]:
        raise BadInput(
            f"{vocals}: {vocal_form[0]} Hz, {vocal_form[1]} channel(s), but the mixture has "
            f"{rate} Hz, {channels}; export both stems alike"
        )
    if channels > 2:
        raise BadInput(f"{mixture}: {channels} channels; mix it down to mono or stereo")
    if abs(samples - vocal_samples) > PADDING_SECONDS * rate:
        raise BadInput(
            f"{vocals}: {vocal_samples / rate:.2f} s long, but the mixture {samples / rate:.2f} s; "
            "export both stems from the same start to the same end"
        )
    return min(samples, vocal_samples), rate, channels


def read(song: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Mixture and vocals of a song.

    Returns
    -------
    mixture, vocals : float32 arrays, (samples, channels)
    sample_rate : int
        In Hz.

    Raises
    ------
    BadInput
        As :func:`check` and :func:`vocalseg.audio.read` do.
    """
    samples, rate, _ = check(song)
    mixture, _ = audio.read(stem_file(song, "mixture"))
    vocals, _ = audio.read(stem_file(song, "vocals"))
    return mixture[:samples], vocals[:samples], rate
