"""What lies in a folder: found by name, without what operating systems leave there."""

import stat
import unicodedata
from collections.abc import Callable, Iterable
from os import stat_result
from pathlib import Path

#: Folders that operating systems, network drives and tools make, in lower case.
SYSTEM_FOLDERS = frozenset(
    name.casefold()
    for name in (
        # Unix, Windows, macOS
        "lost+found", ".Trash", "$RECYCLE.BIN", "RECYCLER", "RECYCLED", "found.000",
        "System Volume Information", "__MACOSX", ".Trashes", ".Spotlight-V100", ".fseventsd",
        ".DocumentRevisions-V100", ".TemporaryItems", ".AppleDouble", ".AppleDB", ".AppleDesktop",
        "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder",
        # Synology, QNAP, NetApp, ZFS
        "@eaDir", "@tmp", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", ".@__thumb",
        ".streams", ".snapshot", ".zfs",
        # Tools
        ".git", ".dvc", ".cache", ".thumbnails", ".stversions", ".stfolder", ".ipynb_checkpoints",
        "__pycache__",
    )
)  # fmt: skip


def status(path: Path) -> stat_result | None:
    """What the system knows of a path, links followed; None where it is not there or not shown."""
    try:
        return path.stat()
    except (OSError, ValueError):  # ValueError: a null character
        return None


def is_folder(path: Path) -> bool:
    """Whether a path is a folder that the system shows, links followed."""
    found = status(path)
    return found is not None and stat.S_ISDIR(found.st_mode)


def is_regular(path: Path) -> bool:
    """Whether a path is a regular file that the system shows, links followed."""
    found = status(path)
    return found is not None and stat.S_ISREG(found.st_mode)


def is_broken_link(path: Path) -> bool:
    """Whether a path is a link whose target is not there, or that leads back to itself."""
    try:
        return path.is_symlink() and status(path) is None
    except (OSError, ValueError):
        return False


def is_hidden(path: Path) -> bool:
    """Whether file managers hide a path."""
    return path.name.startswith(".")


def is_system_entry(path: Path) -> bool:
    """Whether a path is there for an operating system or a tool, not for its content."""
    name = path.name.casefold()
    if name in SYSTEM_FOLDERS or name.startswith(".trash-"):
        return True
    # "._song.wav" holds a Mac's attributes of "song.wav"; ".#song" is an editor's lock.
    return name.startswith(".#") or (name.startswith("._") and not is_folder(path))


def entries(folder: Path) -> list[Path]:
    """What lies in a folder, sorted by name, without what systems leave there.

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    return sorted(path for path in folder.iterdir() if not is_system_entry(path))


def find_entry(folder: Path, name: str) -> Path | None:
    """The entry with this name, else the only one whose name differs just in case.

    None if there is none, or if the folder cannot be listed.
    """
    if status(folder / name) or is_broken_link(folder / name):
        return folder / name
    try:
        found = [path for path in entries(folder) if path.name.casefold() == name.casefold()]
    except OSError:
        return None
    return found[0] if len(found) == 1 else None


def to_nfc(name: str) -> str:
    """A name in Unicode's form NFC: the same for names that look the same."""
    return unicodedata.normalize("NFC", name)


def normalize_name(name: str) -> str:
    """A name without what people and spreadsheets change: Unicode form, case, outer blanks."""
    return to_nfc(to_nfc(name).casefold()).strip()


def list_or_empty(function: Callable[..., Iterable[Path]], *arguments: Path) -> Iterable[Path]:
    """What a function finds, or nothing where it cannot read or understand what is there."""
    try:
        return function(*arguments)
    except (OSError, ValueError):  # BadInput is a ValueError
        return []
