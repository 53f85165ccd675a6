"""The files of a song: find its stems, check them, and read them.

A song is a folder with a file for each stem, or a stem file of MUSDB18.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from vocalseg import audio
from vocalseg.errors import BadInput
from vocalseg.songs import folders
from vocalseg.songs.musdb import STREAMS, SUFFIX

#: Suffixes of formats that are readable on every system: by libsndfile, and M4A by ffmpeg.
STEM_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a")

#: Suffixes, in any case, of files that are taken for sound; libsndfile or ffmpeg may read them.
SOUND_SUFFIXES = frozenset(
    (
        *STEM_SUFFIXES,
        ".wave", ".w64", ".rf64", ".bwf", ".aif", ".aiff", ".aifc", ".au", ".snd", ".caf",
        ".oga", ".opus", ".mp2", ".mp4", ".m4b", ".mov", ".aac", ".ac3", ".eac3", ".alac", ".wma",
        ".webm", ".mka", ".mkv", ".flv", ".ape", ".wv", ".tta", ".dsf", ".amr", ".3gp",
    )
)  # fmt: skip

#: Lossy files of one song may differ in length by an encoder's padding, but not by more.
PADDING_SECONDS = 0.1


class Source(NamedTuple):
    """An audio stream of a file."""

    path: Path
    stream: int = 0


def is_stem_file(path: Path) -> bool:
    """Return whether a path has the suffix of a stem file, in any case."""
    return path.name.lower().endswith(SUFFIX)


def name(song: Path) -> str:
    """Return a song's name: that of its folder, or of its stem file without the suffix."""
    return song.name[: -len(SUFFIX)] if is_stem_file(song) else song.name


def sound_files(song: Path) -> list[Path]:
    """List the files of a folder that have a suffix of sound, including broken links.

    Parameters
    ----------
    song : Path
        A song's folder.

    Returns
    -------
    list of Path
        Sorted by name.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    return [
        path
        for path in folders.entries(song)
        if path.suffix.lower() in SOUND_SUFFIXES and not folders.is_folder(path)
    ]


def stem_file(song: Path, stem: str) -> Path:
    """Find the file of a stem in a song's folder; a stem file holds all stems.

    Parameters
    ----------
    song : Path
        A song's folder or stem file.
    stem : str
        Name of the stem.

    Returns
    -------
    Path
        The only file with this name.

    Raises
    ------
    BadInput
        If there is no such file or more than one, or if it is not an accessible regular file.
    """
    if folders.is_regular(song):
        return song
    found = _files_named(song, stem)
    if not found:
        first, *others = STEM_SUFFIXES
        raise BadInput(
            f"{song}: no {stem} stem; add {stem}{first} (or {', '.join(others)}), or remove the "
            "song's folder"
        )
    if len(found) > 1:
        raise BadInput(f"{song}: {' and '.join(p.name for p in found)}; keep one of them")
    if not folders.is_regular(found[0]):
        what = "a broken link" if folders.is_broken_link(found[0]) else "not a readable file"
        raise BadInput(f"{found[0]}: {what}; replace it with the file, or give yourself access")
    return found[0]


def sources(song: Path, stem: str) -> list[Source]:
    """List the streams whose sum is a stem: its file, or all other stems for a missing mixture.

    Parameters
    ----------
    song : Path
        A song's folder or stem file.
    stem : str
        Name of the stem.

    Returns
    -------
    list of Source
        At least one.

    Raises
    ------
    BadInput
        As :func:`stem_file`.
    """
    if song.is_file():
        return [Source(song, STREAMS.index(stem))]
    if stem == "mixture" and not _files_named(song, stem):
        parts = [p for p in STREAMS if p != "mixture"]
        if all(_files_named(song, part) for part in parts):
            return [Source(stem_file(song, part)) for part in parts]
    return [Source(stem_file(song, stem))]


def files(song: Path) -> list[Path]:
    """Return the files that are read for mixture and vocals, without duplicates."""
    both = (*sources(song, "mixture"), *sources(song, "vocals"))
    return list(dict.fromkeys(source.path for source in both))


def check(song: Path) -> tuple[int, int, int]:
    """Check that the stems of a song match, from their files' headers.

    Parameters
    ----------
    song : Path
        A song's folder or stem file.

    Returns
    -------
    samples : int
        Length of the shortest stem.
    sample_rate : int
        Rate in Hz.
    channels : int
        1 or 2.

    Raises
    ------
    BadInput
        If stems differ in rate, channels or length, or have more than two channels.
    """
    first, *others = (*sources(song, "mixture"), *sources(song, "vocals"))
    reference = first.path.stem if song.is_dir() else "mixture"
    samples, rate, channels = audio.properties(*first)
    shortest = samples
    for source in others:
        length, *form = audio.properties(*source)
        if form != [rate, channels]:
            raise BadInput(
                f"{source.path}: {form[0]} Hz, {form[1]} channel(s), but the {reference} has "
                f"{rate} Hz, {channels}; export both stems with the same format"
            )
        if abs(samples - length) > PADDING_SECONDS * rate:
            raise BadInput(
                f"{source.path}: {length / rate:.2f} s long, but the {reference} has "
                f"{samples / rate:.2f} s; export both stems with the same start and end"
            )
        shortest = min(shortest, length)
    if channels > 2:
        raise BadInput(f"{first.path}: {channels} channels; mix it down to mono or stereo")
    return shortest, rate, channels


def read(song: Path) -> tuple[np.ndarray, np.ndarray, int]:
    """Read mixture and vocals of a song.

    Parameters
    ----------
    song : Path
        A song's folder or stem file.

    Returns
    -------
    mixture, vocals : float32 arrays, (samples, channels)
        Waveforms of equal length.
    sample_rate : int
        Rate in Hz.

    Raises
    ------
    BadInput
        As :func:`check` and :func:`vocalseg.audio.read`.
    """
    _, rate, _ = check(song)
    mixture, vocals = (_read_sum(sources(song, stem)) for stem in ("mixture", "vocals"))
    samples = min(len(mixture), len(vocals))
    return mixture[:samples], vocals[:samples], rate


def _read_sum(parts: list[Source]) -> np.ndarray:
    total, _ = audio.read(*parts[0])
    for part in parts[1:]:
        waveform, _ = audio.read(*part)
        samples = min(len(total), len(waveform))
        total = total[:samples] + waveform[:samples]
    return total


def _files_named(song: Path, stem: str) -> list[Path]:
    """Return the sound files whose name, in any case, is that of a stem."""
    return [path for path in sound_files(song) if path.stem.lower() == stem]
