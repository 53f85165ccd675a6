"""What in a folder of songs is a song.

A song is taken, or named with the reason: by :class:`BadInput` where something that looks like a
song cannot be used, by a logged warning where a folder is passed over. Only what systems and tools
leave behind, and hidden folders without sound, are passed over silently.
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
    """Whether a path is a song: a folder with sound files, or a stem file.

    Raises
    ------
    BadInput
        If it looks like a song but cannot be one.
    OSError
        If the system refuses to show it, unless it is hidden.
    """
    if is_broken_link(path):
        raise BadInput(f"{path}: a link whose target is not there; bring it back, or remove it")
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
            f"{path}: a sound file on its own; put mixture and vocals in a folder named after the "
            "song, or move it away"
        )
    if not folders.is_regular(path):
        raise BadInput(f"{path}: not a regular file; replace it, or remove it")
    return True


def has_sound(path: Path) -> bool:
    """Whether a path is a sound file, or a folder with some."""
    if is_folder(path):
        return bool(list_or_empty(stems.sound_files, path))
    return path.suffix.lower() in stems.SOUND_SUFFIXES


def warn_skipped(path: Path, reason: str) -> None:
    """Say that a path is not used, and why."""
    log.warning("%s", printable(f"{path}: passed over: {reason}"))
