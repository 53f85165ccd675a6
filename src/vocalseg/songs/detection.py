"""Decide which entries of a folder are songs.

An entry is either a song or reported with the reason: by :class:`BadInput` if it looks like a song
but cannot be used, by a logged warning if a folder is skipped. Only entries that operating systems
and tools create, and hidden folders without sound, are skipped silently.
"""

import logging
from pathlib import Path
from typing import NamedTuple

from vocalseg.errors import BadInput, printable
from vocalseg.songs import folders, stems
from vocalseg.songs.folders import is_broken_link, is_folder, is_hidden, list_or_empty

SPLITS = ("train", "test")

log = logging.getLogger(__name__)


class FoundSong(NamedTuple):
    """A song's folder or stem file, its split, and "validation" if it is held out of training."""

    path: Path
    split: str
    part: str = ""


def is_song(path: Path) -> bool:
    """Return whether a path is a song: a folder with sound files, or a stem file.

    Parameters
    ----------
    path : Path
        Entry of a folder of songs.

    Returns
    -------
    bool
        False for an entry that does not look like a song.

    Raises
    ------
    BadInput
        If it looks like a song but cannot be one.
    OSError
        If the system denies access, unless the entry is hidden.
    """
    if is_broken_link(path):
        raise BadInput(f"{path}: a broken link; restore its target, or remove it")
    try:
        path.stat()
        if is_folder(path):
            return bool(stems.sound_files(path))
    except PermissionError:
        if is_hidden(path):
            return False
        raise
    if path.suffix.lower() not in stems.SOUND_SUFFIXES:
        return False
    if not stems.is_stem_file(path):
        raise BadInput(
            f"{path}: a sound file outside a song's folder; put mixture and vocals in a folder "
            "named after the song, or move it away"
        )
    if not folders.is_regular(path):
        raise BadInput(f"{path}: not a regular file; replace it, or remove it")
    return True


def has_sound(path: Path) -> bool:
    """Return whether a path is a sound file, or a folder with sound files."""
    if is_folder(path):
        return bool(list_or_empty(stems.sound_files, path))
    return path.suffix.lower() in stems.SOUND_SUFFIXES


def warn_skipped(path: Path, reason: str) -> None:
    """Log a warning that a path is not used, and why."""
    log.warning("%s", printable(f"{path}: skipped: {reason}"))
